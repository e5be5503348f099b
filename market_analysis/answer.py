"""What every analysis gives back: numbers, a sentence, rows for the Parquet file, charts. No Django."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    """An analysis to make: where the sales are, which of them, and the validated parameters.

    What only the roll knows comes by call: report tells progress, polygons gives the areas' shapes, related how seller
    and buyer are related by name, by the key of the sale.
    """

    market: Market
    selection: Selection
    parameters: Mapping[str, Any]
    report: Report = lambda done, total, message: None
    polygons: PolygonsOf = lambda column, layer: ({}, "")
    related: Callable[[Selection], Mapping[int, str]] = lambda selection: {}


@dataclass(frozen=True)
class Answer:
    """key_finding: one true sentence. numbers: what it rests on. trends: as the contract has them, or empty.

    table: all figures, for the Parquet file. kept: what the analysis's `keep` puts onto the roll.
    """

    key_finding: str
    data_points: int
    numbers: Mapping[str, Any]
    table: pa.Table
    trends: Sequence[Mapping[str, Any]] = ()
    charts: Iterable[Chart] = ()
    kept: Any = None
