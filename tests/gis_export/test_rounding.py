"""Shapes that rounding would break come out valid, with the ground they had."""

import json

import geopandas
import numpy as np
import pandas
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_export.areas.rounding import rounded
from tests.factories import LayerFeatureFactory

from .roll import SOUTH, WEST

STEP = 1e-7  # a degree's seventh decimal


def at(*points):
    return shapely.Polygon([(WEST + x, SOUTH + y) for x, y in points])


# A notch that reaches down to a fifth of a step above the lower edge: rounded, the ring touches itself.
NOTCH = at((0, 0), (1e-3, 0), (1e-3, 1e-3), (5e-4, 2e-8), (0, 1e-3))
SLIVER = at((0, 0), (1e-3, 0), (1e-3, 3e-8), (0, 3e-8))
PLAIN = at((0, 0), (1e-3, 0), (1e-3, 1e-3), (0, 1e-3))


def test_rounding_alone_would_break_them():
    for shape in (NOTCH, SLIVER):
        points = shapely.transform(shape, lambda points: np.round(points, 7))
        assert shapely.is_valid(shape)
        assert not shapely.is_valid(points)


def test_a_broken_shape_is_put_on_the_grid_and_a_sliver_keeps_its_decimals():
    notch, sliver, plain = rounded(np.array([NOTCH, SLIVER, PLAIN]))

    assert shapely.is_valid(notch)
    assert notch.area == pytest.approx(NOTCH.area, abs=1e-3 * STEP)
    assert sliver.equals_exact(SLIVER)
    assert shapely.get_coordinates(plain).tolist() == np.round(shapely.get_coordinates(PLAIN), 7).tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 60)] * 2), min_size=4, max_size=12, unique=True))
def test_a_valid_shape_is_valid_at_seven_decimals(points):
    shape = shapely.convex_hull(shapely.MultiPoint([(x * STEP / 7, y * STEP / 3) for x, y in points[:3]]))
    ring = shapely.Polygon([(x * STEP / 7, y * STEP / 3) for x, y in points])
    for each in (shape, ring):
        if each.geom_type == "Polygon" and each.is_valid:
            assert rounded(np.array([each]))[0].is_valid


@pytest.mark.django_db
@pytest.mark.parametrize("export_format", ["GeoJSON", "KML", "CSV"])
def test_every_shape_of_an_export_is_valid(export, county, export_format):
    for number, shape in enumerate((NOTCH, SLIVER, PLAIN)):
        LayerFeatureFactory(county=county, layer="tca", feature_id=str(number), name=f"N{number}", geometry=shape)

    _, path = export(export_format=export_format, layers=["tca"])

    shapes = _shapes(path, export_format)
    assert shapely.is_valid(shapes).tolist() == [True] * 3
    areas = shapely.area(shapes)  # of a CSV in square feet
    assert areas / areas[2] == pytest.approx(np.array([NOTCH.area, SLIVER.area, PLAIN.area]) / PLAIN.area, rel=2e-3)


def _shapes(path, export_format):
    if export_format == "CSV":
        return shapely.from_wkt(pandas.read_csv(path)["wkt"].to_numpy())
    if export_format == "GeoJSON":
        features = json.loads(path.read_text())["features"]
        return np.array([shapely.from_geojson(json.dumps(feature["geometry"])) for feature in features])
    return shapely.force_2d(geopandas.read_file(path).geometry.to_numpy())
