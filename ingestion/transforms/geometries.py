"""Converting geometry texts (WKT, or hexadecimal WKB as the file connectors give it) to the WKB the roll stores."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import shapely

from terrafusion.roll.shapes import repaired, square_kilometres

from .curves import is_curve, kind_of, straightened
from .validators import Finding, Level

EDGES = ("west", "south", "east", "north")
SQFT_IN_SQUARE_KILOMETRE = 1e6 / 0.3048**2
_LARGEST = 1e30  # no coordinate of this planet in any unit
_WORLD = (-180.0, -90.0, 180.0, 90.0)


def geometry_column(texts: pl.Series, lines: pl.Series, shown_as: str) -> tuple[pl.Series, list[Finding]]:
    """The shapes as WKB in longitude and latitude, and the findings. Null for a text that is no geometry.

    Invalid shapes are repaired, each with a finding.
    """
    findings: list[Finding] = []
    shapes, faults = _read(texts)
    for place, reason in faults.items():
        findings.append(Finding(lines[place], shown_as, _short(texts, place), reason, "V-GEOMETRY"))
    for place in np.flatnonzero(nowhere(shapes)).tolist():
        reason = "holds no coordinates but a mark for none"
        findings.append(_dropped(lines, place, shown_as, _short(texts, place), reason, "V-GEOMETRY-NOWHERE"))
        shapes[place] = None
    missing = shapely.is_missing(shapes)
    outside = ~missing & ~_inside_world(shapes)
    # If most shapes lie outside, the file is in another projection. A few are records whose coordinates are swapped or
    # spoilt.
    few = 2 * outside.sum() < (~missing).sum()
    for place in np.flatnonzero(outside).tolist():
        where, value = "lies outside longitude -180 to 180, latitude -90 to 90", _short(texts, place)
        findings.append(
            _dropped(lines, place, shown_as, value, where, "V-GEOMETRY")
            if few
            else Finding(lines[int(place)], shown_as, value, f"{where}; is it in another projection?", "V-GEOMETRY")
        )
    shapes[outside] = None
    findings += _repair(shapes, lines, shown_as)
    empty = ~shapely.is_missing(shapes) & shapely.is_empty(shapes)
    for place in np.flatnonzero(empty).tolist():
        findings.append(_dropped(lines, place, shown_as, "", "an empty geometry", "V-GEOMETRY-EMPTY"))
    shapes[empty] = None
    return pl.Series(texts.name, shapely.to_wkb(shapes).tolist(), dtype=pl.Binary), findings


def _dropped(lines: pl.Series, place: Any, shown_as: str, value: str, reason: str, rule: str) -> Finding:
    return Finding(lines[int(place)], shown_as, value, reason, rule, Level.WARN, True)


def _short(texts: pl.Series, place: Any) -> str:
    return str(texts[int(place)])[:40]


def _read(texts: pl.Series) -> tuple[np.ndarray, dict[int, str]]:
    """The shapes, and the reason why a text is none, by its place."""
    hexadecimal = texts.str.contains("^[0-9A-Fa-f]{18,}$").to_numpy()
    cells = np.array(texts.to_list(), dtype=object)
    shapes = np.full(len(cells), None, dtype=object)
    faults: dict[int, str] = {}
    for chosen, read in ((hexadecimal, read_wkb), (~hexadecimal & (cells != ""), read_wkt)):
        places = np.flatnonzero(chosen)
        shapes[places], faults_of_kind = read(cells[places])
        faults |= {int(places[place]): reason for place, reason in faults_of_kind.items()}
    return shapely.force_2d(shapes), faults


def read_wkb(cells: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
    """The shapes of WKB, as bytes or hexadecimal, and the reason why a cell is none, by its place. None stays None.

    Arcs become straight lines.
    """
    return _each_read(_without_arcs(cells), shapely.from_wkb)


def _without_arcs(cells: np.ndarray) -> np.ndarray:
    curves = {place: _as_bytes(cell) for place, cell in enumerate(cells) if cell and is_curve(_as_bytes(cell[:10]))}
    cells = cells.copy()
    for place, wkb in zip(curves, straightened(list(curves.values())), strict=True):
        if wkb is not None:
            cells[place] = wkb if isinstance(cells[place], bytes) else wkb.hex()
    return cells


def _as_bytes(cell: bytes | str) -> bytes:
    """The bytes of a cell. If the number of its hexadecimal digits is odd, the last one is left out."""
    return cell if isinstance(cell, bytes) else bytes.fromhex(cell[: len(cell) // 2 * 2])


def read_wkt(cells: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
    return _each_read(cells, shapely.from_wkt)


def _each_read(cells: np.ndarray, read: Callable[..., Any]) -> tuple[np.ndarray, dict[int, str]]:
    deep = [place for place, cell in enumerate(cells) if cell is not None and _is_too_deep(cell)]
    faults = dict.fromkeys(deep, "a geometry of geometries in each other too deeply")
    cells = cells.copy()
    cells[deep] = None
    try:
        shapes = read(cells, on_invalid="ignore")
    except (shapely.GEOSException, NotImplementedError, UnicodeError, ValueError, TypeError):
        # A cell that the library refuses, for example a curve, fails the whole call, so every cell is read by itself.
        shapes = np.array([_one(cell, read) for cell in cells] + [None], dtype=object)[:-1]
    for place in np.flatnonzero(shapely.is_missing(shapes)):
        if cells[place] is not None:
            faults[int(place)] = _why_not(cells[place])
    return shapes, faults


def _one(cell: Any, read: Callable[..., Any]) -> Any:
    try:
        return read(cell, on_invalid="ignore")
    except (shapely.GEOSException, NotImplementedError, UnicodeError, ValueError, TypeError):
        return None


# Deeply nested geometry collections overflow the stack of the library that reads them, and end the process.
_DEEPEST = 16
_COLLECTION = (b"\x01\x07\x00\x00\x00", b"\x00\x00\x00\x00\x07")


def _is_too_deep(cell: bytes | str) -> bool:
    if isinstance(cell, bytes):
        return max(map(cell.count, _COLLECTION)) > _DEEPEST
    text = cell.upper()
    marks = ("COLLECTION", *(code.hex().upper() for code in _COLLECTION))
    return max(map(text.count, marks)) > _DEEPEST


_CURVES = {8: "CircularString", 9: "CompoundCurve", 10: "CurvePolygon", 11: "MultiCurve", 12: "MultiSurface"}
_SURFACES_IN_SPACE = {15: "PolyhedralSurface", 16: "TIN", 17: "Triangle"}
_KINDS = _CURVES | _SURFACES_IN_SPACE


def _why_not(cell: bytes | str) -> str:
    kind = None
    if isinstance(cell, bytes) or re.fullmatch(r"[0-9A-Fa-f]{18,}", cell):
        kind = _KINDS.get(kind_of(_as_bytes(cell[:10])))
        if kind in _CURVES.values():
            return f"a {kind} that is damaged"
    else:
        kind = next((name for name in _KINDS.values() if cell.upper().lstrip().startswith(name.upper())), None)
    return f"a {kind}, a kind of geometry that is not read; make it straight lines" if kind else "not a geometry"


def nowhere(shapes: np.ndarray) -> np.ndarray:
    """Which shapes have a coordinate that is not a number, or so large that it is Esri's mark for "no value"."""
    points, places = shapely.get_coordinates(shapes, return_index=True)
    with np.errstate(invalid="ignore"):
        bad = (~(np.abs(points) < _LARGEST)).any(axis=1)
    result = np.zeros(len(shapes), dtype=bool)
    result[places[bad]] = True
    return result


