"""The assessment roll: complete, to the dollar, streamed, and with owners only for those who may see them."""

import csv
import io
import json

import openpyxl
import pypdf
import pytest
from django.db.models import Sum
from django.utils import timezone

from reporting.roll import listing as assessment_roll
from reporting.roll import roll_reader
from reporting.roll import work as make_assessment_roll
from reporting.roll.listing import ControlTotals, RollEntry, roll_columns
from terrafusion.jobs.api.submit import retry
from terrafusion.jobs.models import Job
from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.roll.models import AssessedValue, CertifiedRoll, Property
from tests.factories import OwnerFactory, UserFactory, a_user, client_of
from tests.valuation.roll import a_house

from .conftest import RUN
from .roll import TAX_YEAR, an_assessed_market, assessed

pytestmark = pytest.mark.django_db
ROLL = "assessment_roll"
AMOUNTS = ("market_land", "market_improvement", "market_total", "exempt_value", "taxable_value")


@pytest.fixture
def supervisor(county):
    return client_of(a_user("supervisor", county, role="supervisor"))


def records(data):
    return list(csv.DictReader(io.StringIO(data.decode())))


def test_every_property_of_the_year_stands_on_it_in_the_order_of_parcel_numbers(report, content, county, monkeypatch):
    monkeypatch.setattr(roll_reader, "BATCH", 7)  # several pages
    an_assessed_market(county)
    Property.objects.filter(property_id__in=["7003", "7004", "7005"]).update(parcel_number="1-twin")

    rows = records(content(report(ROLL, format="csv")))

    expected = Property.objects.order_by("parcel_number", "pk").values_list("property_id", flat=True)
    assert [each["property_id"] for each in rows] == list(expected)
    database = AssessedValue.objects.filter(tax_year=TAX_YEAR).aggregate(**{amount: Sum(amount) for amount in AMOUNTS})
    assert {amount: sum(int(row[amount]) for row in rows) for amount in AMOUNTS} == database


def test_a_row_is_what_the_roll_holds(report, content, county):
    house = a_house(
        county, 1, property_class="residential", tax_code_area="1210", use_code="11", acres="0.2500",
        legal_description="LOT 1", situs_city="Kennewick",
    )  # fmt: skip
    house.save()
    AssessedValue.objects.bulk_create(
        [
            assessed(house, TAX_YEAR - 1, 200_000, taxable_value=190_000),
            assessed(house, TAX_YEAR, 999),
            assessed(house, TAX_YEAR, 180_000, supplement=1, exempt_value=30_000, taxable_value=150_000),
        ]
    )

    (row,) = json.loads(content(report(ROLL, format="json")))["tables"]["properties"]

    assert row == {
        "property_id": "1", "parcel_number": "1-00001-000", "situs_address": "101 Orchard Way",
        "situs_city": "Kennewick", "zip_code": "99336", "legal_description": "LOT 1", "tax_code_area": "1210",
        "use_code": "11", "property_class": "residential", "acres": 0.25, "market_land": 45_000,
        "market_improvement": 135_000, "market_total": 180_000, "current_use_value": None, "new_construction": 0,
        "exempt_value": 30_000, "taxable_value": 150_000, "prior_total": 200_000, "prior_taxable": 190_000,
        "change": -20_000, "change_percent": -10.0,
    }  # fmt: skip


def test_control_totals_by_class_and_area_equal_the_database(report, content, county):
    an_assessed_market(county)
    an_assessed_market(county, neighborhood="3050", first=8000)
    Property.objects.filter(neighborhood="3050").update(property_class="vacant", tax_code_area="")

    tables = json.loads(content(report(ROLL, format="json")))["tables"]

    for name, field, empty in (
        ("control_totals_by_class", "property_class", None),
        ("control_totals_by_tax_area", "tax_code_area", "(not given)"),
    ):
        for record in tables[name]:
            values = AssessedValue.objects.filter(tax_year=TAX_YEAR)
            if record["label"] != "Total":
                wanted = "" if record["label"] == empty else record["label"]
                values = values.filter(**{f"roll_property__{field}": wanted})
            assert {amount: record[amount] for amount in AMOUNTS} == values.aggregate(
                **{amount: Sum(amount) for amount in AMOUNTS}
            )
            assert record["properties"] == values.count()


def test_a_roll_that_changes_while_it_is_read_is_not_delivered(client, county, monkeypatch):
    an_assessed_market(county)
    real = make_assessment_roll.totals_in_database

    def meanwhile(*arguments):
        totals = real(*arguments)
        value = AssessedValue.objects.filter(tax_year=TAX_YEAR).first()
        AssessedValue.objects.filter(pk=value.pk).update(taxable_value=value.taxable_value + 1)
        return totals

    monkeypatch.setattr(make_assessment_roll, "totals_in_database", meanwhile)
    client.post(RUN, {"report_type": ROLL, "county_id": county.pk, "parameters": {"format": "csv"}}, format="json")
    run_next_job()

    assert "the roll changed while it was read" in Job.objects.get().message


def test_every_format_holds_the_same_roll(report, content, county):
    an_assessed_market(county)
    rows = records(content(report(ROLL, format="csv")))

    listed = json.loads(content(report(ROLL, format="json")))["tables"]["properties"]
    assert [{name: "" if each is None else str(each) for name, each in row.items()} for row in listed] == rows
    sheet = openpyxl.load_workbook(io.BytesIO(content(report(ROLL, format="xlsx"))))["Roll"]
    cells = list(sheet.values)
    assert sheet.freeze_panes == "A2"
    for cell, text in zip(cells[5], rows[4].values(), strict=True):
        # A workbook keeps 16 digits of a number.
        assert (cell or "") == text or cell == pytest.approx(float(text), rel=1e-15)
    assert isinstance(cells[5][cells[0].index("Total")], int)
    assert isinstance(cells[5][0], str), "a property's key is no number"
    pdf = pypdf.PdfReader(io.BytesIO(content(report(ROLL))))
    text = "".join(page.extract_text() for page in pdf.pages)
    assert all(row["parcel_number"] in text for row in rows)


