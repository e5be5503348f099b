"""The record card and the comparables grid: one property, one page."""

import io
import json

import openpyxl
import pypdf
import pytest
from django.utils import timezone

from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.roll.models import AssessedValue, Property
from tests.factories import ImprovementFactory, OwnerFactory, a_user, client_of
from tests.valuation.roll import VALUATION_DATE, a_market, a_subject

from .roll import TAX_YEAR, a_sale, assessed

pytestmark = pytest.mark.django_db


@pytest.fixture
def appraiser(county):
    return client_of(a_user("appraiser", county, role="supervisor"))


@pytest.fixture
def subject(county, appraiser):
    """A house valued by the product itself, with a history."""
    a_market(county)
    house = a_subject(county, living_area_sqft=2000, quality=4.0, property_class="residential", use_code="11")
    ImprovementFactory(roll_property=house)
    AssessedValue.objects.bulk_create([assessed(house, year, 300_000) for year in (TAX_YEAR - 1, TAX_YEAR)])
    OwnerFactory(roll_property=house, name="DOE, JANE")
    a_sale(house, "old", 250_000, days_before=3000)
    body = {"property_id": house.property_id, "county_id": county.pk}
    answer = appraiser.post(
        "/api/v1/valuation/run",
        body | {"parameters": {"valuation_date": VALUATION_DATE.isoformat()}},
        format="json",
    )
    assert answer.status_code == 202
    run_next_job()
    return house


def text_of(data):
    pdf = pypdf.PdfReader(io.BytesIO(data))
    assert len(pdf.pages) == 1
    return pdf.pages[0].extract_text()


def test_the_card_is_one_page_without_the_owner(report, content, subject):
    text = text_of(content(report("property_record_card", property_id=subject.property_id)))

    estimate = subject.value_estimates.get()
    for shown in (subject.parcel_number, "Residence", "$300,000", "$250,000", f"${estimate.market_value:,}", "2000"):
        assert shown in text
    assert "DOE" not in text


def test_the_card_names_the_owner_to_those_who_may_know(client, report, content, subject, appraiser, county):
    asked = {"property_id": subject.property_id, "include_owner_names": True}
    job = report("property_record_card", by=appraiser, **asked)

    assert "DOE, JANE" in text_of(content(job, by=appraiser))
    body = {"report_type": "property_record_card", "county_id": county.pk, "parameters": asked}
    assert client.post("/api/v1/reporting/run", body, format="json").status_code == 403


def test_what_a_load_retired_is_on_no_card(report, content, subject, appraiser):
    ImprovementFactory(roll_property=subject, improvement_type="Razed barn", retired_at=timezone.now())
    OwnerFactory(roll_property=subject, name="ROE, RICHARD", retired_at=timezone.now())
    OwnerFactory(roll_property=subject, name="POE, NEXT", tax_year=TAX_YEAR + 1, retired_at=timezone.now())
    a_sale(subject, "withdrawn", 666_000, retired_at=timezone.now())
    asked = {"property_id": subject.property_id, "include_owner_names": True, "format": "json"}

    tables = json.loads(content(report("property_record_card", by=appraiser, **asked), by=appraiser))["tables"]

    assert [row["improvement_type"] for row in tables["improvements"]] == ["Residence"]
    assert {row["fact"]: row["value"] for row in tables["description"]}["Owner"] == "DOE, JANE"
    assert [row["sale_price"] for row in tables["sales"]] == [250_000]


def test_the_card_has_one_value_a_tax_year_that_of_the_latest_supplement(report, content, subject):
    assessed(subject, TAX_YEAR, 310_000, supplement=1).save()

    made = json.loads(content(report("property_record_card", property_id=subject.property_id, format="json")))

    values = [(row["tax_year"], row["market_total"]) for row in made["tables"]["assessed_values"]]
    assert values == [(TAX_YEAR, 310_000), (TAX_YEAR - 1, 300_000)]


@pytest.mark.parametrize("report_type", ["property_record_card", "comparables_grid"])
def test_a_property_that_left_the_roll_has_no_page(client, report, county, subject, report_type):
    body = {"report_type": report_type, "county_id": county.pk, "parameters": {"property_id": subject.property_id}}
    waiting = client.post("/api/v1/reporting/run", body, format="json").json()
    Property.objects.filter(pk=subject.pk).update(retired_at=timezone.now())

    run_next_job()

    assert "no longer on the roll" in client.get(waiting["links"]["status"]).json()["message"]
    assert client.post("/api/v1/reporting/run", body, format="json").status_code == 400


def test_a_card_of_a_property_never_valued_says_so(report, content, county):
    house = a_subject(county)

    job = report("property_record_card", property_id=house.property_id)

    assert "No value estimate has been made" in text_of(content(job))


def test_the_grid_is_one_page_and_adds_up(report, content, subject):
    asked = {"property_id": subject.property_id}
    text = text_of(content(report("comparables_grid", **asked)))
    made = json.loads(content(report("comparables_grid", format="json", **asked)))

    estimate = subject.value_estimates.get()
    assert f"${estimate.market_value:,}" in text
    comparables = made["tables"]["comparables"]
    assert [comparable["sale_id"] for comparable in comparables] == [
        comparable["sale_id"] for comparable in estimate.grid["comparables"]
    ]
    for comparable in comparables:
        lines = [line["amount"] for line in made["tables"]["adjustments"] if line["sale_id"] == comparable["sale_id"]]
        assert comparable["sale_price"] + sum(lines) == comparable["adjusted_sale_price"]
        assert f"${comparable['adjusted_sale_price']:,}" in text
    weighted = sum(comparable["weight"] * comparable["adjusted_sale_price"] for comparable in comparables)
    assert weighted == pytest.approx(made["headline"]["market_value"], abs=1)


def test_the_grid_as_a_workbook_has_typed_cells(report, content, subject):
    book = openpyxl.load_workbook(
        io.BytesIO(content(report("comparables_grid", format="xlsx", property_id=subject.property_id)))
    )

    row = list(book["Comparables"].values)[1]
    assert isinstance(row[4], int)
    assert {"About", "Comparables", "Adjustments"} <= set(book.sheetnames)


def test_what_is_missing_is_a_sentence(client, report, county):
    house = a_subject(county)

    assert "no value estimate; run a valuation first" in report("comparables_grid", property_id="1")["message"]
    unknown_job = report("comparables_grid", property_id=house.property_id, valuation_job_id="0" * 32)
    assert "did not value property 1" in unknown_job["message"]
    for parameters, sentence in (({"property_id": "999"}, "Unknown property"), ({}, "required")):
        body = {"report_type": "comparables_grid", "county_id": county.pk, "parameters": parameters}
        answer = client.post("/api/v1/reporting/run", body, format="json")
        assert answer.status_code == 400
        assert sentence in json.dumps(answer.json())
