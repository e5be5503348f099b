"""Areas of interest: every kind, and a defined answer for each bad one."""

import json
import math
import time

import numpy as np
import pytest
import shapely

from gis_export.areas.area_of_interest import BadArea, read_area
from terrafusion.roll.models import Property
from terrafusion.roll.shapes import square_kilometres

from .conftest import RUN
from .reading_back import read_back
from .roll import COLUMNS, ROWS, SIDE, SOUTH, WEST, square

CORNER = [WEST, SOUTH, WEST + 1.5 * SIDE, SOUTH + 1.5 * SIDE]  # touches 2 x 2 parcels
POLYGON = shapely.box(*CORNER)


# --- Read as polygons ---


def test_a_box_over_the_antimeridian_becomes_two():
    area = read_area({"type": "bbox", "coordinates": [179, 51, -179, 52]}).polygon

    assert sorted(part.bounds for part in shapely.get_parts(area)) == [(-180, 51, -179, 52), (179, 51, 180, 52)]


def test_a_self_crossing_polygon_is_repaired_and_told():
    bow_tie = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}

    area = read_area(bow_tie)

    assert area.repaired
    assert area.polygon.area == pytest.approx(2)  # two triangles of base 2 and height 1


def random_ring(vertices):
    points = np.random.default_rng(1).random((vertices, 2))
    return {"type": "wkt", "wkt": shapely.Polygon(points).wkt}


def test_a_wild_outline_is_repaired_in_time_and_a_larger_one_refused():
    started = time.process_time()  # the processor's time, which busy neighbours do not lengthen
    assert read_area(random_ring(300)).repaired
    assert time.process_time() - started < 3  # ten seconds line by line

    with pytest.raises(BadArea, match=r"crosses itself and has 1,001 vertices; at most 1,000"):
        read_area(random_ring(1_000))


@pytest.mark.parametrize("written", ["POLYGON", " multipolygon", "POLYGONZ", "POLYGON Z", "POLYGON ZM"])
def test_every_way_to_write_a_polygon_in_wkt_is_read(written):
    point = "0 0 1 1" if written.endswith("ZM") else "0 0 1" if written.endswith("Z") else "0 0"
    ring = f"(({point}, {point.replace('0', '1', 1)}, {point.replace('0', '2')}, {point}))"

    area = read_area({"type": "wkt", "wkt": f"{written} ({ring})" if "multi" in written else f"{written} {ring}"})

    assert area.polygon.area == 1


def test_a_square_kilometre_is_one():
    metres = 1 / 111_320
    side = 1000 * metres
    north = math.degrees(0) + side
    area = read_area({"type": "bbox", "coordinates": [0, 0, side, north]})

    assert square_kilometres(area.polygon) == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"type": "bbox", "coordinates": [1, 2, 3]}, "four numbers"),
        ({"type": "bbox", "coordinates": [1, 2, "3", 4]}, "four numbers"),
        ({"type": "bbox", "coordinates": [1, 5, 3, 4]}, "empty"),
        ({"type": "bbox", "coordinates": [1, 2, 1, 4]}, "empty"),
        ({"type": "bbox", "coordinates": [1_700_000, 2, 1_800_000, 4]}, "-180 to 180"),
        ({"type": "wkt", "wkt": "POLYGON EMPTY"}, "empty"),
        ({"type": "wkt", "wkt": "POLYGON ((0 0"}, "WKT"),
        ({"type": "bbox", "coordinates": [10**400, 2, 3, 4]}, "-180 to 180"),
        ({"type": "Polygon", "coordinates": [[[10**400, 0], [1, 0], [1, 1], [10**400, 0]]]}, "GeoJSON|-180 to 180"),
        ({"type": "wkt", "wkt": "POINT (1 2)"}, "Polygon or MultiPolygon"),
        ({"type": "wkt", "wkt": "GEOMETRYCOLLECTION(" * 100_000 + "POINT(0 0)" + ")" * 100_000}, "no polygon"),
        ({"type": "wkt", "wkt": "MULTIPOLYGON" + "( " * 100_000}, "too deeply"),
        ({"type": "wkt", "wkt": "POLYGON ((179 1, -179 1, -179 2, 179 2, 179 1))"}, "antimeridian write a bbox"),
        ({"type": "wkt"}, "its text"),
        ({"type": "wkt", "wkt": "POLYGON ((0 0, 1 1, 2 2, 0 0))"}, "no extent"),
        ({"type": "Polygon", "coordinates": "here"}, "GeoJSON"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, None], [1, 1], [0, 0]]]}, "GeoJSON"),
        ({"type": "Point", "coordinates": [0, 0]}, "no kind of area"),
        ({"type": "FeatureCollection", "features": []}, "no kind of area"),
        ({"type": "Feature", "geometry": None}, "no geometry"),
        ({"type": "Feature", "geometry": {"type": "LineString", "coordinates": []}}, "LineString"),
        ({}, "bbox"),
        ({"type": "wkt", "wkt": "\0"}, "NUL"),
    ],
    ids=lambda each: str(each)[:40],  # some are a megabyte long
)
def test_a_bad_area_is_told_in_a_sentence(value, told):
    with pytest.raises(BadArea, match=told):
        read_area(value)


