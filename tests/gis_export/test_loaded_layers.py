"""Layers as they were loaded: their attributes as columns, whatever they are called, and what is retired."""

import json
import zipfile

import pyogrio
import pytest
import shapely
from django.utils import timezone

from gis_export.areas.county_area import boundary_of, extent_of
from gis_export.layers.catalogue import layer_names
from gis_export.layers.fields import unique_names
from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.roll.models import LayerFeature, Property
from tests.factories import LayerFeatureFactory, TimeIndexFactory, a_county, a_user, client_of

from .reading_back import read_back
from .roll import SIDE, SOUTH, WEST

pytestmark = pytest.mark.django_db


def test_a_loaded_layer_keeps_its_attributes_in_their_types(export):
    _, path = export(export_format="GeoPackage", layers=["zoning"])
    frame = read_back(path, "GeoPackage", "zoning").set_index("feature_id")

    assert frame.loc["R1", "density"] == 4
    assert frame.loc["R1", "max_height_ft"] == 35.5
    assert bool(frame.loc["R1", "overlay"]) is True
    assert frame.loc["R1", "note"] == "quiet"
    info = pyogrio.read_info(path, layer="zoning")
    types = dict(zip(info["fields"], info["dtypes"], strict=True))
    assert (types["density"], types["max_height_ft"], types["overlay"]) == ("int64", "float64", "bool")


def test_a_layer_of_points_and_polygons_is_refused_in_a_sentence(client, county):
    for number, shape in enumerate((shapely.Point(-119.3, 46.2), shapely.box(-119.3, 46.2, -119.2, 46.3))):
        LayerFeatureFactory(county=county, layer="mixed", feature_id=str(number), geometry=shape)
    body = {"county_id": county.pk, "export_format": "GeoJSON", "layers": ["mixed"]}

    job = client.post("/api/v1/gis-export/run", body, format="json").json()
    run_next_job()

    ended = client.get(job["links"]["status"]).json()
    assert (ended["status"], ended["failure_reason"]) == ("FAILED", "bad_data")
    assert ended["message"] == "Layer 'mixed' mixes points and polygons; load them as layers of their own."


@pytest.fixture
def load(county):
    def one(layer, attributes, feature_id="1"):
        shape = shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)
        LayerFeatureFactory(county=county, layer=layer, feature_id=feature_id, geometry=shape, attributes=attributes)

    return one


# --- Types ---


def test_whole_numbers_written_as_decimals_and_very_large_ones_are_decimals(load, export):
    load("soil", {"depth": 40.0, "count": 7, "code": "7", "huge": 10**30, "mixed": 1})
    load("soil", {"depth": 12.5, "count": 8, "huge": 1, "mixed": "one"}, feature_id="2")

    _, path = export(export_format="GeoPackage", layers=["soil"])

    info = pyogrio.read_info(path, layer="soil")
    types = dict(zip(info["fields"], info["dtypes"], strict=True))
    assert {name: types[name] for name in ("depth", "count", "code", "huge", "mixed")} == {
        "depth": "float64",
        "count": "int64",
        "code": "object",
        "huge": "float64",
        "mixed": "object",
    }
    frame = read_back(path, "GeoPackage", "soil").set_index("feature_id")
    assert frame.loc["1", ["depth", "count", "huge", "mixed"]].tolist() == [40.0, 7, 1e30, "1"]


# --- Names ---

TROUBLE = ("geom", "fid", "OBJECTID", "layer", "bbox", "wkt", "geometry", "Zone", "zone", "name", "name_1", "SHAPE")


@pytest.mark.parametrize("export_format", ["GeoPackage", "FileGDB", "Shapefile", "FlatGeobuf", "GeoParquet", "CSV"])
def test_attributes_of_any_name_reach_every_format(load, export, export_format):
    load("trouble", {name: f"value of {name}" for name in TROUBLE})

    _, path = export(export_format=export_format, layers=["trouble"])

    (row,) = read_back(path, export_format, "trouble").drop(columns="geometry").to_dict("records")
    assert {each for each in row.values() if str(each).startswith("value of")} == {
        f"value of {each}" for each in TROUBLE
    }


def test_layers_whose_names_differ_by_a_space_or_case_get_files_of_their_own(load, export):
    for name in ("Zone A", "Zone_A", "zone a"):
        load(name, {})

    _, path = export(export_format="CSV", layers=["Zone A", "Zone_A", "zone a"])

    with zipfile.ZipFile(path) as archive:
        assert {"Zone_A.csv", "Zone_A_1.csv", "zone_a_2.csv"} <= set(archive.namelist())


def test_attributes_of_any_name_stand_beside_the_layer_of_a_geojson(load, export):
    load("trouble", {name: f"value of {name}" for name in TROUBLE})

    _, path = export(export_format="GeoJSON", layers=["trouble", "zoning"])

    properties = next(feature for feature in json.loads(path.read_text())["features"])["properties"]
    assert properties["layer"] == "trouble"
    assert {f"value of {each}" for each in TROUBLE} <= set(properties.values())


def test_names_are_unique_whatever_their_case_and_length():
    assert unique_names(["zone", "Zone", "name", "name_1", "fid", ""], taken=["NAME", "fid"]) == {
        "": "field",
        "Zone": "Zone",
        "fid": "fid_1",
        "name": "name_2",
        "name_1": "name_1",
        "zone": "zone_1",
    }
    long = [f"{'é' * 40}{each}" for each in "ab"]
    assert list(unique_names(long, taken=[]).values()) == ["é" * 31, "é" * 30 + "_1"]


# --- Retired features ---


def test_a_retired_feature_is_on_no_map_in_no_district_and_bounds_nothing(county, export, client):
    for start in ("2024-01-01", "2026-01-01"):
        TimeIndexFactory(county=county, series="zip/99350", period_start=start)
    Property.objects.filter(geometry=None).update(longitude=100, latitude=10, retired_at=timezone.now())
    LayerFeature.objects.exclude(feature_id="C1").update(retired_at=timezone.now())

    zoning, _ = export(export_format="GeoJSON", layers=["zoning"])
    appreciation, _ = export(export_format="GeoJSON", layers=["appreciation"])
    here = {"lon": WEST + 0.5 * SIDE, "lat": SOUTH + 0.5 * SIDE}

    assert zoning["result"]["result_record_count"] == 1
    assert appreciation["result"]["without_geometry"] == {"appreciation": 1}
    assert client.get("/api/v1/counties/benton/lookup", here).json()["districts"] == []
    assert boundary_of(county) is None
    assert extent_of(county).bounds == pytest.approx((WEST, SOUTH, WEST + 0.03, SOUTH + 0.03))
    assert {"zoning", "zip_areas", "county_boundary"} & set(layer_names(county)) == {"zoning"}


def test_when_nothing_that_is_exported_ever_changed_the_moment_is_null(db):
    county = a_county("king")
    LayerFeature.objects.create(
        county=county, layer="zoning", feature_id="1", geometry=shapely.box(-122.1, 47.1, -122, 47.2)
    )
    analyst = client_of(a_user("king_analyst", county, role="analyst"))
    body = {"county_id": "king", "export_format": "GeoJSON", "layers": ["zoning"]}

    job = analyst.post("/api/v1/gis-export/run", body, format="json").json()
    run_next_job()

    assert analyst.get(job["links"]["results"]).json()["result"]["as_of"] is None
