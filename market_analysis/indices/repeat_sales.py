"""The repeat-sales index: what the same property brought twice. No Django.

Three-stage weighted regression of the log price ratio on the two periods, with Huber weights against the pairs in
which the property changed. Sources: Bailey, Muth and Nourse (1963), J. Am. Stat. Assoc. 58; Case and Shiller (1987),
New England Economic Review.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from .index_sales import Bools, Floats, IndexSales, Ints
from .log_index import FEWEST_A_PERIOD, LogIndex, huber_correction, huber_weights

SHORTEST_HOLDING_DAYS = 183  # sooner is a flip: the price holds the renovation, not the market
ROUNDS = 12


@dataclass(frozen=True)
class Pairs:
    """Consecutive sales of one property. One entry per pair, shape (n,)."""

    first_period: Ints
    second_period: Ints
    holding_days: Ints
    log_ratio: Floats  # second price over first

    def __len__(self) -> int:
        return len(self.log_ratio)


def sale_pairs(sales: IndexSales, shortest_days: int = SHORTEST_HOLDING_DAYS) -> Pairs:
    """Every sale with the one before it of the same property, when they lie at least `shortest_days` apart.

    Not where the roll says that the house was renewed in between: it is no longer the same house.
    """
    known = np.flatnonzero(~np.isnan(sales.property_key))
    order = known[np.lexsort([sales.day[known], sales.property_key[known]])]
    first, second = order[:-1], order[1:]
    same = sales.property_key[first] == sales.property_key[second]
    first, second = first[same], second[same]
    kept = ~_renewed(sales, first, second)
    first, second = first[kept], second[kept]
    days = sales.day[second] - sales.day[first]
    # Two sales within one period say nothing about the market between periods.
    useful = (days >= shortest_days) & (sales.period[second] > sales.period[first])
    first, second = first[useful], second[useful]
    ratio = np.log(sales.sale_price[second] / sales.sale_price[first])
    return Pairs(sales.period[first], sales.period[second], days[useful], ratio)


def _renewed(sales: IndexSales, first: Ints, second: Ints) -> Bools:
    """The effective year lies after the year of the first sale and not after that of the second."""
    if "effective_year" not in sales.characteristics:
        return np.zeros(len(first), dtype=bool)
    year = sales.day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    renewed = sales.characteristics["effective_year"].astype(np.float64)[second]
    return np.asarray((year[first] < renewed) & (renewed <= year[second]))


def repeat_sales_index(pairs: Pairs, periods: int) -> LogIndex:
    """Log level of each period the pairs connect; the others are NaN.

    A pair spans noise that grows with the holding time: the second stage regresses the squared residual on it, the
    third weighs by its inverse. Huber weights of the standardised residual come on top, to convergence.
    """
    weights = np.ones(len(pairs))
    levels = _levels(pairs, weights, periods)
    for _ in range(ROUNDS):
        residual = _residuals(levels, pairs)
        variance = _holding_variance(residual, pairs.holding_days)
        before = weights
        weights = huber_weights(residual / np.sqrt(variance)) / variance
        levels = _levels(pairs, weights, periods)
        if np.allclose(weights, before, rtol=1e-6):
            break
    return _index(pairs, weights, levels)


def _levels(pairs: Pairs, weights: Floats, periods: int) -> Floats:
    """Weighted least squares on the graph of periods; the first of those that pairs connect is 0."""
    first, second = pairs.first_period, pairs.second_period
    bread = _laplacian(first, second, weights, periods)
    pulled = weights * pairs.log_ratio
    right = np.bincount(second, pulled, periods) - np.bincount(first, pulled, periods)
    connected = _largest_connected(bread)
    free = _free(connected)
    levels = np.where(connected, 0.0, np.nan)
    if free.any():
        levels[free] = np.linalg.solve(bread[np.ix_(free, free)], right[free])
    return levels


def _index(pairs: Pairs, weights: Floats, levels: Floats) -> LogIndex:
    """With the covariance, which holds whatever the variances of single pairs are (sandwich).

    A pair alone in its period has residual 0, as if its prices were free of noise: where a period is thin, a pair
    counts with no less than the variance its holding time says.
    """
    first, second, periods = pairs.first_period, pairs.second_period, len(levels)
    residual = _residuals(levels, pairs)
    variance = _holding_variance(residual, pairs.holding_days)
    thin = np.bincount(first, minlength=periods) + np.bincount(second, minlength=periods) < FEWEST_A_PERIOD
    squared = np.maximum(residual**2, np.where(thin[first] | thin[second], variance, 0.0))
    connected = ~np.isnan(levels)
    free = _free(connected)
    covariance = np.where(connected[:, None] & connected, 0.0, np.nan)
    if free.any():
        inside = np.ix_(free, free)
        inverse = np.linalg.inv(_laplacian(first, second, weights, periods)[inside])
        meat = _laplacian(first, second, weights**2 * squared, periods)[inside]
        covariance[inside] = huber_correction(residual / np.sqrt(variance)) * inverse @ meat @ inverse
    return LogIndex(levels, covariance, len(pairs), thin)


def _free(connected: Bools) -> Bools:
    """All but the first connected period, from which the others are measured."""
    free = connected.copy()
    free[np.flatnonzero(connected)[:1]] = False
    return free


def _laplacian(first: Ints, second: Ints, weights: Floats, periods: int) -> Floats:
    """X'WX for rows with -1 at the first and +1 at the second period."""
    between = np.bincount(first * periods + second, weights, periods * periods).reshape(periods, periods)
    between = between + between.T
    return np.diag(between.sum(axis=1)) - between


def _largest_connected(bread: Floats) -> Bools:
    """Periods that pairs tie to each other; between others nothing can be said."""
    _, label = connected_components(bread != 0, directed=False)
    return np.asarray(label == np.bincount(label).argmax())


def _residuals(levels: Floats, pairs: Pairs) -> Floats:
    """0 for a pair outside the connected periods."""
    return np.nan_to_num(pairs.log_ratio - (levels[pairs.second_period] - levels[pairs.first_period]))


def _holding_variance(residual: Floats, holding_days: Ints) -> Floats:
    """Variance of each pair: a + b x holding time, fitted to squared residuals cut at three robust deviations."""
    scale = 1.4826 * np.median(np.abs(residual)) or 1e-6
    squared = np.minimum(np.abs(residual), 3 * scale) ** 2
    years = holding_days / 365.25
    centered = years - years.mean()
    spread = float(centered @ centered)
    slope = max(0.0, float(centered @ squared) / spread) if spread > 0 else 0.0
    floor = max(0.25 * float(squared.mean()), 1e-12)
    return np.maximum(squared.mean() + slope * centered, floor)
