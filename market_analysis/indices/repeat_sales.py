"""The repeat-sales index, made from the prices of properties that sold twice. No Django.

It is a three-stage weighted regression of the log price ratio on the two periods. Huber weights limit the influence of
pairs in which the property itself changed. Sources: Bailey, Muth and Nourse (1963), J. Am. Stat. Assoc. 58; Case and
Shiller (1987), New England Economic Review.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from .index_sales import Bools, Floats, IndexSales, Ints
from .log_index import FEWEST_A_PERIOD, LogIndex, huber_correction, huber_weights

# The price of an earlier resale shows the renovation of the house and not the market.
SHORTEST_HOLDING_DAYS = 183
ROUNDS = 12


@dataclass(frozen=True)
class Pairs:
    """Pairs of consecutive sales of one property. Arrays of shape (n,). log_ratio: of the second price to the first."""

    first_period: Ints
    second_period: Ints
    holding_days: Ints
    log_ratio: Floats

    def __len__(self) -> int:
        return len(self.log_ratio)


def sale_pairs(sales: IndexSales, shortest_days: int = SHORTEST_HOLDING_DAYS) -> Pairs:
    """Every sale with the sale of the same property before it, when they lie at least `shortest_days` apart.

    A pair does not count where the roll says that the house was renewed in between: it is no longer the same house.
    """
    known = np.flatnonzero(~np.isnan(sales.property_key))
    order = known[np.lexsort([sales.day[known], sales.property_key[known]])]
    first, second = order[:-1], order[1:]
    same = sales.property_key[first] == sales.property_key[second]
    first, second = first[same], second[same]
    unchanged = ~_renewed(sales, first, second)
    first, second = first[unchanged], second[unchanged]
    days = sales.day[second] - sales.day[first]
    # Two sales within one period say nothing about the market between periods.
    useful = (days >= shortest_days) & (sales.period[second] > sales.period[first])
    first, second = first[useful], second[useful]
    ratio = np.log(sales.sale_price[second] / sales.sale_price[first])
    return Pairs(sales.period[first], sales.period[second], days[useful], ratio)


def _renewed(sales: IndexSales, first: Ints, second: Ints) -> Bools:
    """Whether the effective year lies after the year of the first sale and not after that of the second. Shape (n,)."""
    if "effective_year" not in sales.characteristics:
        return np.zeros(len(first), dtype=bool)
    year = sales.day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    renewed = sales.characteristics["effective_year"].astype(np.float64)[second]
    return np.asarray((year[first] < renewed) & (renewed <= year[second]))


def repeat_sales_index(pairs: Pairs, periods: int) -> LogIndex:
    """The index of the periods that the pairs connect; the levels of other periods are NaN.

    The noise of a pair grows with its holding time. The second stage regresses the squared residual on the holding
    time, and the third weighs each pair by the inverse of that variance. Huber weights of the standardised residual
    multiply it, and the stages are repeated until the weights converge.
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
    """Levels by weighted least squares. The first of the connected periods has level 0."""
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
    """The index with its covariance, by a sandwich estimate that holds whatever the variances of single pairs are.

    The residual of a pair alone in its period is 0, as if its prices had no noise. In a thin period the squared
    residual of a pair is therefore at least the variance that its holding time implies.
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
    """All connected periods but the first, from which the others are measured."""
    free = connected.copy()
    free[np.flatnonzero(connected)[:1]] = False
    return free


def _laplacian(first: Ints, second: Ints, weights: Floats, periods: int) -> Floats:
    """X'WX, where each row of X has -1 at the first and +1 at the second period of a pair."""
    between = np.bincount(first * periods + second, weights, periods * periods).reshape(periods, periods)
    between = between + between.T
    return np.diag(between.sum(axis=1)) - between


def _largest_connected(bread: Floats) -> Bools:
    """The largest set of periods that pairs connect with each other. Other periods cannot be compared with them."""
    _, label = connected_components(bread != 0, directed=False)
    return np.asarray(label == np.bincount(label).argmax())


def _residuals(levels: Floats, pairs: Pairs) -> Floats:
    """The residual of each pair; 0 for a pair outside the connected periods."""
    return np.nan_to_num(pairs.log_ratio - (levels[pairs.second_period] - levels[pairs.first_period]))


def _holding_variance(residual: Floats, holding_days: Ints) -> Floats:
    """Variance of each pair: a + b x holding time, fitted to squared residuals of at most three robust deviations."""
    scale = 1.4826 * np.median(np.abs(residual)) or 1e-6
    squared = np.minimum(np.abs(residual), 3 * scale) ** 2
    years = holding_days / 365.25
    centered = years - years.mean()
    spread = float(centered @ centered)
    slope = max(0.0, float(centered @ squared) / spread) if spread > 0 else 0.0
    floor = max(0.25 * float(squared.mean()), 1e-12)
    return np.maximum(squared.mean() + slope * centered, floor)
