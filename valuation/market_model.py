"""The prices the market pays, estimated from the county's own sales. No Django, no clock.

One log-linear ridge regression of price on sale date, characteristics and location gives the time adjustment and the
adjustment rates. Every part is additive in log price, so the lines of a comparable grid made from it add up.
docs/valuation.md has the measured accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy  # loads each part when it is first used: a process that values nothing should not pay for it

from terrafusion.roll.market_levels import MarketLevels, days_since_epoch

from .comparables import CHARACTERISTICS, Floats, Rows, SalesTable, Subject

LOGARITHMIC = frozenset({"living_area_sqft", "lot_sqft"})  # A doubling of these counts the same at any size.
KNOT_DAYS = 61
RIDGE_PENALTY = 3.0
SEED = 20140502  # for the centres of the location surface; another seed changes the values by noise only
OUTLIER_DEVIATIONS = 4.0
Columns = slice


@dataclass(frozen=True)
class Curve:
    """The basis of one characteristic: a line with hinges at the knots. Values are clamped to the range of the data.

    typical: takes the place of an unknown value.
    """

    name: str
    typical: float
    low: float
    high: float
    knots: tuple[float, ...]

    @classmethod
    def through(cls, name: str, values: Floats, hinges: int) -> Curve:
        """The basis for these values. hinges: how many hinges, at quantiles of the values: 0, 1 or 5."""
        known = _scaled(name, values)
        known = known[np.isfinite(known)]
        if not len(known):
            return cls(name, 0.0, 0.0, 0.0, ())
        low, high = np.quantile(known, [0.002, 0.998])
        quantiles = {1: [0.5], 5: [0.1, 0.25, 0.5, 0.75, 0.9]}.get(hinges, [])
        knots = sorted(set(np.quantile(known, quantiles).tolist()) - {float(low), float(high)})
        return cls(name, float(np.median(known)), float(low), float(high), tuple(knots))

    def columns(self, values: Floats) -> Floats:
        """Shape (n, 1 + number of knots)."""
        scaled = _scaled(self.name, values)
        filled = np.clip(np.where(np.isfinite(scaled), scaled, self.typical), self.low, self.high)
        hinges = [np.maximum(filled - knot, 0.0) for knot in self.knots]
        return np.column_stack([filled, *hinges])


@dataclass(frozen=True)
class Place:
    """The basis of location: an effect of each neighborhood, and a smooth surface over the map.

    centres: of the bumps of the surface, metres, shape (k, 2). width: of a bump, metres.
    """

    neighborhoods: tuple[str, ...]
    centres: Floats
    width: float

    @classmethod
    def over(cls, sales: SalesTable, bumps: int, least_sales: int = 5) -> Place:
        """The basis for these sales. least_sales: a neighborhood with fewer has no effect of its own."""
        codes, counts = np.unique(sales.neighborhood.astype(str), return_counts=True)
        neighborhoods = tuple(codes[counts >= least_sales])
        places = np.column_stack([sales.x, sales.y])
        places = places[np.isfinite(places).all(axis=1)]
        bumps = min(bumps, len(np.unique(places, axis=0)) // 4)
        if bumps < 2:
            return cls(neighborhoods, np.empty((0, 2)), 1.0)
        spread = places.std(axis=0).max() or 1.0
        centres, _ = scipy.cluster.vq.kmeans2(places / spread, bumps, iter=10, seed=SEED, minit="++")
        centres = centres * spread
        gaps = np.sort(np.hypot(*(centres[:, None, :] - centres[None, :, :]).transpose(2, 0, 1)), axis=1)
        return cls(neighborhoods, centres.astype(float), 0.9 * float(gaps[:, 1:4].mean()) + 50.0)

    def columns(self, neighborhood: npt.NDArray[np.object_], x: Floats, y: Floats) -> Floats:
        """Shape (n, number of neighborhoods + number of centres)."""
        effects = neighborhood.astype(str)[:, None] == np.array(self.neighborhoods, dtype=str)[None, :]
        positions = np.column_stack([x, y])
        squares = ((positions[:, None, :] - self.centres[None, :, :]) ** 2).sum(axis=2)
        surface = np.nan_to_num(np.exp(-0.5 * squares / self.width**2))  # An unknown place has the county's level.
        return np.hstack([effects.astype(float), surface])


@dataclass(frozen=True)
class Trend:
    """The basis of the sale date: piecewise linear, and flat outside the sales. With a single knot there is no trend.

    knots: days since the epoch, about 61 days apart.
    """

    knots: Floats

    @classmethod
    def over(cls, days: Floats) -> Trend:
        """The basis for sales on these days."""
        first, last = float(days.min()), float(days.max())
        pieces = int(np.clip((last - first) // KNOT_DAYS, 1, max(1, len(days) // 30)))
        return cls(np.linspace(first, last, pieces + 1))

    def columns(self, days: Floats) -> Floats:
        """Shape (m, pieces): the share of each piece that has passed on each day, 0 to 1."""
        lengths = np.maximum(np.diff(self.knots), 1.0)
        return np.clip((days[:, None] - self.knots[None, :-1]) / lengths, 0.0, 1.0)


@dataclass(frozen=True)
class MarketModel:
    """The fitted market of one property type before one date.

    inverse: of the penalised normal matrix, for estimates without some of the sales. design: standardised, shape
    (n, p). used: the sales in the second fit, which has no outliers, shape (n,). residuals: log price less fitted.
    fitted: log price at the date of each sale. levels: the price index that takes the place of the trend.
    """

    trend: Trend
    curves: tuple[Curve, ...]
    place: Place
    coefficients: Floats
    centre: Floats
    scale: Floats
    inverse: Floats
    design: Floats
    used: npt.NDArray[np.bool_]
    residuals: Floats
    fitted: Floats
    sales: SalesTable
    levels: MarketLevels | None

    def log_change(self, since: Floats, until: float, coefficients: Floats | None = None) -> Floats:
        """The change of the market in log price from each day of `since` to `until`. Days count from the epoch."""
        days = np.append(since, until)
        if self.levels is not None:
            level = self.levels.log_at(days)
        else:
            time = self.parts["time"]
            chosen = self.coefficients if coefficients is None else coefficients
            level = self.trend.columns(days) / self.scale[time] @ chosen[time]
        return level[-1] - level[:-1]

    @cached_property
    def parts(self) -> dict[str, Columns]:
        """The columns of the design that belong to each part: time, each characteristic, location and level."""
        widths = [("time", len(self.trend.knots) - 1)]
        widths += [(curve.name, 1 + len(curve.knots)) for curve in self.curves]
        widths.append(("location", len(self.place.neighborhoods) + len(self.place.centres)))
        widths.append(("level", 1))
        ends = np.cumsum([width for _, width in widths])
        return {name: slice(int(end - width), int(end)) for (name, width), end in zip(widths, ends, strict=True)}

    def coefficients_without(self, rows: Rows) -> Floats:
        """The coefficients of the fit without these sales. They are exact although nothing is fitted again."""
        rows = rows[self.used[rows]]
        if not len(rows):
            return self.coefficients
        x = self.design[rows]
        influence = x @ self.inverse
        within = np.eye(len(rows)) - influence @ x.T
        return self.coefficients - influence.T @ np.linalg.solve(within, self.residuals[rows])

    def contributions(self, design: Floats, coefficients: Floats) -> Floats:
        """The log price due to each part, shape (m, number of parts). design: standardised rows, shape (m, p)."""
        return np.column_stack([design[:, columns] @ coefficients[columns] for columns in self.parts.values()])

    def row_of(self, subject: Subject, day: float) -> Floats:
        """The standardised design row of the subject on a day (days since the epoch). Shape (1, p)."""
        unknown = np.nan
        columns = _design(
            self.trend,
            self.curves,
            self.place,
            np.array([day]),
            subject.values()[None, :],
            np.array([subject.neighborhood], dtype=object),
            np.array([unknown if subject.x is None else subject.x]),
            np.array([unknown if subject.y is None else subject.y]),
        )
        return _standardised(columns, self.centre, self.scale)

    @cached_property
    def left_out_residuals(self) -> Floats:
        """The log residual of each sale in the fit without it. Shape (n,)."""
        leverage = np.einsum("ij,jk,ik->i", self.design, self.inverse, self.design, optimize=True)
        return np.where(self.used, self.residuals / np.maximum(1.0 - leverage, 0.05), self.residuals)


def fit_market(sales: SalesTable, levels: MarketLevels | None = None) -> MarketModel:
    """Fits the market of the sales of one property type before the valuation date.

    levels: a price index that brings the prices to one date, instead of the trend of these sales.

    A market of few sales gets fewer hinges and no location surface. A second fit leaves out the sales beyond 4 robust
    standard deviations: they are not at arm's length or not as described, and one of them can bend a curve.
    """
    n = len(sales)
    hinges = 5 if n >= 1000 else 1 if n >= 200 else 0
    bumps = 60 if n >= 2000 else 25 if n >= 500 else 0
    days = days_since_epoch(sales.sale_date)
    trend = Trend.over(days) if levels is None else Trend(days[:1])
    place = Place.over(sales, bumps)
    curves = tuple(
        Curve.through(name, values, hinges)
        for name, values in zip(CHARACTERISTICS, sales.characteristics.T, strict=True)
    )
    raw = _design(trend, curves, place, days, sales.characteristics, sales.neighborhood, sales.x, sales.y)
    centre, scale = raw.mean(axis=0), np.asarray(raw.std(axis=0), dtype=np.float64)
    scale[scale < 1e-9] = 1.0  # A column without variation has no effect at any scale.
    design = _standardised(raw, centre, scale)
    level = np.zeros(n) if levels is None else levels.log_at(days)
    log_price = np.log(sales.sale_price.astype(float)) - level
    penalty = np.full(design.shape[1], RIDGE_PENALTY)
    penalty[: len(trend.knots) - 1] = 0.01  # The trend must hardly be shrunk towards no change,
    penalty[-1] = 1e-6  # and the level must not be shrunk towards zero.
    used = np.ones(n, dtype=bool)
    for fit in ("of all", "without outliers"):
        x, y = design[used], log_price[used]
        inverse: Floats = np.linalg.inv(x.T @ x + np.diag(penalty)).astype(np.float64)
        coefficients = inverse @ (x.T @ y)
        fitted = design @ coefficients
        residuals = log_price - fitted
        if fit == "of all":
            used = _without_outliers(residuals)
    return MarketModel(
        trend,
        curves,
        place,
        coefficients,
        centre,
        scale,
        inverse,
        design,
        used,
        residuals,
        fitted + level,
        sales,
        levels,
    )


def _standardised(columns: Floats, centre: Floats, scale: Floats) -> Floats:
    """The columns less their mean in units of their standard deviation, and a last column for the level."""
    return np.hstack([(columns - centre) / scale, np.ones((len(columns), 1))])


def _without_outliers(residuals: Floats) -> npt.NDArray[np.bool_]:
    """True where the residual is within the robust standard deviations that make an outlier. Shape (n,)."""
    deviations = np.abs(residuals - np.median(residuals))
    return deviations <= OUTLIER_DEVIATIONS * 1.4826 * np.median(deviations) + 1e-12


def _design(
    trend: Trend,
    curves: tuple[Curve, ...],
    place: Place,
    days: Floats,
    characteristics: Floats,
    neighborhood: npt.NDArray[np.object_],
    x: Floats,
    y: Floats,
) -> Floats:
    parts = [trend.columns(days)]
    parts += [curve.columns(values) for curve, values in zip(curves, characteristics.T, strict=True)]
    parts.append(place.columns(neighborhood, x, y))
    return np.hstack(parts)


def _scaled(name: str, values: Floats) -> Floats:
    """The values of a characteristic on the scale of the model; NaN where the logarithm does not exist."""
    if name not in LOGARITHMIC:
        return values
    return np.log(np.where(values > 0, values, np.nan))
