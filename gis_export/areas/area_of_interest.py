"""The area a request asks for, as a polygon in longitude and latitude (EPSG:4326)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from terrafusion.roll.shapes import repaired

MOST_VERTICES = 100_000
MOST_CROSSING_VERTICES = 1_000  # repairing 1,000 random points takes three seconds; repairing 10,000 takes minutes
GEOMETRY_TYPES = ("Polygon", "MultiPolygon")
ALLOWED = (
    'Write {"type": "bbox", "coordinates": [west, south, east, north]}, {"type": "wkt", "wkt": "POLYGON (...)"}, '
    'a GeoJSON Polygon, MultiPolygon or Feature of one, or {"type": "county_boundary"}.'
)
# Nothing else may reach the WKT reader: deeply nested geometry collections overflow its stack and end the process.
_WKT_POLYGON = re.compile(r"\s*(MULTI)?POLYGON(Z|M|ZM)?\b", re.IGNORECASE)
_TOO_DEEP = re.compile(r"(\(\s*){4}")  # a MULTIPOLYGON has three levels


class BadArea(ValueError):
    """The area cannot be used; the sentence says why and what is allowed."""


@dataclass(frozen=True)
class AreaOfInterest:
    """polygon: None means the whole county. repaired: the polygon of the request crossed itself and was mended."""

    polygon: BaseGeometry | None
    repaired: bool = False

    @property
    def is_whole_county(self) -> bool:
        return self.polygon is None


WHOLE_COUNTY = AreaOfInterest(None)


def read_area(value: Mapping[str, Any] | None) -> AreaOfInterest:
    """The area a request wrote. None and `county_boundary` are the whole county.

    A box whose west edge is east of its east edge crosses the antimeridian and becomes two (RFC 7946, 5.2). A polygon
    that crosses itself is repaired. Raises BadArea.
    """
    if value is None:
        return WHOLE_COUNTY
    if "\\u0000" in json.dumps(value, default=str):
        raise BadArea("The area holds a NUL character, which no database keeps.")
    kind = value.get("type")
    if kind == "county_boundary":
        return WHOLE_COUNTY
    if kind == "bbox":
        return AreaOfInterest(_box(value.get("coordinates")))
    if kind == "wkt":
        return _usable(_from_wkt(value.get("wkt")))
    if kind == "Feature":
        geometry = value.get("geometry")
        if not isinstance(geometry, Mapping):
            raise BadArea("The Feature has no geometry.")
        return _usable(_from_geojson(geometry))
    if kind in GEOMETRY_TYPES:
        return _usable(_from_geojson(value))
    raise BadArea(f"{kind!r} is no kind of area. {ALLOWED}")


def _box(corners: Any) -> BaseGeometry:
    if (
        not isinstance(corners, list)
        or len(corners) != 4
        or not all(isinstance(corner, int | float) and not isinstance(corner, bool) for corner in corners)
    ):
        raise BadArea("A bbox has four numbers: [west, south, east, north], in degrees.")
    try:
        west, south, east, north = map(float, corners)
    except OverflowError:  # a whole number of JSON has no largest value
        raise BadArea(_NOT_DEGREES) from None
    _check_degrees(np.array([[west, south], [east, north]]))
    if south >= north or west == east:
        raise BadArea("The bbox is empty: south must be below north, and west differ from east.")
    if west > east:
        return shapely.union_all([shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)])
    return shapely.box(west, south, east, north)


def _from_wkt(text: Any) -> BaseGeometry:
    if not isinstance(text, str):
        raise BadArea('The area of type "wkt" needs its text in "wkt".')
    if not _WKT_POLYGON.match(text):
        raise BadArea("The WKT is no polygon; a Polygon or MultiPolygon is needed: POLYGON ((x y, ...)).")
    if _TOO_DEEP.search(text):
        raise BadArea("Not readable as WKT: its brackets are nested too deeply.")
    try:
        return shapely.from_wkt(text)
    except shapely.GEOSException as error:
        raise BadArea(f"Not readable as WKT: {str(error)[:200]}. Write POLYGON ((x y, ...)).") from error


def _from_geojson(value: Mapping[str, Any]) -> BaseGeometry:
    if value.get("type") not in GEOMETRY_TYPES:
        raise BadArea(f"The geometry is a {value.get('type')!r}; a Polygon or MultiPolygon is needed.")
    try:
        return shapely.from_geojson(json.dumps({"type": value["type"], "coordinates": value.get("coordinates")}))
    except (shapely.GEOSException, ValueError) as error:
        raise BadArea(f"Not readable as a GeoJSON geometry: {str(error)[:200]}.") from error


def _usable(area: BaseGeometry) -> AreaOfInterest:
    if area.geom_type not in GEOMETRY_TYPES:
        raise BadArea(f"The area is a {area.geom_type}; a Polygon or MultiPolygon is needed.")
    if area.is_empty:
        raise BadArea("The area is empty.")
    vertices = shapely.get_num_coordinates(area)
    if vertices > MOST_VERTICES:
        raise BadArea(f"The area has {vertices:,} vertices; at most {MOST_VERTICES:,} are taken.")
    area = shapely.force_2d(area)
    _check_degrees(shapely.get_coordinates(area))
    _check_antimeridian(area)
    if area.is_valid:
        return AreaOfInterest(area)
    if vertices > MOST_CROSSING_VERTICES:
        most = f"at most {MOST_CROSSING_VERTICES:,} of such an outline are repaired"
        raise BadArea(f"The area crosses itself and has {vertices:,} vertices; {most}. Mend it in a GIS first.")
    mended = repaired(area)
    if mended.is_empty:
        raise BadArea("The area has no extent: its outline folds onto a line.")
    return AreaOfInterest(mended, repaired=True)


_NOT_DEGREES = "Longitude runs from -180 to 180 and latitude from -90 to 90 degrees (EPSG:4326)."


def _check_degrees(points: np.ndarray) -> None:
    """Raises BadArea for coordinates that are no degrees, such as those in feet or metres."""
    if not np.isfinite(points).all() or np.abs(points[:, 0]).max() > 180 or np.abs(points[:, 1]).max() > 90:
        raise BadArea(_NOT_DEGREES)


def _check_antimeridian(area: BaseGeometry) -> None:
    """Raises BadArea for an edge from 179 to -179: as a polygon in degrees it runs the long way around the world."""
    points, ring = shapely.get_coordinates(shapely.get_rings(area), return_index=True)
    steps = np.abs(np.diff(points[:, 0]))
    if (steps[ring[1:] == ring[:-1]] > 180).any():
        raise BadArea(
            "An edge of the area spans more than 180 degrees of longitude. Over the antimeridian write a bbox whose"
            " west is greater than its east, or a MultiPolygon with a part on each side."
        )
