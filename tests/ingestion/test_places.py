"""Geometry on its way to the roll: repaired so that it keeps its ground, and dropped where it cannot be."""

import math
import struct

import polars as pl
import pytest
import shapely

from ingestion.pipelines.requests import LoadRequest, run_load
from ingestion.transforms.geometries import geometry_column
from terrafusion.roll.models import LayerFeature, Property
from terrafusion.roll.shapes import repaired
from tests.factories import a_county

BOWTIE = "POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))"


@pytest.mark.parametrize(
    ("wkt", "area"),
    [
        ("POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0), (0 2, 0 5, 5 5, 5 2, 0 2))", 85),
        ("MULTIPOLYGON (((0 0, 10 0, 10 10, 0 10, 0 0)), ((5 5, 15 5, 15 15, 5 15, 5 5)))", 175),
        ("POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0), (2 2, 6 2, 6 6, 2 6, 2 2), (5 5, 8 5, 8 8, 5 8, 5 5))", 76),
        (BOWTIE, 0.5),
        ("POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))", 100),
        ("POLYGON ((0 0, 1 1, 2 2, 0 0))", 0),
    ],
)
def test_a_repair_keeps_the_ground(wkt, area):
    result = repaired(shapely.from_wkt(wkt))

    assert result.is_valid
    assert result.area == area
    assert result.geom_type in ("Polygon", "MultiPolygon")


def findings_of(*cells):
    values, findings = geometry_column(pl.Series("g", cells), pl.Series(range(1, len(cells) + 1)), "SHAPE")
    return values.to_list(), {finding.line: finding for finding in findings}


def test_a_cell_the_library_cannot_read_costs_its_own_row_alone():
    good, curve = "POINT (-119.3 46.2)", "CIRCULARSTRING (0 0, 1 1, 2 0)"
    deep = "GEOMETRYCOLLECTION (" * 5000 + "POINT (1 1)" + ")" * 5000

    values, findings = findings_of(good, curve, "x", deep, good, "01" + "0700000001000000" * 3, "01080000000000000f")

    assert [value is not None for value in values] == [True, False, False, False, True, False, False]
    assert {line: each.reason.split(",")[0] for line, each in findings.items()} == {
        2: "a CircularString",
        3: "not a geometry",
        4: "a geometry of geometries in each other too deeply",
        6: "not a geometry",
        7: "a CircularString that is damaged",
    }


def arc(*points):
    return struct.pack("<BII", 1, 8, len(points)) + b"".join(struct.pack("<2d", *point) for point in points)


def test_an_arc_becomes_straight_lines_that_cover_the_same_ground():
    circle = struct.pack("<BII", 1, 10, 1) + arc((0, 0), (2, 0), (0, 0))  # a CurvePolygon: radius 1, area pi
    many = struct.pack("<BII", 1, 12, 1) + circle  # a MultiSurface

    values, findings = findings_of(circle.hex(), "POINT (1 1)", many.hex(), arc((0, 0), (1, 1), (2, 0)).hex())

    shapes = shapely.from_wkb(values)
    assert findings == {}
    assert [shape.geom_type for shape in shapes] == ["Polygon", "Point", "MultiPolygon", "LineString"]
    assert [shape.area for shape in shapes[[0, 2]]] == pytest.approx([math.pi, math.pi], rel=3e-4)
    assert shapes[3].length == pytest.approx(math.pi, rel=1e-4)


def test_a_coordinate_that_is_no_number_drops_the_value():
    values, findings = findings_of(
        "POINT (-1.7976931348623157e308 46)", "POLYGON ((0 0, 1 0, nan 1, 0 0))", "POLYGON ((0 0, 1 0, 1 inf, 0 0))"
    )

    assert values == [None] * 3
    assert all(finding.dropped for finding in findings.values())


