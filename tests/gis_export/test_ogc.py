"""OGC API - Features: the rules of the standard, and GDAL reading a live layer."""

import json

import pyogrio
import pytest
import shapely
from django.test import Client
from pyproj import Transformer

from gis_export.areas.county_area import extent_of
from terrafusion.roll.models import Property
from tests.factories import PASSWORD, LayerFeatureFactory, a_county, a_user, client_of

from .roll import SIDE, SOUTH, WEST, an_exported_county
from .test_map_page import basic

ROOT = "/api/v1/counties/benton/ogc"
ITEMS = f"{ROOT}/collections/parcels/items"
FEET = "http://www.opengis.net/def/crs/EPSG/0/2927"
LATITUDE_FIRST = "http://www.opengis.net/def/crs/EPSG/0/4326"


@pytest.fixture
def viewer(county):
    return client_of(a_user("viewer", county, role="viewer"))


def body(answer):
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


@pytest.mark.django_db
def test_every_link_of_the_documents_leads_somewhere(viewer):
    landing = body(viewer.get(ROOT))
    assert {each["rel"] for each in landing["links"]} >= {"self", "service-desc", "conformance", "data"}
    collections = body(viewer.get(f"{ROOT}/collections"))
    assert {"parcels", "sales", "zoning", "zip_areas"} <= {
        collection["id"] for collection in collections["collections"]
    }
    links = [*landing["links"], *(link for collection in collections["collections"] for link in collection["links"])]
    for link in links:
        assert viewer.get(link["href"]).status_code == 200, link


@pytest.mark.django_db
@pytest.mark.parametrize("asked", ["limit=7", "limit=7&bbox=-119.3,46.2,-119.2,46.3"])
def test_pages_follow_each_other_without_gap_or_repetition(viewer, asked):
    found, address, pages = [], f"{ITEMS}?{asked}", 0
    while address:
        page = body(viewer.get(address))
        assert page["numberReturned"] == len(page["features"]) <= 7
        found += [feature["properties"]["property_id"] for feature in page["features"]]
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
        pages += 1

    assert found == [f"P{number:03d}" for number in range(30)]
    assert pages == 5
    assert body(viewer.get(ITEMS))["numberMatched"] == 30


@pytest.mark.django_db
def test_a_box_selects_in_any_of_the_coordinate_systems(viewer):
    corner = (WEST + 0.1 * SIDE, SOUTH + 0.1 * SIDE, WEST + 0.9 * SIDE, SOUTH + 0.9 * SIDE)
    feet = Transformer.from_crs("EPSG:4326", "EPSG:2927", always_xy=True).transform_bounds(*corner)
    west, south, east, north = corner
    boxes = {
        "": corner,
        f"&bbox-crs={FEET}": feet,
        f"&bbox-crs={LATITUDE_FIRST}": (south, west, north, east),
    }

    for crs, box in boxes.items():
        page = body(viewer.get(f"{ITEMS}?bbox={','.join(map(str, box))}{crs}"))
        assert [feature["properties"]["property_id"] for feature in page["features"]] == ["P000"], crs


@pytest.mark.django_db
def test_items_come_in_the_axes_of_the_register(viewer, county):
    shape = Property.objects.get(county=county, property_id="P000").geometry
    answer = viewer.get(f"{ITEMS}?limit=1&crs={LATITUDE_FIRST}")
    assert answer["Content-Crs"] == f"<{LATITUDE_FIRST}>"
    turned = shapely.from_geojson(json.dumps(body(answer)["features"][0]["geometry"]))
    assert turned.bounds == pytest.approx((shape.bounds[1], shape.bounds[0], shape.bounds[3], shape.bounds[2]))

    feet = shapely.from_geojson(json.dumps(body(viewer.get(f"{ITEMS}?limit=1&crs={FEET}"))["features"][0]["geometry"]))
    to_feet = Transformer.from_crs("EPSG:4326", "EPSG:2927", always_xy=True)
    assert feet.centroid.coords[0] == pytest.approx(to_feet.transform(*shape.centroid.coords[0]), abs=0.1)


@pytest.mark.django_db
def test_fields_and_dates_filter(viewer):
    assert body(viewer.get(f"{ITEMS}?parcel_number=1-0012"))["numberMatched"] == 1
    assert body(viewer.get(f"{ITEMS}?living_area_sqft=1012"))["numberMatched"] == 1
    sales = f"{ROOT}/collections/sales/items"
    assert body(viewer.get(f"{sales}?datetime=2025-06-04/2025-06-05"))["numberMatched"] == 2
    assert body(viewer.get(f"{sales}?datetime=2025-06-06/.."))["numberMatched"] == 1
    assert body(viewer.get(f"{ROOT}/collections/zoning/items?datetime=1999-01-01"))["numberMatched"] == 2


