"""What the market pays, estimated from the county's own sales. No Django, no clock.

One log-linear regression (ridge) of price on sale date, characteristics and location gives the time adjustment and
the adjustment rates. Every part is additive in log price, so a comparable grid built on it adds up.
Design and measurements: A of the mass-appraisal study behind docs/valuation.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy  # loads each part when it is first used: a process that values nothing should not pay for it

from terrafusion.roll.market_levels import MarketLevels, days_since_epoch

from .comparables import CHARACTERISTICS, Floats, Rows, SalesTable, Subject

LOGARITHMIC = frozenset({"living_area_sqft", "lot_sqft"})  # a doubling counts the same at any size
KNOT_DAYS = 61
RIDGE_PENALTY = 3.0
SEED = 20140502  # of the location centres; any other gives the same values within noise
OUTLIER_DEVIATIONS = 4.0
Columns = slice


@dataclass(frozen=True)
class Curve:
    """A characteristic's basis: linear, with hinges where the data bends. Values are clamped to the data."""

    name: str
    typical: float  # stands in for an unknown value in the fit
    low: float
    high: float
    knots: tuple[float, ...]

    @classmethod
    def through(cls, name: str, values: Floats, hinges: int) -> Curve:
        """hinges: at most so many, at quantiles of the values."""
        known = _scaled(name, values)
        known = known[np.isfinite(known)]
        if not len(known):
            return cls(name, 0.0, 0.0, 0.0, ())
        low, high = np.quantile(known, [0.002, 0.998])
        at = {1: [0.5], 5: [0.1, 0.25, 0.5, 0.75, 0.9]}.get(hinges, [])
        knots = sorted({float(each) for each in np.quantile(known, at)} - {float(low), float(high)})
        return cls(name, float(np.median(known)), float(low), float(high), tuple(knots))

    def columns(self, values: Floats) -> Floats:
        """Shape (n, 1 + number of knots)."""
        scaled = _scaled(self.name, values)
        filled = np.clip(np.where(np.isfinite(scaled), scaled, self.typical), self.low, self.high)
        hinges = [np.maximum(filled - knot, 0.0) for knot in self.knots]
        return np.column_stack([filled, *hinges])


