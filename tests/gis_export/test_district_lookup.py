"""Which districts a place is in."""

import pytest

from tests.factories import a_user, client_of

from .roll import CONDOMINIUM, SIDE, SOUTH, WEST, key

pytestmark = pytest.mark.django_db
LOOKUP = "/api/v1/counties/benton/lookup"


@pytest.fixture
def viewer(county):
    return client_of(a_user("viewer", county, role="viewer"))


def layers(found):
    return {(district["layer"], district["feature_id"]) for district in found["districts"]}


def test_a_point_is_in_every_layer_that_contains_it(viewer):
    found = viewer.get(LOOKUP, {"lon": WEST + 0.5 * SIDE, "lat": SOUTH + 0.5 * SIDE}).json()

    assert layers(found) == {("zoning", "R1"), ("county_boundary", "1"), ("zip_areas", "99350")}
    assert [parcel["property_id"] for parcel in found["parcels"]] == [key(0)]
    assert found["tax_code_areas"] == ["1210"]
    assert (
        next(district for district in found["districts"] if district["layer"] == "zoning")["attributes"]["density"] == 4
    )


def test_a_point_on_the_edge_is_in_both(viewer):
    found = viewer.get(LOOKUP, {"lon": WEST + 3 * SIDE, "lat": SOUTH + 0.5 * SIDE}).json()

    assert {("zoning", "R1"), ("zoning", "C1")} <= layers(found)
    assert [parcel["property_id"] for parcel in found["parcels"]] == [key(2), key(3)]


def test_a_parcel_number_is_found_without_its_dashes(viewer):
    found = viewer.get(LOOKUP, {"parcel_number": "1 0003"}).json()

    assert [parcel["property_id"] for parcel in found["parcels"]] == [key(3)]
    assert ("zoning", "C1") in layers(found)


def test_a_condominium_unit_is_where_its_parcel_is(viewer):
    unit = viewer.get(LOOKUP, {"parcel_number": "1-0100"}).json()
    parcel = viewer.get(LOOKUP, {"parcel_number": f"1-{CONDOMINIUM:04d}"}).json()

    assert unit["districts"] == parcel["districts"]
    assert (unit["longitude"], unit["latitude"]) == (parcel["longitude"], parcel["latitude"])


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "Write lon and lat, or parcel_number."),
        ({"lon": 1}, "Write lon and lat, or parcel_number."),
        ({"lon": 1, "lat": 1, "parcel_number": "1"}, "Write lon and lat, or parcel_number."),
        ({"lon": "east", "lat": 1}, "number"),
        ({"lon": "nan", "lat": 1}, "valid number"),
        ({"lon": 181, "lat": 1}, "180"),
        ({"parcel_number": "9-9999"}, "No current parcel '9-9999'"),
        ({"parcel_number": "1-0200"}, "neither an outline nor a position"),
        ({"where": "here"}, "Allowed"),
    ],
)
def test_a_wrong_question_is_told(viewer, asked, told):
    answer = viewer.get(LOOKUP, asked)

    assert answer.status_code == 400
    assert told in answer.json()["detail"]


def test_a_place_in_no_district_has_none(viewer):
    found = viewer.get(LOOKUP, {"lon": 0, "lat": 0}).json()

    assert (found["parcels"], found["districts"]) == ([], [])
