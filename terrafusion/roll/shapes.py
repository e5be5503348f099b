"""Repairing shapes so that they keep the ground they cover: one rule for the roll, its layers and areas of interest."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from pyproj import Geod
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

_EARTH = Geod(ellps="WGS84")
_POLYGONS = (3, 6)  # shapely's numbers for Polygon and MultiPolygon


def repaired(shapes: Any) -> Any:
    """Each invalid shape made valid; valid and missing ones as they are. One shape, or an array of them.

    Rings keep their meaning ("structure"): a hole that touches the outline stays a hole, parts that overlap are one
    ground. (The other method, "linework", fills such a hole and turns an overlap into one.) Of a polygon only
    polygons are kept: empty when its outline folds onto a line.
    """
    array = np.atleast_1d(np.asarray(shapes, dtype=object)).copy()
    invalid = np.flatnonzero(~shapely.is_missing(array) & ~shapely.is_valid(array))
    for place in invalid:
        array[place] = _repaired(array[place])
    return array if isinstance(shapes, np.ndarray) else array[0]


def _repaired(shape: BaseGeometry) -> BaseGeometry:
    if shapely.get_type_id(shape) in _POLYGONS:
        return only_polygons(shapely.make_valid(shape, method="structure", keep_collapsed=False))
    return shapely.make_valid(shape, method="structure", keep_collapsed=True)


def only_polygons(geometry: BaseGeometry) -> BaseGeometry:
    """What of a repaired geometry covers ground: lines and points that a repair leaves over are let go."""
    parts = [part for part in shapely.get_parts(geometry) if shapely.get_dimensions(part) == 2]
    nested = [inner for part in parts for inner in shapely.get_parts(part) if not inner.is_empty]
    return nested[0] if len(nested) == 1 else MultiPolygon(nested)


def square_kilometres(polygon: BaseGeometry) -> float:
    """Area on the WGS 84 ellipsoid, whichever way the rings run; of an invalid shape, as its rings say."""
    oriented = shapely.orient_polygons(polygon)
    return abs(_EARTH.geometry_area_perimeter(oriented)[0]) / 1e6
