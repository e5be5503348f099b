"""Which function answers which analysis type, and what it leaves on the roll."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..answer import Answer, Question
from ..models import AnalysisType, MarketAnalysisJob
from .trend import price_trend_by_area, trend_analysis


@dataclass(frozen=True)
class Made:
    """An answer, and what the runner shall store on the roll with it."""

    answer: Answer
    rows: Iterable[Any] = ()
    store: Callable[[], None] | None = None


Analysis = Callable[[MarketAnalysisJob, Question], Made]


def _only(answer: Callable[[Question], Answer]) -> Analysis:
    """An analysis that leaves nothing on the roll."""
    return lambda job, question: Made(answer(question))


ANALYSES: dict[str, Analysis] = {
    AnalysisType.PRICE_TREND_BY_ZIP: _only(price_trend_by_area),
    AnalysisType.TREND_ANALYSIS: _only(trend_analysis),
}
