"""Three price indices of the same sales, side by side, with how precise, how restless and how final each is.

No Django.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..selection import FEWEST_FOR_INTERVAL, PERIODS_A_YEAR
from .hedonic import has_dwelling, hedonic_index
from .index_sales import IndexSales
from .log_index import LogIndex, revision_percent, smoothed, volatility_percent
from .repeat_sales import SHORTEST_HOLDING_DAYS, repeat_sales_index, sale_pairs

HEDONIC, REPEAT_SALES, MEDIAN = "hedonic", "repeat_sales", "median"
METHODS = (HEDONIC, REPEAT_SALES, MEDIAN)
FEWEST = {HEDONIC: 100, REPEAT_SALES: 30, MEDIAN: 10}  # sales; of repeat sales pairs
WITHOUT_NEWEST = (1, 2, 4)  # periods left out to see how an index is revised


@dataclass(frozen=True)
class MethodIndex:
    """One method's index; level 1.0 is the mean of its first year, thin periods aside.

    raw: as estimated. index: smoothed, except the median. volatility: of raw, so that the methods compare, and
    revision: of index; percent. None where not estimable, and then `why_not` says why.
    """

    method: str
    raw: LogIndex | None = None
    index: LogIndex | None = None
    volatility: float | None = None
    revision: float | None = None
    residual_spread: float | None = None
    why_not: str = ""


def price_indices(
    sales: IndexSales, period: str, shortest_holding_days: int = SHORTEST_HOLDING_DAYS
) -> dict[str, MethodIndex]:
    """All three methods on the same sales."""
    base = PERIODS_A_YEAR[period]
    return {
        HEDONIC: _hedonic(sales.where(has_dwelling(sales)), base),
        REPEAT_SALES: _repeat_sales(sales, base, shortest_holding_days),
        MEDIAN: _median(sales, base),
    }


def _hedonic(sales: IndexSales, base: int) -> MethodIndex:
    if why := _too_few(HEDONIC, len(sales), "sales with a living area", sales):
        return MethodIndex(HEDONIC, why_not=why)
    fit = hedonic_index(sales)
    index = smoothed(fit.index)
    earlier = []
    for fewer in _shorter(sales):
        past = sales.period < fewer
        if past.sum() >= FEWEST[HEDONIC]:
            again = hedonic_index(sales.where(past, fewer), fit.weights[past])
            earlier.append(smoothed(again.index))
    return _judged(HEDONIC, fit.index, index, base, earlier, fit.residual_spread)


def _repeat_sales(sales: IndexSales, base: int, shortest_days: int) -> MethodIndex:
    pairs = sale_pairs(sales, shortest_days)
    if why := _too_few(REPEAT_SALES, len(pairs), "pairs of sales of the same property", sales):
        return MethodIndex(REPEAT_SALES, why_not=why)
    raw = repeat_sales_index(pairs, sales.periods)
    earlier = []
    for fewer in _shorter(sales):
        past = sale_pairs(sales.where(sales.period < fewer, fewer), shortest_days)
        if len(past) >= FEWEST[REPEAT_SALES]:
            earlier.append(smoothed(repeat_sales_index(past, fewer)))
    return _judged(REPEAT_SALES, raw, smoothed(raw), base, earlier)


def _median(sales: IndexSales, base: int) -> MethodIndex:
    """Not held to constant quality: it moves with what happens to be sold, and is shown for comparison."""
    if why := _too_few(MEDIAN, len(sales), "sales", sales):
        return MethodIndex(MEDIAN, why_not=why)
    raw = median_index(sales)
    return _judged(MEDIAN, raw, raw, base, [raw])  # a past median is never revised


def median_index(sales: IndexSales) -> LogIndex:
    """Log median of each period. Its standard error is the 95 % interval by order statistics, over 2 x 1.96.

    NaN below six sales: there even the whole range of prices does not hold the median with 95 %.
    """
    levels = np.full(sales.periods, np.nan)
    variance = np.full(sales.periods, np.nan)
    order = np.lexsort([sales.sale_price, sales.period])
    log_price = np.log(sales.sale_price[order])
    ends = np.cumsum(sales.volume)
    for period, (end, number) in enumerate(zip(ends.tolist(), sales.volume.tolist(), strict=True)):
        if number:
            own = log_price[end - number : end]
            levels[period] = np.median(own)
        if number >= FEWEST_FOR_INTERVAL:
            low = int(np.floor((number + 1) / 2 - 0.98 * np.sqrt(number)))
            variance[period] = ((own[number - low] - own[low - 1]) / (2 * 1.96)) ** 2
    covariance = np.zeros((sales.periods, sales.periods))
    np.fill_diagonal(covariance, variance)
    return LogIndex(levels, covariance, len(sales), np.isnan(variance))


def _judged(
    method: str,
    raw: LogIndex,
    index: LogIndex,
    base: int,
    earlier: list[LogIndex],
    spread: float | None = None,
) -> MethodIndex:
    revisions = [revision_percent(index, each) for each in earlier]
    known = [revision for revision in revisions if revision is not None]
    return MethodIndex(
        method=method,
        raw=raw.based_on_first(base),
        index=index.based_on_first(base),
        volatility=volatility_percent(raw),
        revision=float(np.mean(known)) if known else None,
        residual_spread=spread,
    )


def _too_few(method: str, number: int, what: str, sales: IndexSales) -> str:
    if sales.periods < 2:
        return "An index needs sales in at least two periods."
    return "" if number >= FEWEST[method] else f"{number} {what}; at least {FEWEST[method]} are needed."


def _shorter(sales: IndexSales) -> list[int]:
    return [sales.periods - each for each in WITHOUT_NEWEST if sales.periods - each >= 2]