def circle(vertices):
    turns = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    points = np.column_stack([WEST + 1.5 * SIDE * np.cos(turns), SOUTH + 1.5 * SIDE * np.sin(turns)])
    return shapely.Polygon(points)


def test_a_hundred_thousand_vertices_are_the_most():
    most = circle(99_999)  # a closing point besides

    assert shapely.get_num_coordinates(read_area(json.loads(shapely.to_geojson(most))).polygon) == 100_000
    with pytest.raises(BadArea, match=r"100,001 vertices; at most 100,000"):
        read_area(json.loads(shapely.to_geojson(circle(100_000))))


# --- Exported ---


@pytest.mark.django_db
@pytest.mark.parametrize(
    "area",
    [
        {"type": "bbox", "coordinates": CORNER},
        {"type": "wkt", "wkt": POLYGON.wkt},
        json.loads(shapely.to_geojson(POLYGON)),
        {"type": "Feature", "properties": {}, "geometry": json.loads(shapely.to_geojson(POLYGON))},
    ],
)
def test_only_parcels_that_touch_the_area_are_exported(export, county, area):
    job, path = export(export_format="GeoJSON", area_of_interest=area)

    found = set(read_back(path, "GeoJSON")["property_id"])
    wanted = {row.property_id for row in Property.objects.in_county(county).intersecting(POLYGON)}
    assert found == wanted == {"P000", "P001", "P006", "P007"}
    assert job["parameters"]["area_of_interest"] == area
    assert job["parameters"]["layers"] == ["parcels"]


@pytest.mark.django_db
@pytest.mark.parametrize("export_format", ["GeoJSON", "GeoPackage"])
def test_clip_cuts_at_the_area(export, export_format):
    request = {"area_of_interest": {"type": "bbox", "coordinates": CORNER}, "parameters": {"clip": True}}
    _, path = export(export_format=export_format, **request)

    frame = read_back(path, export_format).to_crs(4326)
    by_id = frame.set_index("property_id").geometry
    assert len(by_id) == 4
    assert by_id["P001"].area == pytest.approx(SIDE**2 / 2, rel=1e-4)
    assert by_id["P006"].area == pytest.approx(SIDE**2 / 2, rel=1e-4)
    assert by_id.union_all().area == pytest.approx(POLYGON.area - 0.04 * 0.85 * SIDE**2, rel=0.02)  # one has a hole


@pytest.mark.django_db
def test_a_parcel_that_only_touches_a_clip_leaves_nothing_behind(export):
    whole = square(0, 0)
    request = {"area_of_interest": json.loads(shapely.to_geojson(whole)), "parameters": {"clip": True}}

    clipped, _ = export(export_format="GeoJSON", **request)
    touching, _ = export(export_format="GeoJSON", area_of_interest=request["area_of_interest"])

    assert clipped["result"]["result_record_count"] == 1
    assert touching["result"]["result_record_count"] == 4


@pytest.mark.django_db
def test_an_area_without_a_parcel_gives_an_empty_file_of_the_same_columns(export):
    nothing = {"type": "bbox", "coordinates": [WEST + 0.04, SOUTH + 0.03, WEST + 0.05, SOUTH + 0.04]}
    for export_format in ("GeoJSON", "GeoPackage", "Shapefile", "FlatGeobuf", "GeoParquet", "CSV", "KML", "FileGDB"):
        job, path = export(export_format=export_format, area_of_interest=nothing)

        assert job["result"]["result_record_count"] == 0
        frame = read_back(path, export_format)
        assert len(frame) == 0
        if export_format not in ("GeoJSON", "KML"):
            assert {"prop_id", "property_id"} & set(frame.columns), export_format