def test_coordinates_exchanged_in_one_row_are_dropped_and_in_all_rows_refused():
    good, exchanged = "POINT (-119.3 46.2)", "POINT (46.2 -119.3)"

    _, one = findings_of(good, good, exchanged)
    _, most = findings_of(good, exchanged, exchanged)

    assert {line: each.dropped for line, each in one.items()} == {3: True}
    assert {line: each.dropped for line, each in most.items()} == {2: False, 3: False}
    assert "another projection" in most[2].reason


# --- Far away ---

MAPPING = """
rejection_limit_percent: 100
properties:
  property_id: {column: id}
  parcel_number: {column: id}
  longitude: {column: x, type: number}
  latitude: {column: y, type: number}
  geometry: {column: shape, type: geometry}
"""
POINTS = MAPPING.replace("  geometry: {column: shape, type: geometry}\n", "")


@pytest.fixture
def load(db, tmp_path, mapping_file):
    county = a_county("demo")

    def run(rows, mapping):
        path = tmp_path / "roll.csv"
        path.write_text("\n".join(["id;x;y;shape", *rows]) + "\n")
        mapping = 'file: {delimiter: ";"}\n' + mapping
        return run_load(
            LoadRequest(county=county, source=str(path), mapping=mapping_file(mapping), accept_drift=True)
        ).report

    return run


@pytest.mark.parametrize("odd", ["0 0", "-119.3 -46.2", "115.49 -89.9", "-80.1 25.8"])
def test_a_place_far_outside_the_county_is_dropped_with_a_finding(load, odd):
    x, y = odd.split()
    usual = [f"P{each};{-119.3 + each / 100};46.2;POINT ({-119.3 + each / 100} 46.2)" for each in range(5)]

    found = load([*usual, f"ODD;{x};{y};POINT ({odd})"], MAPPING).sets["main"].findings

    assert found.filter(found["rule"] == "V-FAR")["line"].to_list() == [7, 7]
    found = Property.objects.get(property_id="ODD")
    assert (found.geometry, found.longitude, found.latitude, found.west) == (None, None, None, None)
    assert Property.objects.exclude(geometry=None).count() == 5


@pytest.mark.parametrize("mark", ["-1.7976931348623157e308", "-1.79769313486232E+308", "3.40282347E+38"])
def test_the_mark_for_no_number_in_a_column_is_dropped(load, mark):
    load([f"P{each};-119.3;46.2;" for each in range(5)] + [f"ODD;{mark};{mark};"], POINTS)

    assert Property.objects.get(property_id="ODD").longitude is None


def test_a_single_vertex_far_away_drops_the_shape(load):
    boxes = [shapely.box(-119.3, 46.2 + each / 100, -119.29, 46.205 + each / 100).wkt for each in range(5)]
    spike = "POLYGON ((-119.3 46.2, -119.29 46.2, 0 0, -119.3 46.2))"

    load([f"P{number};;;{wkt}" for number, wkt in enumerate([*boxes, spike])], MAPPING)

    assert Property.objects.get(geometry=None).property_id == "P5"


def test_the_loaded_boundary_says_what_is_far(load):
    LayerFeature.objects.create(
        county_id="demo", layer="county_boundary", feature_id="1", geometry=shapely.box(-119.5, 46, -119, 46.5)
    )

    load([f"P{each};{-119.3};{46.2};" for each in range(4)] + ["NEAR;-118.6;46.2;", "FAR;-118.2;46.2;"], POINTS)

    assert Property.objects.get(property_id="NEAR").longitude == -118.6
    assert Property.objects.get(property_id="FAR").longitude is None


def test_places_of_a_whole_state_are_all_believed(load):
    load([f"P{each};{-124 + each * 1.5};{45 + each / 3};" for each in range(10)], POINTS)

    assert not Property.objects.filter(longitude=None).exists()


def test_a_county_loaded_from_another_place_than_its_boundary_is_believed(load):
    LayerFeature.objects.create(
        county_id="demo", layer="county_boundary", feature_id="1", geometry=shapely.box(-119.5, 46, -119, 46.5)
    )

    load([f"P{each};{-71.1 + each / 1000};42.3;" for each in range(5)], POINTS)

    assert not Property.objects.filter(longitude=None).exists()
