"""What every analysis takes and returns: a question, and an answer of numbers, a sentence and charts. No Django."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from terrafusion.charts.chart import Chart

from .areas.polygons import PolygonsOf

if TYPE_CHECKING:
    from terrafusion.analytics.engine import Market

    from .selection import Selection

Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Question:
    """An analysis to make: the market that holds the sales, the selection of them, and the validated parameters.

    The functions give what only the roll knows. report: takes the progress. polygons: gives the shapes of areas.
    related: gives how seller and buyer are related by name, by the key of the sale.
    """

    market: Market
    selection: Selection
    parameters: Mapping[str, Any]
    report: Report = lambda done, total, message: None
    polygons: PolygonsOf = lambda column, layer: ({}, "")
    related: Callable[[Selection], Mapping[int, str]] = lambda selection: {}


@dataclass(frozen=True)
class Answer:
    """What an analysis found.

    key_finding: one true sentence. data_points: the number of sales. numbers: the figures behind the sentence. trends:
    the figures of each period, in the form of the API. table: all figures, for the Parquet file. for_roll: the data
    that the `keep` function of the analysis writes to the roll.
    """

    key_finding: str
    data_points: int
    numbers: Mapping[str, Any]
    table: pa.Table
    trends: Sequence[Mapping[str, Any]] = ()
    charts: Iterable[Chart] = ()
    for_roll: Any = None


def trend_table(starts: Iterable[date], trends: Iterable[Mapping[str, Any]]) -> pa.Table:
    """The trends with the first day of each period."""
    return pa.Table.from_pylist([{"period_start": start, **trend} for start, trend in zip(starts, trends, strict=True)])