@pytest.mark.django_db
def test_a_self_crossing_area_is_exported_and_told(export):
    east, north = WEST + 0.01, SOUTH + 0.01
    ring = [[WEST, SOUTH], [east, north], [east, SOUTH], [WEST, north], [WEST, SOUTH]]
    bow_tie = {"type": "Polygon", "coordinates": [ring]}

    job, _ = export(export_format="GeoJSON", area_of_interest=bow_tie)

    assert job["result"]["area_of_interest_repaired"] is True
    assert 0 < job["result"]["result_record_count"] < COLUMNS * ROWS


@pytest.mark.django_db
def test_the_largest_area_is_exported_within_seconds(export):
    area = json.loads(shapely.to_geojson(circle(99_999)))

    job, _ = export(export_format="GeoJSON", area_of_interest=area, parameters={"clip": True})

    assert job["result"]["result_record_count"] == 4  # a quarter circle of 1.5 sides around the corner


@pytest.mark.django_db
def test_the_whole_county_is_everything_on_its_roll_and_clips_at_its_boundary(export):
    for area in (None, {"type": "county_boundary"}):
        for clip in (False, True):
            job, _ = export(export_format="GeoJSON", area_of_interest=area, parameters={"clip": clip})
            assert job["result"]["result_record_count"] == 30


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("request_", "field", "told"),
    [
        ({"export_format": "DXF"}, "export_format", "Allowed: GeoJSON, Shapefile, KML"),
        ({"export_format": "FAIL_FORMAT_SIM"}, "export_format", "Unknown format"),
        ({"layers": ["parcels", "castles"]}, "layers", "Allowed: parcels, parcels_basic"),
        ({"layers": []}, "layers", ""),
        ({"layers": ["parcels", "parcels"]}, "layers", "twice"),
        ({"layers": ["comparables"]}, "parameters.property_id", "needs the property_id"),
        (
            {"layers": ["comparables"], "parameters": {"property_id": "P000"}},
            "parameters.property_id",
            "no value estimate",
        ),
        ({"area_of_interest": {"type": "bbox", "coordinates": [2, 48, 3, 49]}}, "area_of_interest", "outside Benton"),
        ({"area_of_interest": {"type": "circle"}}, "area_of_interest", "no kind of area"),
        ({"area_of_interest": "everywhere"}, "area_of_interest", ""),
        ({"parameters": {"crs": "EPSG:2927"}}, "parameters.crs", "always in EPSG:4326"),
        ({"export_format": "CSV", "parameters": {"crs": "feet"}}, "parameters.crs", "write EPSG:2927"),
        ({"export_format": "CSV", "parameters": {"crs": "EPSG:5703"}}, "parameters.crs", "horizontal"),
        ({"export_format": "CSV", "parameters": {"crs": "EPSG:999999"}}, "parameters.crs", "register"),
        ({"parameters": {"colour": "red"}}, "parameters.colour", "Allowed"),
    ],
)
def test_a_bad_request_is_told_by_field(client, county, request_, field, told):
    body = {"county_id": county.pk, "export_format": "GeoJSON", "layers": ["parcels"]} | request_

    answer = client.post(RUN, body, format="json")

    assert answer.status_code == 400, answer.content
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert told in error["message"]


@pytest.mark.django_db
@pytest.mark.parametrize("depth", [64, 900, 100_000])
def test_a_request_nested_too_deeply_is_refused_and_told(client, county, depth):
    area = '{"type": "Polygon", "coordinates": ' + "[" * depth + "]" * depth + "}"
    body = f'{{"county_id": "{county.pk}", "export_format": "GeoJSON", "area_of_interest": {area}}}'

    answer = client.post(RUN, body, content_type="application/json")

    assert answer.status_code == 400
    assert "nested too deeply; at most 64 levels" in answer.json()["detail"]


@pytest.mark.django_db
def test_a_point_layer_takes_the_points_that_lie_in_the_area(export):
    """The parcels of sales S3 and S4 touch the area; of the second alone the point lies in it."""
    west = WEST + 3.9 * SIDE
    area = {"type": "bbox", "coordinates": [west, SOUTH, west + SIDE, SOUTH + SIDE]}

    for parameters in ({}, {"clip": True}):
        _, path = export(export_format="GeoJSON", layers=["sales"], area_of_interest=area, parameters=parameters)
        assert read_back(path, "GeoJSON")["sale_id"].tolist() == ["S4"]


@pytest.mark.django_db
def test_a_request_of_too_many_bytes_is_refused_and_told(client, county, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    body = {"county_id": county.pk, "export_format": "GeoJSON", "area_of_interest": {"type": "wkt", "wkt": "x" * 1_000}}

    answer = client.post(RUN, body, format="json")

    assert answer.status_code == 413
    assert answer.json()["detail"] == "A request has at most 1,000 bytes."