def test_a_long_roll_as_pdf_has_its_listing_beside_it(report, content, county, monkeypatch):
    monkeypatch.setattr(make_assessment_roll, "LISTED_ON_PAGES", 20)
    an_assessed_market(county)

    job = report(ROLL)

    assert job["result"]["result_location"].endswith(".pdf")
    assert len(records(content(job, ".csv"))) == 100


def test_a_csv_roll_says_beside_it_how_it_was_made(report, content, county):
    an_assessed_market(county)

    about = content(report(ROLL, format="csv"), "_about.csv").decode()

    for name in ("data_as_of", "config_digest", "input_digest", "software", "Control totals by class"):
        assert name in about


# --- Owners ---


def give_owners(county):
    houses = an_assessed_market(county, sales=2, unsold=1)
    OwnerFactory(roll_property=houses[0], name="=SMITH, ADA", share="0.5")
    OwnerFactory(roll_property=houses[0], name="JONES, BEN", share="0.5")
    OwnerFactory(roll_property=houses[1], name="HIDDEN, CAL", confidential=True)


def test_owner_names_only_with_the_permission(client, supervisor, report, content, county):
    give_owners(county)
    body = {"report_type": ROLL, "county_id": county.pk, "parameters": {"include_owner_names": True, "format": "csv"}}
    refused = client.post(RUN, body, format="json")

    assert refused.status_code == 403
    assert "view_owner_names" in refused.json()["detail"]
    assert b"SMITH" not in content(report(ROLL, format="csv"))
    job = report(ROLL, by=supervisor, format="csv", include_owner_names=True)
    rows = records(content(job, by=supervisor))
    assert [row["owner"] for row in rows] == ["'=SMITH, ADA; JONES, BEN", "CONFIDENTIAL", ""]
    assert client.get(job["result"]["result_location"]).status_code == 403, "asked again at each download"
    assert client.get(job["links"]["results"]).status_code == 200


def test_a_former_owner_is_not_on_the_roll(supervisor, report, content, county):
    (house,) = an_assessed_market(county, sales=0, unsold=1)
    OwnerFactory(roll_property=house, name="ROE, RICHARD", retired_at=timezone.now())
    OwnerFactory(roll_property=house, name="DOE, JANE")

    job = report(ROLL, by=supervisor, format="csv", include_owner_names=True)

    assert [row["owner"] for row in records(content(job, by=supervisor))] == ["DOE, JANE"]


@pytest.mark.parametrize(
    ("tax_year", "certified", "listed"),
    [(TAX_YEAR, False, ["7001"]), (TAX_YEAR, True, ["7000", "7001"]), (TAX_YEAR - 1, False, ["7000", "7001"])],
)
def test_a_retired_property_leaves_the_open_roll_alone(report, content, county, tax_year, certified, listed):
    gone, _ = an_assessed_market(county, sales=0, unsold=2)
    if certified:
        CertifiedRoll.objects.create(
            county=county, tax_year=tax_year, supplement=0, values_certified=2, control_totals={},
            certified_by=UserFactory(), certified_at=timezone.now(),
        )  # fmt: skip
    Property.objects.filter(pk=gone.pk).update(retired_at=timezone.now())

    job = report(ROLL, format="csv", year=tax_year)

    assert [row["property_id"] for row in records(content(job))] == listed
    assert job["result"]["headline"]["properties"] == len(listed)


def test_a_retry_without_the_permission_is_refused(client, supervisor, report, county):
    give_owners(county)
    job = report(ROLL, by=supervisor, format="csv", include_owner_names=True)

    again = client.post(job["links"]["retry"])

    assert again.status_code == 403
    assert "view_owner_names" in again.json()["detail"]


def test_a_job_found_among_those_of_every_kind_is_retried_with_its_own_fields(supervisor, report, county):
    give_owners(county)
    answer = report(ROLL, by=supervisor, format="csv", include_owner_names=True)
    job = Job.objects.get(pk=answer["report_id"])

    again = retry(job, job.submitted_by)

    assert (again.report_type, again.parameters["include_owner_names"]) == (ROLL, True)


# --- On paper ---


def test_control_totals_are_sums_of_whole_dollars():
    totals = ControlTotals()
    totals.add("residential", "1210", 1, [1, 2, 3, None, 0, 0, 2**60])
    totals.add("residential", "1220", 1, [10, 20, 30, 5, 0, 0, 1])

    assert totals.by_class == {"residential": [2, 11, 22, 33, 5, 0, 0, 2**60 + 1]}
    assert totals.overall == [2, 11, 22, 33, 5, 0, 0, 2**60 + 1]


def test_a_property_new_on_the_roll_has_no_change():
    columns = roll_columns(with_owner=False)
    described = dict.fromkeys([column.name for column in columns if not column.is_number or column.name == "acres"], "")
    entry = RollEntry(described, dict.fromkeys(assessment_roll.AMOUNTS, 100))

    row = dict(zip([column.name for column in columns], entry.row(columns), strict=True))

    assert (row["market_total"], row["prior_total"], row["change"], row["change_percent"]) == (100, None, None, None)
