"""The hedonic index: what time itself did to prices, other things equal. No Django.

Log price on time dummies, characteristics as broken lines, a cubic surface over the map, and one effect for each
neighborhood, by Tukey's bisquare. The year built stands for itself, not the age at the sale: the index then says what
the same house brings at another date, which is what a time adjustment needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from .index_sales import Floats, IndexSales, Ints
from .log_index import FEWEST_A_PERIOD, LogIndex, tukey_correction, tukey_weights

ROUNDS = 10
KNOTS = (1 / 3, 2 / 3)  # quantiles where a broken line may turn
ACRE = 43_560
BROKEN = ("living_area_sqft", "lot_sqft", "effective_year")
STRAIGHT = ("basement_sqft", "garage_sqft", "quality", "condition", "baths", "stories", "view", "waterfront")


@dataclass(frozen=True)
class HedonicIndex:
    index: LogIndex
    residual_spread: float  # robust standard deviation of a log price around the model
    weights: Floats  # of each sale, shape (n,)


def has_dwelling(sales: IndexSales) -> np.ndarray:
    """The model needs a living area."""
    return sales.characteristics["living_area_sqft"].astype(np.float64) > 0


def hedonic_index(sales: IndexSales, weights: Floats | None = None) -> HedonicIndex:
    """sales: all with a living area. weights: from an earlier fit, then used as they are.

    With them the older sales keep the weight that the newer ones had a say in; they move little, and a refit costs as
    much as the index itself.
    """
    model = _Model.of(sales)
    if weights is not None:
        solution = model.solve(weights)
        return HedonicIndex(model.index(solution, weights), solution.spread, weights)
    weights = np.ones(len(sales))
    solution = model.solve(weights)
    for _ in range(ROUNDS):
        before, weights = weights, tukey_weights(solution.residual / solution.spread)
        solution = model.solve(weights)
        if np.abs(weights - before).max() < 1e-4:
            break
    return HedonicIndex(model.index(solution, weights), solution.spread, weights)


@dataclass(frozen=True)
class _Solution:
    coefficients: Floats
    residual: Floats
    spread: float
    inverse: Floats  # of the normal equations left when the neighborhoods are eliminated


@dataclass(frozen=True)
class _Sums:
    """Weighted cross products. near: neighborhoods, whose own block is diagonal."""

    own: Floats
    near: Floats
    diagonal: Floats


@dataclass(frozen=True)
class _Model:
    """Columns: characteristics, then every period with a sale but the first. Neighborhoods are eliminated."""

    log_price: Floats
    described: Floats
    time: sparse.csr_matrix
    place: sparse.csr_matrix
    period: Ints  # of each sale
    seen: Ints  # periods with a sale
    periods: int

    @classmethod
    def of(cls, sales: IndexSales) -> _Model:
        seen = np.flatnonzero(sales.volume)
        _, place = np.unique(sales.characteristics["neighborhood"].astype(str), return_inverse=True)
        return cls(
            np.log(sales.sale_price), _describe(sales), _dummies(np.searchsorted(seen, sales.period))[:, 1:],
            _dummies(place), sales.period, seen, sales.periods,
        )  # fmt: skip

    def solve(self, weights: Floats) -> _Solution:
        sums = self._sums(weights)
        scaled = sums.near / np.maximum(sums.diagonal, 1e-12)
        left = sums.own - scaled @ sums.near.T
        left += np.diag(1e-9 * np.maximum(np.diag(sums.own), 1.0))  # a column that says nothing gets 0
        by_column = self._times(weights * self.log_price)
        by_place = self.place.T @ (weights * self.log_price)
        inverse = np.asarray(np.linalg.inv(left), dtype=np.float64)
        coefficients = inverse @ (by_column - scaled @ by_place)
        effects = (by_place - sums.near.T @ coefficients) / np.maximum(sums.diagonal, 1e-12)
        split = self.described.shape[1]
        fitted = self.described @ coefficients[:split] + self.time @ coefficients[split:] + self.place @ effects
        residual = self.log_price - fitted
        spread = max(float(1.4826 * np.median(np.abs(residual))), 1e-9)
        return _Solution(coefficients, residual, spread, inverse)

    def index(self, solution: _Solution, weights: Floats) -> LogIndex:
        """Levels and their covariance, which holds whatever the variance of single prices (sandwich).

        A sale alone in its period has residual 0, as if its price were free of noise: in a thin period a residual
        counts as no less than the spread of all.
        """
        thin = np.bincount(self.period, minlength=self.periods) < FEWEST_A_PERIOD
        least = np.where(thin[self.period], solution.spread, 0.0)
        bread = self._sums(weights)
        meat = self._sums((weights * np.maximum(np.abs(solution.residual), least)) ** 2)
        scaled = bread.near / np.maximum(bread.diagonal, 1e-12)
        crossed = scaled @ meat.near.T
        middle = meat.own - crossed - crossed.T + (scaled * meat.diagonal) @ scaled.T
        covariance = solution.inverse @ middle @ solution.inverse
        covariance *= tukey_correction(solution.residual / solution.spread)
        split = self.described.shape[1]
        levels = np.full(self.periods, np.nan)
        spread = np.full((self.periods, self.periods), np.nan)
        levels[self.seen] = np.concatenate([[0.0], solution.coefficients[split:]])
        known = np.zeros((len(self.seen), len(self.seen)))
        known[1:, 1:] = covariance[split:, split:]
        spread[np.ix_(self.seen, self.seen)] = known
        return LogIndex(levels, spread, len(self.log_price), thin)

    def _sums(self, weights: Floats) -> _Sums:
        weighted = self.described * weights[:, None]
        weighted_time = sparse.diags(weights) @ self.time
        with_time = self.time.T @ weighted
        own = np.block(
            [
                [self.described.T @ weighted, with_time.T],
                [with_time, (self.time.T @ weighted_time).toarray()],
            ]
        )
        near = np.vstack([(self.place.T @ weighted).T, (weighted_time.T @ self.place).toarray()])
        return _Sums(own, near, self.place.T @ weights)

    def _times(self, column: Floats) -> Floats:
        return np.concatenate([self.described.T @ column, self.time.T @ column])


def _dummies(group: Ints) -> sparse.csr_matrix:
    rows = np.arange(len(group))
    return sparse.csr_matrix((np.ones(len(group)), (rows, group)), shape=(len(group), int(group.max()) + 1))


def _describe(sales: IndexSales) -> Floats:
    """The characteristics as columns of mean 0 and spread 1, shape (n, k). What is missing counts as the mean."""
    given = sales.characteristics
    columns: list[Floats] = []
    for name in BROKEN:
        value, missing = _filled(_scaled(name, given))
        columns.append(value)
        columns += [np.maximum(value - knot, 0) for knot in np.quantile(value, KNOTS)]
        columns.append(missing)
    for name in STRAIGHT:
        columns += list(_filled(given[name].astype(np.float64)))
    columns += _surface(given["longitude"].astype(np.float64), given["latitude"].astype(np.float64))
    kinds = given["property_type"].astype(str)
    columns += [(kinds == kind).astype(np.float64) for kind in np.unique(kinds)[1:]]
    table = np.column_stack(columns)
    table -= table.mean(axis=0)
    spread = table.std(axis=0)
    return table[:, spread > 1e-9] / spread[spread > 1e-9]


def _scaled(name: str, given: dict[str, np.ndarray]) -> Floats:
    """Areas in logarithms, a lot above ten acres as ten; the year of the last renovation, or the year built."""
    value = given[name].astype(np.float64)
    if name == "effective_year":
        return np.where(np.isnan(value), given["year_built"].astype(np.float64), value)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(np.where(value > 0, np.minimum(value, 10 * ACRE), np.nan))


def _filled(value: Floats) -> tuple[Floats, Floats]:
    """The column with its mean where it is missing, and a column that says where."""
    missing = np.isnan(value)
    mean = value[~missing].mean() if not missing.all() else 0.0
    return np.where(missing, mean, value), missing.astype(np.float64)


def _surface(longitude: Floats, latitude: Floats) -> list[Floats]:
    """Every product of longitude and latitude up to the third degree."""
    x, y = (_standard(_filled(each)[0]) for each in (longitude, latitude))
    return [x**i * y**j for i in range(4) for j in range(4 - i) if i + j]


def _standard(value: Floats) -> Floats:
    return (value - value.mean()) / (value.std() or 1.0)
