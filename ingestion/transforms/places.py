"""Places that cannot be in this county are dropped, because they would distort the county's extent.

Records without a known place often carry a false one: 0, 0, or the corner of a projection. In others longitude and
latitude are swapped.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from ingestion.connectors.source import LINE

from .mapper import Dataset
from .roll_fields import TARGETS
from .validators import Finding, Level

FEWEST = 3  # places; among fewer it is impossible to say which is the odd one
REACH_DEGREES = 3.0  # from the middle of the places; about 330 km to the north and south
SPREADS = 20  # the reach in median distances from the middle, where that is more: a file may cover a whole state
EDGES = ("west", "south", "east", "north")
_POINT = ("properties.longitude", "properties.latitude")


def usual_places(
    values: pl.DataFrame, dataset: Dataset, boundary: tuple[float, float, float, float] | None
) -> list[float] | None:
    """West, south, east and north of the box outside which a place is false. None while there are too few places.

    The box is the county's boundary, extended by its own width and height on each side. If no boundary is loaded, or
    most of the places lie elsewhere, the box lies around the middle of the places.
    """
    boxes = [_box(values, kind) for kind in _located(values, dataset)]
    places = pl.concat(boxes).drop_nulls() if boxes else pl.DataFrame()
    if places.height < FEWEST:
        return None
    if boundary is not None:
        west, south, east, north = boundary
        wide, high = max(east - west, 0.25), max(north - south, 0.25)
        around = [west - wide, south - high, east + wide, north + high]
        if 2 * places.filter(~_is_far(around)).height >= places.height:
            return around
    x, y = (places["west"] + places["east"]) / 2, (places["south"] + places["north"]) / 2
    spans = []
    for middle in (x, y):
        centre = float(middle.median())  # type: ignore[arg-type]
        reach = max(REACH_DEGREES, SPREADS * float((middle - centre).abs().median()))  # type: ignore[arg-type]
        spans.append((centre - reach, centre + reach))
    return [spans[0][0], spans[1][0], spans[0][1], spans[1][1]]


def without_far_places(
    values: pl.DataFrame, dataset: Dataset, usual: list[float]
) -> tuple[pl.DataFrame, list[Finding]]:
    """The values without the places outside the usual box, and a finding for each place that was dropped."""
    findings: list[Finding] = []
    for kind in _located(values, dataset):
        far = _box(values, kind).select(_is_far(usual).fill_null(False)).to_series()
        if not far.any():
            continue
        names = list(kind) if kind == _POINT else [f"{kind[0]}.geometry", *(f"{kind[0]}.{edge}" for edge in EDGES)]
        target, field = names[0].split(".", 1)
        column = dataset.targets()[target][field].shown_as or field
        shown = _box(values, kind).with_columns(values[LINE]).filter(far)
        for west, south, line in shown.select("west", "south", LINE).iter_rows():
            reason = "lies far outside the county"
            where = f"{west:.5f}, {south:.5f}"
            findings.append(Finding(line, column, where, reason, "V-FAR", Level.WARN, dropped=True))
        values = values.with_columns(pl.when(~far).then(pl.col(name)).alias(name) for name in names)
    return values, findings


def _located(values: pl.DataFrame, dataset: Dataset) -> list[Any]:
    """What gives a place: a target's geometry, as a tuple of the target's name, or the two columns of a point."""
    kinds: list[Any] = [
        (target,) for target, fields in dataset.targets().items() if "geometry" in fields and TARGETS[target].is_located
    ]
    return [*kinds, _POINT] if set(_POINT) <= set(values.columns) else kinds


def _box(values: pl.DataFrame, kind: Any) -> pl.DataFrame:
    names = _POINT * 2 if kind == _POINT else [f"{kind[0]}.{edge}" for edge in EDGES]
    columns = [values[name].cast(pl.Float64).alias(edge) for name, edge in zip(names, EDGES, strict=True)]
    if kind == _POINT:
        known = columns[0].is_not_null() & columns[1].is_not_null()
        columns = [pl.select(pl.when(known).then(column)).to_series().alias(column.name) for column in columns]
    return pl.DataFrame(columns)


def _is_far(usual: list[float]) -> pl.Expr:
    west, south, east, north = usual
    return (pl.col("west") < west) | (pl.col("south") < south) | (pl.col("east") > east) | (pl.col("north") > north)
