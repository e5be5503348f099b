"""The hedonic index: how prices change with time when everything else is equal. No Django.

It is a regression of log price on time dummies, characteristics as broken lines, a cubic surface over the map and one
effect for each neighborhood, with the weights of Tukey's bisquare. It uses the year built and not the age at the sale,
so that the index says what the same house brings at another date, as a time adjustment needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from .index_sales import Floats, IndexSales, Ints
from .log_index import FEWEST_A_PERIOD, LogIndex, tukey_correction, tukey_weights

ROUNDS = 10
KNOTS = (1 / 3, 2 / 3)  # the quantiles at which a broken line may turn
ACRE = 43_560
BROKEN = ("living_area_sqft", "lot_sqft", "effective_year")
STRAIGHT = ("basement_sqft", "garage_sqft", "quality", "condition", "baths", "stories", "view", "waterfront")


@dataclass(frozen=True)
class HedonicIndex:
    """residual_spread: robust standard deviation of a log price around the model. weights: of the sales, shape (n,)."""

    index: LogIndex
    residual_spread: float
    weights: Floats


def has_dwelling(sales: IndexSales) -> np.ndarray:
    """Which sales have the living area that the model needs. Shape (n,)."""
    return sales.characteristics["living_area_sqft"].astype(np.float64) > 0


def hedonic_index(sales: IndexSales, weights: Floats | None = None) -> HedonicIndex:
    """sales: all with a living area. weights: those of an earlier fit, which are then used as they are.

    To see how an index is revised, it is estimated again without its newest sales but with the weights of the first
    fit: these would change little, and to estimate them again costs as much as the index itself.
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
    """inverse: of the normal equations that are left when the neighborhoods are eliminated."""

    coefficients: Floats
    residual: Floats
    spread: float
    inverse: Floats


@dataclass(frozen=True)
class _Sums:
    """Weighted cross products: of the columns, of the columns with the neighborhoods, and of the neighborhoods, whose
    block is diagonal.
    """

    own: Floats
    near: Floats
    diagonal: Floats


@dataclass(frozen=True)
class _Model:
    """The regression. Its columns are the characteristics, then every period with a sale but the first.

    The effects of the neighborhoods are eliminated from its equations. described: the characteristics. time, place:
    dummies of the periods and of the neighborhoods. period: of each sale. seen: the periods with a sale.
    """

    log_price: Floats
    described: Floats
    time: sparse.csr_matrix
    place: sparse.csr_matrix
    period: Ints
    seen: Ints
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
        left += np.diag(1e-9 * np.maximum(np.diag(sums.own), 1.0))  # The coefficient of an empty column becomes 0.
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
        """The levels and their covariance, by a sandwich estimate that holds whatever the variance of single prices.

        The residual of a sale alone in its period is 0, as if its price had no noise. In a thin period a residual is
        therefore at least the spread of all residuals.
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
    """The characteristics as columns of mean 0 and spread 1, shape (n, k). A missing value counts as the mean."""
    characteristics = sales.characteristics
    columns: list[Floats] = []
    for name in BROKEN:
        value, missing = _filled(_scaled(name, characteristics))
        columns.append(value)
        columns += [np.maximum(value - knot, 0) for knot in np.quantile(value, KNOTS)]
        columns.append(missing)
    for name in STRAIGHT:
        columns += list(_filled(characteristics[name].astype(np.float64)))
    columns += _surface(*(characteristics[name].astype(np.float64) for name in ("longitude", "latitude")))
    types = characteristics["property_type"].astype(str)
    columns += [(types == name).astype(np.float64) for name in np.unique(types)[1:]]
    table = np.column_stack(columns)
    table -= table.mean(axis=0)
    spread = table.std(axis=0)
    return table[:, spread > 1e-9] / spread[spread > 1e-9]


def _scaled(name: str, characteristics: dict[str, np.ndarray]) -> Floats:
    """A characteristic on the scale of the model.

    Areas become logarithms, and a lot above ten acres counts as ten. The effective year is that of the last renovation,
    or the year built where there is none.
    """
    value = characteristics[name].astype(np.float64)
    if name == "effective_year":
        return np.where(np.isnan(value), characteristics["year_built"].astype(np.float64), value)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(np.where(value > 0, np.minimum(value, 10 * ACRE), np.nan))


def _filled(value: Floats) -> tuple[Floats, Floats]:
    """The column with its mean in place of missing values, and a column that is 1 where a value is missing."""
    missing = np.isnan(value)
    mean = value[~missing].mean() if not missing.all() else 0.0
    return np.where(missing, mean, value), missing.astype(np.float64)


def _surface(longitude: Floats, latitude: Floats) -> list[Floats]:
    """Every product of longitude and latitude up to the third degree."""
    x, y = (_standard(_filled(degrees)[0]) for degrees in (longitude, latitude))
    return [x**i * y**j for i in range(4) for j in range(4 - i) if i + j]


def _standard(value: Floats) -> Floats:
    return (value - value.mean()) / (value.std() or 1.0)