@dataclass(frozen=True)
class Place:
    """Location's basis: an effect of each neighborhood and a smooth surface over the map."""

    neighborhoods: tuple[str, ...]
    centres: Floats  # shape (k, 2), metres
    width: float

    @classmethod
    def over(cls, sales: SalesTable, bumps: int, least_sales: int = 5) -> Place:
        codes, counts = np.unique(sales.neighborhood.astype(str), return_counts=True)
        kept = tuple(codes[counts >= least_sales])
        places = np.column_stack([sales.x, sales.y])
        places = places[np.isfinite(places).all(axis=1)]
        bumps = min(bumps, len(np.unique(places, axis=0)) // 4)
        if bumps < 2:
            return cls(kept, np.empty((0, 2)), 1.0)
        spread = places.std(axis=0).max() or 1.0
        centres, _ = scipy.cluster.vq.kmeans2(places / spread, bumps, iter=10, seed=SEED, minit="++")
        centres = centres * spread
        gaps = np.sort(np.hypot(*(centres[:, None, :] - centres[None, :, :]).transpose(2, 0, 1)), axis=1)
        return cls(kept, centres.astype(float), 0.9 * float(gaps[:, 1:4].mean()) + 50.0)

    def columns(self, neighborhood: npt.NDArray[np.object_], x: Floats, y: Floats) -> Floats:
        effects = neighborhood.astype(str)[:, None] == np.array(self.neighborhoods, dtype=str)[None, :]
        where = np.column_stack([x, y])
        squares = ((where[:, None, :] - self.centres[None, :, :]) ** 2).sum(axis=2)
        surface = np.nan_to_num(np.exp(-0.5 * squares / self.width**2))  # unknown place: the county's level
        return np.hstack([effects.astype(float), surface])


@dataclass(frozen=True)
class Trend:
    """Sale date's basis: piecewise linear, a knot about every 61 days, flat outside the sales; one knot is no trend."""

    knots: Floats  # days since the epoch

    @classmethod
    def over(cls, days: Floats) -> Trend:
        """Over the days of the sales."""
        first, last = float(days.min()), float(days.max())
        pieces = int(np.clip((last - first) // KNOT_DAYS, 1, max(1, len(days) // 30)))
        return cls(np.linspace(first, last, pieces + 1))

    def columns(self, days: Floats) -> Floats:
        """Shape (m, pieces): how far each date has gone through each piece, 0 to 1."""
        lengths = np.maximum(np.diff(self.knots), 1.0)
        return np.clip((days[:, None] - self.knots[None, :-1]) / lengths, 0.0, 1.0)


@dataclass(frozen=True)
class MarketModel:
    """The fitted market of one property type before one date."""

    trend: Trend
    curves: tuple[Curve, ...]
    place: Place
    coefficients: Floats
    centre: Floats
    scale: Floats
    inverse: Floats  # of the penalised normal matrix, for leaving sales out
    design: Floats  # standardised, shape (n, p)
    kept: npt.NDArray[np.bool_]  # sales the robust refit used
    residuals: Floats  # log price less fitted, each sale
    fitted: Floats  # log price, as of each sale's date
    sales: SalesTable
    levels: MarketLevels | None  # a price index that stands for the trend

    def log_change(self, since: Floats, until: float, coefficients: Floats | None = None) -> Floats:
        """How the market changed from each day to a later one (days since the epoch), in log price."""
        days = np.append(since, until)
        if self.levels is not None:
            level = self.levels.log_at(days)
        else:
            at = self.parts["time"]
            own = self.coefficients if coefficients is None else coefficients
            level = self.trend.columns(days) / self.scale[at] @ own[at]
        return level[-1] - level[:-1]

    @cached_property
    def parts(self) -> dict[str, Columns]:
        """Columns of the design by part: time, each characteristic, location, level."""
        widths = [("time", len(self.trend.knots) - 1)]
        widths += [(curve.name, 1 + len(curve.knots)) for curve in self.curves]
        widths.append(("location", len(self.place.neighborhoods) + len(self.place.centres)))
        widths.append(("level", 1))
        ends = np.cumsum([width for _, width in widths])
        return {name: slice(int(end - width), int(end)) for (name, width), end in zip(widths, ends, strict=True)}

    def coefficients_without(self, rows: Rows) -> Floats:
        """The coefficients as if these sales had not been in the fit (exact, without fitting again)."""
        rows = rows[self.kept[rows]]
        if not len(rows):
            return self.coefficients
        x = self.design[rows]
        influence = x @ self.inverse
        within = np.eye(len(rows)) - influence @ x.T
        return self.coefficients - influence.T @ np.linalg.solve(within, self.residuals[rows])

    def contributions(self, design: Floats, coefficients: Floats) -> Floats:
        """Log price due to each part, shape (m, number of parts), of standardised rows."""
        return np.column_stack([design[:, at] @ coefficients[at] for at in self.parts.values()])

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
        """Each sale's log residual had it not been in the fit. Shape (n,)."""
        leverage = np.einsum("ij,jk,ik->i", self.design, self.inverse, self.design, optimize=True)
        return np.where(self.kept, self.residuals / np.maximum(1.0 - leverage, 0.05), self.residuals)


def fit_market(sales: SalesTable, levels: MarketLevels | None = None) -> MarketModel:
    """Fits the market of the given sales (one property type, all before the valuation date).

    levels: a price index to bring the prices to one date by, instead of the trend of these sales.

    Few sales get fewer hinges and no location surface. Sales beyond 4 robust standard deviations are left out of
    a second fit: they are not arm's length or not as described, and one of them can bend a curve.
    """
    n = len(sales)
    hinges = 5 if n >= 1000 else 1 if n >= 200 else 0
    bumps = 60 if n >= 2000 else 25 if n >= 500 else 0
    days = days_since_epoch(sales.sale_date)
    trend = Trend.over(days) if levels is None else Trend(days[:1])
    place = Place.over(sales, bumps)
    curves = tuple(Curve.through(name, sales.characteristics[:, i], hinges) for i, name in enumerate(CHARACTERISTICS))
    raw = _design(trend, curves, place, days, sales.characteristics, sales.neighborhood, sales.x, sales.y)
    centre, scale = raw.mean(axis=0), np.asarray(raw.std(axis=0), dtype=np.float64)
    scale[scale < 1e-9] = 1.0  # a column without variation carries nothing
    design = _standardised(raw, centre, scale)
    level = np.zeros(n) if levels is None else levels.log_at(days)
    log_price = np.log(sales.sale_price.astype(float)) - level
    penalty = np.full(design.shape[1], RIDGE_PENALTY)
    penalty[: len(trend.knots) - 1] = 0.01  # the market is not shrunk towards standing still
    penalty[-1] = 1e-6  # nor its level towards nothing
    kept = np.ones(n, dtype=bool)
    for fit in ("of all", "without outliers"):
        x, y = design[kept], log_price[kept]
        inverse: Floats = np.linalg.inv(x.T @ x + np.diag(penalty)).astype(np.float64)
        coefficients = inverse @ (x.T @ y)
        fitted = design @ coefficients
        residuals = log_price - fitted
        if fit == "of all":
            kept = _without_outliers(residuals)
    return MarketModel(
        trend,
        curves,
        place,
        coefficients,
        centre,
        scale,
        inverse,
        design,
        kept,
        residuals,
        fitted + level,
        sales,
        levels,
    )


def _standardised(columns: Floats, centre: Floats, scale: Floats) -> Floats:
    """Each column around its mean in its own deviations, and a last one for the level."""
    return np.hstack([(columns - centre) / scale, np.ones((len(columns), 1))])


def _without_outliers(residuals: Floats) -> npt.NDArray[np.bool_]:
    away = np.abs(residuals - np.median(residuals))
    return away <= OUTLIER_DEVIATIONS * 1.4826 * np.median(away) + 1e-12


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
    parts += [curve.columns(characteristics[:, i]) for i, curve in enumerate(curves)]
    parts.append(place.columns(neighborhood, x, y))
    return np.hstack(parts)


def _scaled(name: str, values: Floats) -> Floats:
    if name not in LOGARITHMIC:
        return values
    return np.log(np.where(values > 0, values, np.nan))
