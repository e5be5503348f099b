"""Geometry texts (WKT, or WKB in hexadecimal, as the file connectors give it) into WKB the roll can keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import shapely

from .validators import Finding, Level

EDGES = ("west", "south", "east", "north")
_WORLD = (-180.0, -90.0, 180.0, 90.0)


def geometry_column(texts: pl.Series, lines: pl.Series, shown_as: str) -> tuple[pl.Series, list[Finding]]:
    """WKB in longitude and latitude; invalid shapes are repaired and told. Null for what is no geometry."""
    findings: list[Finding] = []
    shapes = _read(texts)
    said = (texts != "").to_numpy()
    missing = shapely.is_missing(shapes)
    for place in np.flatnonzero(said & missing):
        findings.append(Finding(lines[int(place)], shown_as, _short(texts, place), "not a geometry", "V-GEOMETRY"))
    outside = ~missing & ~_inside_world(shapes)
    for place in np.flatnonzero(outside):
        reason = "lies outside longitude -180 to 180, latitude -90 to 90; is it in another projection?"
        findings.append(Finding(lines[int(place)], shown_as, _short(texts, place), reason, "V-GEOMETRY"))
    shapes[outside] = None
    empty = ~missing & shapely.is_empty(shapes)
    for place in np.flatnonzero(empty):
        findings.append(
            Finding(lines[int(place)], shown_as, "", "an empty geometry", "V-GEOMETRY-EMPTY", Level.WARN, True)
        )
    shapes[empty] = None
    findings += _repair(shapes, lines, shown_as)
    return pl.Series(texts.name, shapely.to_wkb(shapes).tolist(), dtype=pl.Binary), findings


def _short(texts: pl.Series, place: Any) -> str:
    return str(texts[int(place)])[:40]


def _read(texts: pl.Series) -> np.ndarray:
    hexadecimal = texts.str.contains("^[0-9A-Fa-f]{18,}$").to_numpy()
    cells = np.array(texts.to_list(), dtype=object)
    shapes = np.full(len(cells), None, dtype=object)
    shapes[hexadecimal] = shapely.from_wkb(cells[hexadecimal], on_invalid="ignore")
    others = ~hexadecimal & (cells != "")
    shapes[others] = shapely.from_wkt(cells[others], on_invalid="ignore")
    return shapely.force_2d(shapes)


def _inside_world(shapes: np.ndarray) -> np.ndarray:
    bounds = shapely.bounds(shapes)
    with np.errstate(invalid="ignore"):
        good = (bounds[:, :2] >= _WORLD[:2]).all(axis=1) & (bounds[:, 2:] <= _WORLD[2:]).all(axis=1)
    return good | np.isnan(bounds).any(axis=1)


def _repair(shapes: np.ndarray, lines: pl.Series, shown_as: str) -> list[Finding]:
    """Repairs in place; a self-crossing outline would make areas and overlays wrong."""
    invalid = np.flatnonzero(~shapely.is_missing(shapes) & ~shapely.is_valid(shapes))
    reasons = shapely.is_valid_reason(shapes[invalid])
    shapes[invalid] = shapely.make_valid(shapes[invalid])
    return [
        Finding(lines[int(place)], shown_as, "", f"invalid shape, repaired: {why}", "V-GEOMETRY-INVALID", Level.WARN)
        for place, why in zip(invalid, reasons, strict=True)
    ]


def box_columns(wkb: pl.Series, prefix: str) -> list[pl.Series]:
    """The edges of each geometry's bounding box in degrees, null without one."""
    bounds = shapely.bounds(shapely.from_wkb(np.array(wkb.to_list(), dtype=object)))
    return [pl.Series(f"{prefix}{edge}", bounds[:, number]).fill_nan(None) for number, edge in enumerate(EDGES)]
