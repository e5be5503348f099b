"""Coordinate reference systems of exports: which are accepted, their units, and bringing coordinates into one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.enums import TransformDirection
from pyproj.exceptions import CRSError

STORAGE = "EPSG:4326"


class BadCoordinateSystem(ValueError):
    """The coordinate system cannot be used; the sentence says why and what is allowed."""


@dataclass(frozen=True)
class CoordinateSystem:
    """code: the EPSG number. unit: the unit of the axes, for example "US survey foot"."""

    code: int
    name: str
    unit: str
    is_projected: bool

    @property
    def identifier(self) -> str:
        return f"EPSG:{self.code}"

    @property
    def is_storage(self) -> bool:
        return self.identifier == STORAGE

    def as_json(self) -> dict[str, str]:
        return {"crs": self.identifier, "crs_name": self.name, "crs_unit": self.unit}


@lru_cache(maxsize=256)  # keyed by what a request says
def coordinate_system(text: str) -> CoordinateSystem:
    """The system a text names, such as EPSG:2927. Raises BadCoordinateSystem if it is no horizontal EPSG system."""
    written = text.strip().upper()
    digits = written.removeprefix("EPSG:")
    if written in ("OGC:CRS84", "CRS84"):
        digits = "4326"  # the two differ only in the order of the axes, and every export writes longitude first
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 6):
        raise BadCoordinateSystem(f"{text!r} is not a coordinate reference system; write EPSG:2927.")
    try:
        crs = CRS.from_epsg(int(digits))
    except CRSError as error:
        raise BadCoordinateSystem(f"EPSG:{digits} is not in the register; write for example EPSG:2927.") from error
    if len(crs.axis_info) != 2 or not (crs.is_projected or crs.is_geographic):
        raise BadCoordinateSystem(f"EPSG:{digits} ({crs.name}) is not a horizontal, two-dimensional system.")
    return CoordinateSystem(int(digits), crs.name, crs.axis_info[0].unit_name, crs.is_projected)


@lru_cache(maxsize=256)  # keyed by what a request says
def _transformer(target: str, authority_order: bool) -> Transformer:
    order = CRS.from_user_input(target)
    if authority_order:
        return Transformer.from_crs("OGC:CRS84", order, always_xy=False)
    return Transformer.from_crs(STORAGE, order, always_xy=True)


def operation(system: CoordinateSystem, longitude: float, latitude: float) -> str:
    """The name of the operation that brings stored coordinates into the system, for the metadata.

    PROJ chooses the operation by the place, given here in degrees.
    """
    if system.is_storage:
        return "none"
    transformer = _transformer(system.identifier, False)
    transformer.transform(longitude, latitude)
    return transformer.get_last_used_operation().description


def reproject(geometries: np.ndarray, system: CoordinateSystem, *, authority_order: bool = False) -> np.ndarray:
    """Stored geometries in the coordinates of the system.

    authority_order: the axes in the order of the EPSG register, as the OGC API wants them.
    A coordinate the system cannot express becomes infinite; see `expresses`.
    """
    transformer = _transformer(system.identifier, authority_order)

    def move(points: np.ndarray) -> np.ndarray:
        return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))

    if system.is_storage and not authority_order:
        return geometries
    return shapely.transform(geometries, move)


def box_to_degrees(system: CoordinateSystem, left: float, bottom: float, right: float, top: float) -> list[float]:
    """West, south, east and north in degrees of a box whose axes are in the order of the EPSG register."""
    back = TransformDirection.INVERSE
    return list(_transformer(system.identifier, True).transform_bounds(left, bottom, right, top, direction=back))


def expresses(system: CoordinateSystem, west: float, south: float, east: float, north: float) -> bool:
    """Whether the system has coordinates for the whole box (degrees)."""
    x, y = np.meshgrid(np.linspace(west, east, 5), np.linspace(south, north, 5))
    moved = _transformer(system.identifier, False).transform(x.ravel(), y.ravel())
    return bool(np.isfinite(moved).all())
