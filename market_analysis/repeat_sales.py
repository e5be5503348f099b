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
from .log_index import LogIndex, huber_weights

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
    """Every sale with the one before it of the same property, when they lie at least `shortest_days` apart."""
    known = np.flatnonzero(~np.isnan(sales.property_key))
    order = known[np.lexsort([sales.day[known], sales.property_key[known]])]
    first, second = order[:-1], order[1:]
    same = sales.property_key[first] == sales.property_key[second]
    first, second = first[same], second[same]
    days = sales.day[second] - sales.day[first]
    # Two sales within one period say nothing about the market between periods.
    useful = (days >= shortest_days) & (sales.period[second] > sales.period[first])
    first, second = first[useful], second[useful]
    ratio = np.log(sales.sale_price[second] / sales.sale_price[first])
    return Pairs(sales.period[first], sales.period[second], days[useful], ratio)


def repeat_sales_index(pairs: Pairs, periods: int) -> LogIndex:
    """Log level of each period the pairs connect; the others are NaN.

    A pair spans noise that grows with the holding time: the second stage regresses the squared residual on it, the
    third weighs by its inverse. Huber weights of the standardised residual come on top, to convergence.
    """
    weights = np.ones(len(pairs))
    index = _solve(pairs, weights, periods)
    for _ in range(ROUNDS):
        residual = _residuals(index.levels, pairs)
        variance = _holding_variance(residual, pairs.holding_days)
        before = weights
        weights = huber_weights(residual / np.sqrt(variance)) / variance
        index = _solve(pairs, weights, periods)
        if np.allclose(weights, before, rtol=1e-6):
            break
    return index


def _solve(pairs: Pairs, weights: Floats, periods: int) -> LogIndex:
    """Weighted least squares on the graph of periods; the covariance holds whatever the variances are (sandwich)."""
    first, second = pairs.first_period, pairs.second_period
    bread = _laplacian(first, second, weights, periods)
    pulled = weights * pairs.log_ratio
    right = np.bincount(second, pulled, periods) - np.bincount(first, pulled, periods)
    connected = _largest_connected(bread)
    free = connected.copy()
    free[np.flatnonzero(connected)[:1]] = False
    levels = np.where(connected, 0.0, np.nan)
    covariance = np.where(connected[:, None] & connected, 0.0, np.nan)
    if free.any():
        inside = np.ix_(free, free)
        inverse = np.linalg.inv(bread[inside])
        levels[free] = inverse @ right[free]
        residual = _residuals(levels, pairs)
        meat = _laplacian(first, second, (weights * residual) ** 2, periods)[inside]
        covariance[inside] = inverse @ meat @ inverse
    return LogIndex(levels, covariance, len(pairs))


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
    floor = 0.25 * squared.mean()
    return np.maximum(squared.mean() + slope * centered, floor) if floor > 0 else np.ones(len(residual))
