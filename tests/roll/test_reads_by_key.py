"""A property or sale is read by the county's own key, whatever that holds, with the values of the current roll."""

from datetime import UTC, datetime

import pytest

from terrafusion.roll.models import AssessedValue, Property, Sale
from tests.factories import a_county, a_user, client_of
from tests.valuation.roll import a_house, a_market, a_subject

pytestmark = pytest.mark.django_db

HOSTILE_KEYS = [
    "1-0817-100-0003-000",
    "12/34",
    "/12",
    "12/",
    "a//b",
    "a/../b",
    "100%",
    "%2F",
    "%",
    "a b",
    " a ",
    "a+b",
    "a?b=c",
    "a#b",
    "a&b;c,d",
    "a:b@c",
    "a\\b",
    'a"b',
    "<a>",
    "Straße 7",
    "地号123",
    "🏠",
    "a\nb",
    "a\n",
    "a\tb",
    "status",
    "00012",
    "0x1F",
]


@pytest.fixture
def county(db):
    return a_county("benton")


@pytest.fixture
def viewer(county):
    return client_of(a_user("viewer", county, role="viewer"))


def with_key(county, number, key):
    house = a_house(county, number)
    house.property_id = key
    house.save()


def test_a_property_is_found_by_its_key_whatever_characters_it_holds(viewer, county):
    for number, key in enumerate(HOSTILE_KEYS):
        with_key(county, number, key)

    rows = viewer.get("/api/v1/properties?page_size=200").json()["results"]

    assert {row["property_id"] for row in rows} == set(HOSTILE_KEYS)
    for row in rows:
        found = viewer.get(row["links"]["self"])
        assert (found.status_code, found.json()["property_id"]) == (200, row["property_id"]), row["links"]
        assert found.json()["parcel_number"] == row["parcel_number"]
        assert row["links"]["self"].isascii()


def test_a_slash_may_be_quoted_or_not(viewer, county):
    with_key(county, 1, "12/34")

    for path in ("/api/v1/properties/benton/12/34", "/api/v1/properties/benton/12%2F34"):
        assert viewer.get(path).json()["property_id"] == "12/34"


def test_a_sale_is_found_by_its_key_and_from_its_property(viewer, county):
    a_market(county, sales=2)
    Sale.objects.filter(sale_id="S1000").update(sale_id="2024/17 %")
    house = viewer.get("/api/v1/properties/benton/1000").json()

    (deed,) = viewer.get(house["links"]["sales"]).json()["results"]

    assert deed["links"]["self"] == "/api/v1/sales/benton/2024%2F17%20%25"
    assert viewer.get(deed["links"]["self"]).json() == deed


def test_the_same_key_in_two_counties_is_two_properties(county):
    a_subject(county, 7, situs_address="7 Here")
    a_subject(a_county("king"), 7, situs_address="7 There")
    viewer = client_of(a_user("viewer", county, role="viewer"))

    assert viewer.get("/api/v1/properties/benton/7").json()["situs_address"] == "7 Here"
    assert viewer.get("/api/v1/properties/king/7").status_code == 404


def test_the_databases_own_number_finds_nothing(viewer, county):
    a_market(county, sales=1)

    for path in (f"properties/{Property.objects.get().pk}", f"sales/{Sale.objects.get().pk}"):
        assert viewer.get(f"/api/v1/{path}").status_code == 404
        assert viewer.get(f"/api/v1/{path.replace('/', '/benton/')}").status_code == 404


def test_unknown_and_foreign_are_the_same_to_the_byte_and_a_missing_permission_is_not(county):
    a_subject(county, 1)
    a_subject(a_county("king"), 2)
    a_market(county, sales=1)
    clerk = client_of(a_user("clerk", county, "execute_reporting"))
    paths = (
        "properties/benton/nothing", "properties/king/2", "properties/king/nothing", "properties/atlantis/1",
        "properties/benton/a%00b", "properties/benton%00/1", "properties/benton/" + "x" * 500,
        "sales/benton/nothing", "sales/king/S1000", "sales/atlantis/S1000", "sales/benton/%00",
    )  # fmt: skip
    answers = [clerk.get(f"/api/v1/{path}") for path in paths]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    for path in ("properties/benton/1", "sales/benton/S1000"):
        refused = clerk.get(f"/api/v1/{path}")
        assert (refused.status_code, "view_county" in refused.json()["detail"]) == (403, True)


def a_value(roll_property, tax_year, supplement, land, improvement, **fields):
    return AssessedValue.objects.create(
        roll_property=roll_property,
        tax_year=tax_year,
        supplement=supplement,
        market_land=land,
        market_improvement=improvement,
        market_total=land + improvement,
        **{"taxable_value": land + improvement, "status": "certified"} | fields,
    )


def test_a_read_carries_the_values_of_the_countys_latest_year_by_the_latest_supplement(viewer, county):
    house, lot = a_subject(county, 1), a_subject(county, 2)
    a_value(house, 2025, 0, 90_000, 210_000)
    a_value(house, 2026, 1, 100_000, 200_000, exempt_value=50_000, taxable_value=250_000, assessed_value=300_000)
    a_value(house, 2026, 0, 100_000, 260_000)
    a_value(lot, 2025, 3, 80_000, 0)
    a_value(a_subject(a_county("king"), 1), 2027, 0, 1, 1)  # another county is a year ahead

    expected = {
        "tax_year": 2026,
        "supplement": 1,
        "status": "certified",
        "market_land": 100_000,
        "market_improvement": 200_000,
        "market_total": 300_000,
        "assessed_value": 300_000,
        "exempt_value": 50_000,
        "taxable_value": 250_000,
    }
    listed = {row["property_id"]: row["assessed_values"] for row in viewer.get("/api/v1/properties").json()["results"]}
    assert listed == {"1": expected, "2": None}
    assert viewer.get("/api/v1/properties/benton/1").json()["assessed_values"] == expected
    assert viewer.get("/api/v1/properties/benton/2").json()["assessed_values"] is None


def test_values_cost_a_list_the_same_queries_however_many_rows_and_counties(county, django_assert_num_queries):
    king = a_county("king")
    user = a_user("viewer", county, role="viewer")
    a_user("other", king, role="viewer")
    user.is_superuser = True
    user.save()
    for number, place in enumerate((county, king) * 10):
        a_value(a_subject(place, number), 2026, number % 3, 1_000 + number, 0)
    client = client_of(user)

    for page_size in (1, 20):
        with django_assert_num_queries(3):
            rows = client.get(f"/api/v1/properties?page_size={page_size}").json()["results"]
        assert all(row["assessed_values"]["market_land"] == 1_000 + int(row["property_id"]) for row in rows)


def test_a_read_says_when_a_property_left_the_roll(viewer, county):
    a_subject(county, 1)
    a_subject(county, 2, retired_at=datetime(2026, 1, 31, tzinfo=UTC))

    listed = {row["property_id"]: row["retired_at"] for row in viewer.get("/api/v1/properties").json()["results"]}

    assert listed == {"1": None, "2": "2026-01-31T00:00:00Z"}
    assert viewer.get("/api/v1/properties/benton/2").json()["retired_at"] == "2026-01-31T00:00:00Z"
