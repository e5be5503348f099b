"""The function that answers each type of analysis, and the function that writes its answer to the roll."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..answer import Answer, Question
from ..keeping import RollChanges, keep_layer, keep_nothing, keep_suggestions, keep_time_index
from ..models import AnalysisType, MarketAnalysisJob
from .activity import market_activity
from .appreciation import appreciation_surface
from .comparable import comparable_market_area
from .index import price_index
from .screening import sales_screening
from .trend import price_trend_by_area, trend_analysis


@dataclass(frozen=True)
class Analysis:
    """answer: reads the snapshot only. keep: writes what other plugins need of the answer to the roll."""

    answer: Callable[[Question], Answer]
    keep: Callable[[MarketAnalysisJob, Answer], RollChanges] = keep_nothing


ANALYSES: dict[str, Analysis] = {
    AnalysisType.PRICE_TREND_BY_ZIP: Analysis(price_trend_by_area),
    AnalysisType.TREND_ANALYSIS: Analysis(trend_analysis),
    AnalysisType.PRICE_INDEX: Analysis(price_index, keep_time_index),
    AnalysisType.COMPARABLE_MARKET_AREA: Analysis(comparable_market_area),
    AnalysisType.MARKET_ACTIVITY: Analysis(market_activity),
    AnalysisType.APPRECIATION_SURFACE: Analysis(appreciation_surface, keep_layer),
    AnalysisType.SALES_SCREENING: Analysis(sales_screening, keep_suggestions),
}
