"""Coordinate reference systems of exports: which are taken, their unit, and bringing coordinates into one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.enums import TransformDirection
from pyproj.exceptions import CRSError

STORAGE = "EPSG:4326"


class BadCoordinateSystem(ValueError):
    """The sentence says what is wrong and what is allowed."""


@dataclass(frozen=True)
class CoordinateSystem:
    """code: its EPSG number. unit: of its axes, for example "US survey foot"."""

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


@cache
def coordinate_system(text: str) -> CoordinateSystem:
    """Raises BadCoordinateSystem for what is not a horizontal system of the EPSG register."""
    written = text.strip().upper()
    digits = written.removeprefix("EPSG:")
    if written in ("OGC:CRS84", "CRS84"):
        digits = "4326"  # the same place; every export writes longitude first
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 6):
        raise BadCoordinateSystem(f"{text!r} is not a coordinate reference system; write EPSG:2927.")
    try:
        crs = CRS.from_epsg(int(digits))
    except CRSError as error:
        raise BadCoordinateSystem(f"EPSG:{digits} is not in the register; write for example EPSG:2927.") from error
    if len(crs.axis_info) != 2 or not (crs.is_projected or crs.is_geographic):
        raise BadCoordinateSystem(f"EPSG:{digits} ({crs.name}) is not a horizontal, two-dimensional system.")
    return CoordinateSystem(int(digits), crs.name, crs.axis_info[0].unit_name, crs.is_projected)


@cache
def _transformer(target: str, authority_order: bool) -> Transformer:
    order = CRS.from_user_input(target)
    if authority_order:
        return Transformer.from_crs("OGC:CRS84", order, always_xy=False)
    return Transformer.from_crs(STORAGE, order, always_xy=True)


def operation(system: CoordinateSystem, longitude: float, latitude: float) -> str:
    """The name of the coordinate operation from storage, for the metadata; PROJ chooses it by the place (degrees)."""
    if system.is_storage:
        return "none"
    transformer = _transformer(system.identifier, False)
    transformer.transform(longitude, latitude)
    return transformer.get_last_used_operation().description


def reproject(geometries: np.ndarray, system: CoordinateSystem, *, authority_order: bool = False) -> np.ndarray:
    """Geometries from storage in the system. authority_order: axes as the register orders them (OGC API).

    A coordinate the system cannot express becomes infinite; see `expresses`.
    """
    transformer = _transformer(system.identifier, authority_order)

    def move(points: np.ndarray) -> np.ndarray:
        return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))

    if system.is_storage and not authority_order:
        return geometries
    return shapely.transform(geometries, move)


def box_to_degrees(system: CoordinateSystem, left: float, bottom: float, right: float, top: float) -> list[float]:
    """West, south, east, north of a box whose axes are as the register orders them."""
    back = TransformDirection.INVERSE
    return list(_transformer(system.identifier, True).transform_bounds(left, bottom, right, top, direction=back))


def expresses(system: CoordinateSystem, west: float, south: float, east: float, north: float) -> bool:
    """Whether the system has coordinates for the whole box (degrees)."""
    x, y = np.meshgrid(np.linspace(west, east, 5), np.linspace(south, north, 5))
    moved = _transformer(system.identifier, False).transform(x.ravel(), y.ravel())
    return bool(np.isfinite(moved).all())