def _inside_world(shapes: np.ndarray) -> np.ndarray:
    bounds = shapely.bounds(shapes)
    with np.errstate(invalid="ignore"):
        good = (bounds[:, :2] >= _WORLD[:2]).all(axis=1) & (bounds[:, 2:] <= _WORLD[2:]).all(axis=1)
    return good | np.isnan(bounds).any(axis=1)


def _repair(shapes: np.ndarray, lines: pl.Series, shown_as: str) -> list[Finding]:
    """Repairs invalid shapes in place, because they would make areas and overlays wrong. A finding for each."""
    invalid = np.flatnonzero(~shapely.is_missing(shapes) & ~shapely.is_valid(shapes))
    before = shapes[invalid]
    shapes[invalid] = repaired(before)
    return [
        Finding(
            lines[int(place)],
            shown_as,
            "",
            f"invalid shape, repaired: {shapely.is_valid_reason(old)}; {_change(old, shapes[place])}",
            "V-GEOMETRY-INVALID",
            Level.WARN,
        )
        for place, old in zip(invalid, before, strict=True)
    ]


def _change(old: Any, new: Any) -> str:
    """By how much a repair has changed the area of a shape."""
    before, after = (square_kilometres(shape) * SQFT_IN_SQUARE_KILOMETRE for shape in (old, new))
    if abs(after - before) < 0.5:
        return f"area as before, {after:,.0f} square feet"
    share = f" ({100 * (after - before) / before:+.1f} %)" if before else ""
    return f"area {before:,.0f} square feet before, {after:,.0f} after{share}"


def box_columns(wkb: pl.Series, prefix: str) -> list[pl.Series]:
    """The edges of each geometry's bounding box in degrees; null where there is no geometry."""
    bounds = shapely.bounds(shapely.from_wkb(np.array(wkb.to_list(), dtype=object)))
    return [pl.Series(f"{prefix}{edge}", bounds[:, number]).fill_nan(None) for number, edge in enumerate(EDGES)]