@pytest.mark.django_db
def test_attributes_of_a_loaded_layer_filter_in_their_types(viewer, county):
    shape = shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)
    for number, mixed in ((1, 7), (2, "seven")):
        attributes = {"storeys": number, "mixed": mixed, "limit": 70}
        LayerFeatureFactory(
            county=county, layer="towers", feature_id=str(number), geometry=shape, attributes=attributes
        )
    towers = f"{ROOT}/collections/towers/items"

    for asked, wanted in (("storeys=2", ["2"]), ("mixed=7", ["1"]), ("mixed=seven", ["2"]), ("limit=1", ["1"])):
        found = body(viewer.get(f"{towers}?{asked}"))["features"]
        assert [each["properties"]["feature_id"] for each in found] == wanted, asked


@pytest.mark.django_db
def test_a_point_layer_is_selected_by_its_points(viewer):
    sales = f"{ROOT}/collections/sales/items"
    whole = (WEST + 3 * SIDE, SOUTH, WEST + 3.9 * SIDE, SOUTH + 0.9 * SIDE)
    edge = (WEST + 3 * SIDE, SOUTH, WEST + 3.1 * SIDE, SOUTH + 0.9 * SIDE)

    for box, wanted in ((whole, ["S3"]), (edge, [])):
        page = body(viewer.get(f"{sales}?bbox={','.join(map(str, box))}"))
        assert [feature["properties"]["sale_id"] for feature in page["features"]] == wanted
        assert page.get("numberMatched", len(wanted)) == len(wanted)


@pytest.mark.django_db
def test_a_page_counts_no_records_without_a_shape_and_the_extent_is_found_once(viewer, monkeypatch):
    found = []

    def never(*_):
        raise AssertionError("counted")

    def extent(county):
        found.append(extent_of(county))
        return found[-1]

    monkeypatch.setattr("gis_export.layers.roll_layers.count_rows", never)
    monkeypatch.setattr("gis_export.ogc.views.extent_of", extent)

    body(viewer.get(f"{ITEMS}?limit=1"))
    body(viewer.get(f"{ROOT}/collections"))

    assert len(found) == 1


@pytest.mark.django_db
def test_one_feature_has_its_own_address(viewer, county):
    row = Property.objects.get(county=county, property_id="P004")

    feature = body(viewer.get(f"{ITEMS}/{row.pk}"))

    assert (feature["id"], feature["properties"]["parcel_number"]) == (row.pk, row.parcel_number)
    for missing in (10**9, 10**30):
        assert viewer.get(f"{ITEMS}/{missing}").status_code == 404
    assert viewer.get(f"{ROOT}/collections/castles/items").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    ["limit=0", "limit=x", "bbox=1,2,3", "bbox=a,b,c,d", "bbox=nan,0,1,1", "crs=EPSG:1", "f=html", "colour=red",
     "datetime=soon", "datetime=../..", "after=x", "parcel_number=%00", "bbox=1,2,3,4&bbox-crs=x", "year_built=%C2%B2"],
)  # fmt: skip
def test_a_wrong_parameter_is_a_400_that_names_it(viewer, wrong):
    answer = viewer.get(f"{ITEMS}?{wrong}")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
def test_owner_names_are_never_live(supervisor):
    for layer in ("parcels", "assessment_summary", "sales"):
        text = supervisor.get(f"{ROOT}/collections/{layer}/items").content.decode()
        assert "Orchard Way" in text
        for name in ("Ada", "Hidden", "Old Seller"):
            assert name not in text


@pytest.mark.django_db
def test_a_user_name_and_password_are_enough_and_needed(county):
    a_user("viewer", county, role="viewer")
    a_user("other", a_county("king"), role="administrator")

    assert Client().get(ITEMS).status_code == 401
    assert Client().get(ITEMS, headers=basic("viewer")).status_code == 200
    assert Client().get(ITEMS, headers=basic("other")).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_gdal_reads_a_live_layer(live_server):
    county = a_county("benton")
    an_exported_county(county)
    a_user("viewer", county, role="viewer")
    address = f"OAPIF:{live_server.url}{ROOT}"
    pyogrio.set_gdal_config_options({"GDAL_HTTP_USERPWD": f"viewer:{PASSWORD}"})
    try:
        names = set(pyogrio.list_layers(address)[:, 0])
        _, table = pyogrio.read_arrow(address, layer="parcels", PAGE_SIZE="8")
        box = (WEST + 0.1 * SIDE, SOUTH + 0.1 * SIDE, WEST + 1.9 * SIDE, SOUTH + 0.9 * SIDE)
        _, boxed = pyogrio.read_arrow(address, layer="parcels", bbox=box)
        info = pyogrio.read_info(address, layer="parcels")
    finally:
        pyogrio.set_gdal_config_options({"GDAL_HTTP_USERPWD": None})

    assert {"parcels", "sales", "zoning"} <= names
    rows = {row.property_id: row for row in Property.objects.in_county(county).exclude(geometry=None)}
    assert sorted(table["property_id"].to_pylist()) == sorted(rows)
    for property_id, wkb in zip(table["property_id"].to_pylist(), table["wkb_geometry"].to_pylist(), strict=True):
        assert shapely.hausdorff_distance(shapely.from_wkb(wkb), rows[property_id].geometry) < 1e-6
    assert sorted(boxed["property_id"].to_pylist()) == ["P000", "P001"]
    assert "84" in info["crs"] or "4326" in info["crs"]
