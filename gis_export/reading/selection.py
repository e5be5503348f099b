"""Which features an export takes and what happens to their shapes, in shapely; statements.py does the same in SQL."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import MultiLineString, MultiPoint, MultiPolygon
from shapely.geometry.base import BaseGeometry

from terrafusion.roll.shapes import repaired

from ..areas.coordinate_systems import STORAGE, CoordinateSystem, coordinate_system, reproject
from ..layers.layer import DIMENSION, Shape

IN_STORAGE = coordinate_system(STORAGE)
METRES_A_DEGREE = 111_320.0  # of latitude
_MULTI = {0: shapely.multipoints, 1: shapely.multilinestrings, 2: shapely.multipolygons}
_OF_PARTS = {0: MultiPoint, 1: MultiLineString, 2: MultiPolygon}
_SINGLE_TYPES = {0: 0, 1: 1, 2: 3}  # shapely type ids of Point, LineString, Polygon


@dataclass(frozen=True)
class Selection:
    """What an export takes of a layer.

    touching: the area of which a feature must share a point. clip_to: the area at which shapes are cut. Both are in
    degrees. multi: every polygon becomes a multipolygon, for formats that hold one geometry type in a layer.
    tolerance_m: metres by which simplifying may move an outline; 0 leaves outlines as they are.
    """

    touching: BaseGeometry | None = None
    clip_to: BaseGeometry | None = None
    system: CoordinateSystem = IN_STORAGE
    multi: bool = False
    tolerance_m: float = 0.0

    @property
    def changes_shapes_in_python(self) -> bool:
        return self.tolerance_m > 0 or not self.system.is_storage


def select(shapes: np.ndarray, selection: Selection) -> np.ndarray:
    """Which of the shapes touch the area: an array of booleans."""
    if selection.touching is None:
        return np.ones(len(shapes), dtype=bool)
    shapely.prepare(selection.touching)
    return shapely.intersects(selection.touching, shapes)


def clip(shapes: np.ndarray, area: BaseGeometry) -> np.ndarray:
    """Each shape cut at the area. Shapes inside it, nearly all of them, are left as they are."""
    shapely.prepare(area)
    cut = np.flatnonzero(~shapely.covers(area, shapes))
    clipped = shapes.copy()
    clipped[cut] = shapely.intersection(repaired(shapes[cut]), area)
    return clipped


def one_shape(shapes: np.ndarray, shape: Shape, *, multi: bool) -> np.ndarray:
    """The shapes reduced to the layer's dimension: clipping and repair can leave lines and points beside polygons."""
    dimension = DIMENSION[shape]
    result = shapely.force_2d(shapes)
    collections = np.flatnonzero(shapely.get_type_id(result) == 7)
    for index in collections:
        result[index] = _parts_of(result[index], dimension)
    lower = (shapely.get_dimensions(result) != dimension) | shapely.is_empty(result)
    result[lower] = None
    if multi:
        single = np.flatnonzero(shapely.get_type_id(result) == _SINGLE_TYPES[dimension])
        result[single] = _MULTI[dimension](result[single], indices=np.arange(len(single)))
    return result


def _parts_of(collection: BaseGeometry, dimension: int) -> BaseGeometry:
    """The parts of this dimension, as one shape. A collection can hold shapes that have parts themselves."""
    parts = [part for member in shapely.get_parts(collection) for part in shapely.get_parts(member)]
    return _OF_PARTS[dimension]([part for part in parts if shapely.get_dimensions(part) == dimension])


def simplify(shapes: np.ndarray, tolerance_m: float) -> np.ndarray:
    """Outlines with fewer vertices. Each is simplified alone, so gaps up to the tolerance may open between neighbours.

    The tolerance is exact to the north and south, and stricter to the east and west, where a degree is shorter.
    """
    if tolerance_m <= 0:
        return shapes
    return shapely.simplify(shapes, tolerance_m / METRES_A_DEGREE, preserve_topology=True)


def place(shapes: np.ndarray, selection: Selection) -> np.ndarray:
    """The shapes in the coordinate system of the export, simplified if it asks for that."""
    return reproject(simplify(shapes, selection.tolerance_m), selection.system)
