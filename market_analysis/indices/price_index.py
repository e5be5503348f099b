"""Three price indices of the same sales, each with its precision, volatility and revision. No Django."""

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
FEWEST = {HEDONIC: 100, REPEAT_SALES: 30, MEDIAN: 10}  # sales; pairs of sales for the repeat-sales index
WITHOUT_NEWEST = (1, 2, 4)  # newest periods to leave out, to see how the index is revised


@dataclass(frozen=True)
class MethodIndex:
    """The index of one method. Level 1.0 is the mean of its first year; thin periods do not count in the mean.

    raw: the index as estimated. index: the smoothed index; the median index is not smoothed. volatility: percent, of
    the raw index, so that the methods can be compared. revision: percent, of the smoothed index. All of them are None
    where the index cannot be estimated, and `why_not` says why.
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
    """The indices of all three methods, by method. period: "month", "quarter" or "year"."""
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
    for periods in _shorter(sales):
        past = sales.period < periods
        if past.sum() >= FEWEST[HEDONIC]:
            refit = hedonic_index(sales.where(past, periods), fit.weights[past])
            earlier.append(smoothed(refit.index))
    return _judged(HEDONIC, fit.index, index, base, earlier, fit.residual_spread)


def _repeat_sales(sales: IndexSales, base: int, shortest_days: int) -> MethodIndex:
    pairs = sale_pairs(sales, shortest_days)
    if why := _too_few(REPEAT_SALES, len(pairs), "pairs of sales of the same property", sales):
        return MethodIndex(REPEAT_SALES, why_not=why)
    raw = repeat_sales_index(pairs, sales.periods)
    earlier = []
    for periods in _shorter(sales):
        past = sale_pairs(sales.where(sales.period < periods, periods), shortest_days)
        if len(past) >= FEWEST[REPEAT_SALES]:
            earlier.append(smoothed(repeat_sales_index(past, periods)))
    return _judged(REPEAT_SALES, raw, smoothed(raw), base, earlier)


def _median(sales: IndexSales, base: int) -> MethodIndex:
    """The median price as an index, for comparison: it also moves with the kind of property that happens to be sold."""
    if why := _too_few(MEDIAN, len(sales), "sales", sales):
        return MethodIndex(MEDIAN, why_not=why)
    raw = median_index(sales)
    return _judged(MEDIAN, raw, raw, base, [raw])  # The median of a past period is never revised.


def median_index(sales: IndexSales) -> LogIndex:
    """Log median of each period. Its standard error is the width of the 95 % interval by order statistics / (2 x 1.96).

    The standard error is NaN below six sales, whose whole range does not hold the median with 95 %.
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
    """earlier: the index without its newest periods, once for each number of them. base: the periods of a year."""
    revisions = [revision_percent(index, before) for before in earlier]
    known = [revision for revision in revisions if revision is not None]
    return MethodIndex(
        method=method,
        raw=raw.based_on_first(base),
        index=index.based_on_first(base),
        volatility=volatility_percent(raw),
        revision=float(np.mean(known)) if known else None,
        residual_spread=spread,
    )


def _too_few(method: str, number: int, noun: str, sales: IndexSales) -> str:
    """Why the method cannot estimate an index, or "" when it can."""
    if sales.periods < 2:
        return "An index needs sales in at least two periods."
    return "" if number >= FEWEST[method] else f"{number} {noun}; at least {FEWEST[method]} are needed."


def _shorter(sales: IndexSales) -> list[int]:
    """How many periods are left without the newest ones."""
    return [sales.periods - newest for newest in WITHOUT_NEWEST if sales.periods - newest >= 2]
