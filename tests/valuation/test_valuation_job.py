"""The valuation job on the roll: what it reads, refuses and stores."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from shapely import box

from terrafusion.jobs.models import Job
from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.roll.models import Property, Sale, ValueEstimate
from tests.factories import SaleReviewFactory, TimeIndexFactory, a_county, a_user, client_of

from .roll import VALUATION_DATE, a_market, a_subject

pytestmark = pytest.mark.django_db
RUN = "/api/v1/valuation/run"
PARAMETERS = {"valuation_date": VALUATION_DATE.isoformat()}


@pytest.fixture
def county(db):
    return a_county("benton", max_running_jobs=4)


@pytest.fixture
def client(county):
    return client_of(a_user("appraiser", county, role="appraiser"))


def value(client, county, **request):
    answer = client.post(RUN, {"county_id": county.pk, "parameters": PARAMETERS} | request, format="json")
    assert answer.status_code == 202, answer.content
    run_next_job()
    return client.get(answer.json()["links"]["results"]).json()


def test_a_property_is_valued_and_the_estimate_stored(client, county):
    a_market(county)
    subject = a_subject(county, living_area_sqft=2000, quality=4.0)

    job = value(client, county, property_id=subject.property_id)

    assert job["result"]["market_value"] == pytest.approx(160 * 2000, rel=0.08)
    estimate = ValueEstimate.objects.get()
    assert (estimate.roll_property, estimate.market_value) == (subject, job["result"]["market_value"])
    assert len(estimate.grid["comparables"]) == 5


def test_a_scope_values_each_property_and_lists_those_it_cannot(client, county):
    a_market(county)
    a_subject(county, 1)
    a_subject(county, 2, property_type="commercial")

    result = value(client, county, scope={"neighborhood": "1040"})["result"]

    assert (result["properties_valued"], result["properties_refused"]) == (81, 1)
    assert result["refused"][0]["property_id"] == "2"
    csv = b"".join(client.get(result["artifacts"][0]["location"]).streaming_content).decode()
    assert len(csv.splitlines()) == 83  # header, 81 values, 1 refusal
    assert result["total_market_value"] == sum(row.market_value for row in ValueEstimate.objects.all())


def test_a_scope_and_a_single_run_agree(client, county):
    a_market(county)
    subject = a_subject(county)
    value(client, county, scope={"neighborhood": "1040"})
    of_scope = ValueEstimate.objects.get(roll_property=subject).grid

    alone = value(client, county, property_id=subject.property_id)["result"]

    assert alone.pop("sales_left_out") == []
    assert alone == of_scope


def test_too_few_sales_fail_the_job_with_the_count_and_the_minimum(client, county):
    a_market(county, sales=3)
    subject = a_subject(county)

    job = value(client, county, property_id=subject.property_id)

    assert (job["status"], job["failure_reason"], job["result"]) == ("FAILED", "bad_data", None)
    assert "Neighborhood 1040 has 3 valid sales" in job["message"]
    assert "at least 5 are needed" in job["message"]
    assert not ValueEstimate.objects.exists()


def test_invalid_multi_parcel_and_later_sales_are_no_comparables(client, county):
    a_market(county)
    subject = a_subject(county)
    comparables = value(client, county, property_id=subject.property_id)["result"]["comparables"]
    used = [comparable["sale_id"] for comparable in comparables[:4]]
    Sale.objects.filter(sale_id=used[0]).update(is_valid=False)
    Sale.objects.filter(sale_id=used[1]).update(parcel_count=2)
    Sale.objects.filter(sale_id=used[2]).update(sale_date=VALUATION_DATE)
    SaleReviewFactory(sale=Sale.objects.get(sale_id=used[3]), decision="invalid")

    again = value(client, county, property_id=subject.property_id)["result"]["comparables"]

    assert not set(used) & {each["sale_id"] for each in again}


def test_a_reviewer_can_confirm_a_sale_the_code_table_refused(client, county):
    a_market(county)
    refused = Sale.objects.first()
    Sale.objects.filter(pk=refused.pk).update(is_valid=False)
    SaleReviewFactory(sale=refused, decision="valid")

    assert Sale.objects.valid().filter(pk=refused.pk).exists()


def test_a_countys_own_rate_is_used_and_named(client, county):
    county.settings_json["comparable_sales"]["adjustment_rates"] = {"baths": "7500"}
    county.save()
    a_market(county)
    subject = a_subject(county, baths=3.0)

    result = value(client, county, property_id=subject.property_id)["result"]

    for comparable in result["comparables"]:
        (line,) = (adjustment for adjustment in comparable["adjustments"] if adjustment["name"] == "baths")
        assert line["source"] == "county rate"
        assert line["amount"] == 7500 * (3 - line["comparable"])


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"property_id": "nowhere"}, "property_id"),
        ({"scope": {"neighborhood": "nowhere"}}, "scope"),
        ({"scope": {"county": False}}, "scope"),
        ({"scope": {"town": "x"}}, "scope.town"),
        ({}, ""),
        ({"property_id": "1", "parameters": {"valuation_date": "soon"}}, "parameters.valuation_date"),
        ({"property_id": "1", "parameters": {"valuation_date": "2199-01-01"}}, "parameters.valuation_date"),
        ({"property_id": "1", "parameters": {"number_of_comparables": 1}}, "parameters.number_of_comparables"),
        ({"property_id": "FAILING_VALUATION_SIM"}, "property_id"),
    ],
)
def test_a_bad_value_is_named_and_nothing_is_queued(client, county, request_, field):
    a_subject(county)

    answer = client.post(RUN, {"county_id": county.pk} | request_, format="json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field
    assert not Job.objects.exists()


def test_another_countys_property_is_unknown(client, county):
    foreign = a_subject(a_county("king"))

    answer = client.post(RUN, {"county_id": county.pk, "property_id": foreign.property_id}, format="json")

    assert answer.status_code == 400


@pytest.mark.parametrize("request_", [{"property_id": "1"}, {"scope": {"county": True}}], ids=["one", "county"])
def test_a_valuation_reads_no_geometry_and_a_types_sales_once(client, county, request_):
    a_market(county, sales=20)
    a_subject(county, 1)
    Property.objects.update(geometry=box(-119.2, 46.2, -119.1, 46.3))

    with CaptureQueriesContext(connection) as queries:
        assert value(client, county, **request_)["status"] == "COMPLETED"

    statements = [query["sql"] for query in queries]
    assert not [sql for sql in statements if "geometry" in sql]
    assert len([sql for sql in statements if 'FROM "roll_saleparcel" INNER JOIN' in sql]) == 1
    assert len([sql for sql in statements if 'FROM "properties_operational"' in sql]) < 10  # however many are valued


def test_a_property_that_left_the_roll_fails_in_a_sentence(client, county):
    a_market(county)
    subject = a_subject(county)
    answer = client.post(RUN, {"county_id": county.pk, "property_id": subject.property_id}, format="json")
    subject.retired_at = subject.created_at + timedelta(seconds=1)
    subject.save()

    run_next_job()

    assert "no longer on the roll" in client.get(answer.json()["links"]["status"]).json()["message"]


def test_a_stored_index_is_named_in_the_request_and_in_the_grid(client, county):
    a_market(county)
    subject = a_subject(county)
    for year in (2024, 2025, 2026):
        TimeIndexFactory(
            county=county, series="hedonic/county/year", period_start=date(year, 1, 1), level=1.1 ** (year - 2024)
        )

    named = PARAMETERS | {"time_index": "hedonic/county/year"}
    result = value(client, county, property_id=subject.property_id, parameters=named)["result"]
    unknown = client.post(
        RUN,
        {"county_id": county.pk, "property_id": subject.property_id, "parameters": {"time_index": "x"}},
        format="json",
    )

    assert result["market"]["time_index"] == "hedonic/county/year"
    assert result["market"]["change_per_year_percent"] == pytest.approx(10, abs=0.1)
    assert result["comparables"][0]["adjustments"][0]["source"] == "index hedonic/county/year"
    assert unknown.status_code == 400
    assert "benton has no price index 'x'. It has: hedonic/county/year." in unknown.content.decode()


def test_lots_sold_before_their_houses_stood_do_not_value_a_house(client, county):
    """Five lots at $95,000, built on the year after, like the subject in every characteristic and next to it."""
    a_market(county)
    described = {"living_area_sqft": 2400, "quality": 4.0, "condition": 3.0, "longitude": -119.17, "latitude": 46.21}
    subject = a_subject(county, 1, year_built=2025, **described)
    sold = date(2024, 8, 15)
    for number in range(2, 7):
        lot = a_subject(county, number, year_built=2025, **described)
        deed = Sale.objects.create(county=county, sale_id=f"lot{number}", sale_date=sold, sale_price=95_000)
        deed.parcels.create(roll_property=lot)

    result = value(client, county, property_id=subject.property_id)["result"]

    assert result["market_value"] == pytest.approx(160 * 2400, rel=0.15)
    assert not {"2", "3", "4", "5", "6"} & {comparable["property_id"] for comparable in result["comparables"]}
    assert result["sales_left_out"] == [{"reason": "The land was sold before its house stood", "sales": 5}]


def test_a_deed_that_came_in_twice_stands_once_in_a_grid(client, county):
    a_market(county, sales=8)
    subject = a_subject(county)
    for deed in Sale.objects.all():
        again = Sale.objects.create(
            county=county, sale_id=f"{deed.sale_id}-again", sale_date=deed.sale_date, sale_price=deed.sale_price
        )
        again.parcels.create(roll_property=deed.parcels.get().roll_property)

    result = value(client, county, property_id=subject.property_id)["result"]

    named = [comparable["property_id"] for comparable in result["comparables"]]
    assert len(named) == len(set(named)) == 5
