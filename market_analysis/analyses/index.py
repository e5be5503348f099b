"""price_index: three price indices of the same sales. The chosen one becomes the county's time adjustment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..answer import Answer, Question, trend_table
from ..charts import index_chart, volume_chart
from ..figures import change_words, rounded
from ..indices.index_sales import IndexSales, index_sales
from ..indices.log_index import LogIndex
from ..indices.price_index import METHODS, MethodIndex, price_indices
from ..selection import NoSales, Selection, period_label, period_start, require_sales


def price_index(question: Question) -> Answer:
    """Raises NoSales when the chosen method cannot be estimated from the selected sales."""
    selection, parameters = question.selection, question.parameters
    require_sales(question.market, selection)
    question.report(10, 100, "Reading the sales.")
    sales = index_sales(question.market, selection)
    question.report(30, 100, "Estimating the indices.")
    indices = price_indices(sales, selection.period, parameters["shortest_holding_days"])
    chosen = indices[parameters["method"]]
    if chosen.index is None:
        raise NoSales(f"The {chosen.method.replace('_', '-')} index cannot be estimated: {chosen.why_not}")
    trends = [_point(sales, period, indices, chosen, selection) for period in range(sales.periods)]
    starts = [period_start(sales.first_period + period, selection.period) for period in range(sales.periods)]
    numbers = {
        "method": chosen.method,
        "base": "1.0 is the mean of the first year, periods with too few sales aside",
        "minimum_sales": selection.minimum_sales,
        "points_with_too_few_sales": sum(trend["too_few_sales"] for trend in trends),
        "methods": {name: _quality(index) for name, index in indices.items()},
    }
    levels = [
        (start, trend["index"], trend["standard_error"], trend["sales_volume"])
        for start, trend in zip(starts, trends, strict=True)
        if trend["index"] is not None
    ]
    charts = [index_chart(trends, starts, chosen.method), volume_chart(trends, starts)]
    return Answer(
        key_finding=_finding(chosen, sales, selection.period),
        data_points=len(sales),
        numbers=numbers,
        table=trend_table(starts, trends),
        trends=trends,
        charts=charts,
        for_roll=levels,
    )


def _point(
    sales: IndexSales, period: int, indices: Mapping[str, MethodIndex], chosen: MethodIndex, selection: Selection
) -> dict[str, Any]:
    """The figures of one period, then the level and standard error of every method.

    too_few_sales: fewer than `minimum_sales` of the request, or fewer than the chosen method needs for a period.
    """
    prices = sales.sale_price[sales.period == period]
    thin = chosen.index is None or chosen.index.is_thin(period)
    point: dict[str, Any] = {
        "period": period_label(sales.first_period + period, selection.period),
        "average_price": round(float(prices.mean())) if len(prices) else None,
        "median_price": round(float(np.median(prices))) if len(prices) else None,
        "sales_volume": len(prices),
        "index": _level(chosen.index, period),
        "standard_error": _error(chosen.index, period),
        "too_few_sales": thin or len(prices) < selection.minimum_sales,
    }
    for name in METHODS:
        point[name] = _level(indices[name].index, period)
        point[f"{name}_standard_error"] = _error(indices[name].index, period)
        point[f"{name}_unsmoothed"] = _level(indices[name].raw, period)
    return point


def _level(index: LogIndex | None, period: int) -> float | None:
    if index is None or np.isnan(index.levels[period]):
        return None
    return round(float(np.exp(index.levels[period])), 5)


def _error(index: LogIndex | None, period: int) -> float | None:
    """The standard error of the level, in the unit of the level. None where the sales are too few for one."""
    level = _level(index, period)
    if index is None or level is None or np.isnan(index.standard_errors[period]):
        return None
    return round(level * float(index.standard_errors[period]), 5)


def _quality(estimate: MethodIndex) -> dict[str, Any]:
    if estimate.index is None:
        return {"not_estimated": estimate.why_not}
    errors = estimate.index.standard_errors
    known = errors[~np.isnan(errors)]
    return {
        "observations": estimate.index.observations,
        "mean_standard_error_percent": rounded(100 * float(known.mean()) if len(known) else None, 3),
        "volatility_percent": rounded(estimate.volatility, 3),
        "revision_percent": rounded(estimate.revision, 3),
        "residual_spread": rounded(estimate.residual_spread, 3),
    }


def _finding(chosen: MethodIndex, sales: IndexSales, length: str) -> str:
    """The change from the first to the last known level, and whether it could be chance."""
    assert chosen.index is not None  # noqa: S101 - the caller has refused the job otherwise
    known = np.flatnonzero(chosen.index.known)
    first, last = int(known[0]), int(known[-1])
    measured = chosen.index.based_on(known[:1])
    change = float(100 * np.expm1(measured.levels[last]))
    error = float(100 * np.exp(measured.levels[last]) * measured.standard_errors[last])
    since, until = (period_label(sales.first_period + period, length) for period in (first, last))
    what = "pairs of sales" if chosen.method == "repeat_sales" else "sales"
    return (
        f"By the {chosen.method.replace('_', '-')} index prices {change_words(change)} from {since} to {until} "
        f"({chosen.index.observations:,} {what}); {_certainty(change, error)}."
    )


def _certainty(change: float, error: float) -> str:
    """change: percent. error: its standard error in percentage points; NaN where the sales are too few for one."""
    if np.isnan(error):
        return "the first or the last period has too few sales for a standard error"
    sentence = f"standard error {error:.1f} points"
    return sentence if abs(change) > 1.96 * error else f"{sentence}, so the change is not significant at 95 %"
