"""Which function answers which analysis type, and what of the answer is kept on the roll."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..answer import Answer, Question
from ..models import AnalysisType, MarketAnalysisJob
from .trend import price_trend_by_area, trend_analysis


@dataclass(frozen=True)
class Kept:
    """What the runner stores on the roll together with the result."""

    rows: Iterable[Any] = ()
    store: Callable[[], None] | None = None


def _nothing(job: MarketAnalysisJob, answer: Answer) -> Kept:
    return Kept()


@dataclass(frozen=True)
class Analysis:
    """answer: reads the snapshot alone. keep: what of the answer goes onto the roll."""

    answer: Callable[[Question], Answer]
    keep: Callable[[MarketAnalysisJob, Answer], Kept] = _nothing


ANALYSES: dict[str, Analysis] = {
    AnalysisType.PRICE_TREND_BY_ZIP: Analysis(price_trend_by_area),
    AnalysisType.TREND_ANALYSIS: Analysis(trend_analysis),
}
