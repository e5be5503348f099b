"""A price index in logarithms: its precision, its smoothing, its volatility and its revision. No Django."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .index_sales import Bools, Floats, Ints

HUBER = 1.345  # With it the estimate is 95 % efficient where errors are normal.
TUKEY = 4.685
FEWEST_A_PERIOD = 5  # sales or pairs; the residuals of fewer do not show how far they scatter


@dataclass(frozen=True)
class LogIndex:
    """A price index in logarithms.

    levels: log price level of each period, shape (periods,); NaN where it is unknown. covariance: of the levels, shape
    (periods, periods); the level from which the others are measured has variance 0; NaN where the sales are too few for
    a variance. observations: the number of sales or pairs of sales. thin: the periods that rest on too few of them,
    shape (periods,); None when there is no such period.
    """

    levels: Floats
    covariance: Floats
    observations: int
    thin: Bools | None = None

    @property
    def known(self) -> Bools:
        return ~np.isnan(self.levels)

    def is_thin(self, period: int) -> bool:
        return self.thin is not None and bool(self.thin[period])

    def based_on(self, base: Ints) -> LogIndex:
        """The same index measured from the mean level of the periods `base`, all of which must be known."""
        step = np.eye(len(self.levels))
        step[:, base] -= 1 / len(base)
        covariance = np.full_like(self.covariance, np.nan)
        inside = np.ix_(self.known, self.known)
        covariance[inside] = step[inside] @ np.nan_to_num(self.covariance[inside]) @ step[inside].T
        unsure = np.isnan(np.diag(self.covariance)) | bool(np.isnan(np.diag(self.covariance)[base]).any())
        covariance[unsure] = covariance[:, unsure] = np.nan
        return replace(self, levels=self.levels - self.levels[base].mean(), covariance=covariance)

    def based_on_first(self, periods: int) -> LogIndex:
        """The same index measured from the mean of its first periods, whose noise is smaller than that of one period.

        periods: how many, counted from the first known one. Unknown periods do not count in the mean, nor do thin ones
        unless all of them are thin.
        """
        known = np.flatnonzero(self.known)
        if not len(known):
            return self
        year = known[known < known[0] + periods]
        firm = year if self.thin is None else year[~self.thin[year]]
        return self.based_on(firm if len(firm) else year)

    @property
    def standard_errors(self) -> Floats:
        """The standard errors of the log levels. They are close to relative errors: 0.01 is about one percent."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


def huber_weights(standardised: Floats) -> Floats:
    """Weights of 1 up to 1.345 robust deviations, and falling beyond."""
    return np.minimum(1.0, HUBER / np.maximum(np.abs(standardised), 1e-12))


def tukey_weights(standardised: Floats) -> Floats:
    """Weights that fall to 0 at 4.685 robust deviations, so that a wrong price counts for nothing."""
    return np.maximum(0.0, 1 - (standardised / TUKEY) ** 2) ** 2


def huber_correction(standardised: Floats) -> float:
    """The factor by which the variance from weighted least squares must be multiplied.

    Reweighting ends at the robust estimate, but its normal equations hold the weight psi(z) / z, where the variance of
    an M-estimate needs the slope of psi. The weight is larger than the slope, so the variance comes out too small.
    Source: Huber and Ronchetti (2009), Robust Statistics, section 7.6.
    """
    slope = float((np.abs(standardised) <= HUBER).mean())
    return float(huber_weights(standardised).mean() / max(slope, 0.1)) ** 2


def tukey_correction(standardised: Floats) -> float:
    """The same factor as `huber_correction` gives, for Tukey's bisquare."""
    square = np.minimum((standardised / TUKEY) ** 2, 1.0)
    slope = float(((1 - square) * (1 - 5 * square)).mean())
    return float(tukey_weights(standardised).mean() / max(slope, 0.1)) ** 2


def smoothed(index: LogIndex) -> LogIndex:
    """The index without the part of its ups and downs that the data show to be noise.

    The log level is modelled as a path whose slope changes by independent normal steps. The size of the steps is
    estimated by restricted maximum likelihood, so that the path follows a market that turns and does not follow noise.
    The path bridges unknown periods. An index of fewer than five known periods is returned as it is.
    Source: Harvey (1989), Forecasting, Structural Time Series Models and the Kalman Filter, section 2.3.
    """
    known = np.flatnonzero(index.known)
    if len(known) < 5:
        return index
    base = int(known[0])
    measured = index.based_on(known[:1])
    seen = known[1:]
    y = measured.levels[seen]
    noise = measured.covariance[np.ix_(seen, seen)] + 1e-12 * np.eye(len(seen))
    steps = _smooth_path(len(index.levels))
    relative = np.eye(len(index.levels))
    relative[:, base] -= 1
    path = relative @ steps @ relative.T
    trend = (np.arange(len(index.levels), dtype=np.float64) - base)[:, None]
    variance = _likeliest_step_variance(y, noise, path[np.ix_(seen, seen)], trend[seen])
    total_inverse = np.linalg.inv(noise + variance * path[np.ix_(seen, seen)])
    trend_covariance = np.linalg.inv(trend[seen].T @ total_inverse @ trend[seen])
    slope = trend_covariance @ trend[seen].T @ total_inverse @ y
    to_all = variance * path[:, seen]
    gain = to_all @ total_inverse
    levels = trend @ slope + gain @ (y - trend[seen] @ slope)
    left = trend - gain @ trend[seen]
    covariance = variance * path - gain @ to_all.T + left @ trend_covariance @ left.T
    levels[: known[0]] = levels[known[-1] + 1 :] = np.nan
    covariance[np.isnan(levels)] = np.nan
    covariance[:, np.isnan(levels)] = np.nan
    return replace(index, levels=levels, covariance=covariance)


def _smooth_path(periods: int) -> Floats:
    """Covariance, up to a factor, of a path whose second differences are independent and that has no linear part."""
    second = np.diff(np.eye(periods), 2, axis=0)
    return np.asarray(np.linalg.pinv(second.T @ second), dtype=np.float64)


def _likeliest_step_variance(y: Floats, noise: Floats, path: Floats, trend: Floats) -> float:
    candidates = np.concatenate([[0.0], np.geomspace(1e-9, 1e-1, 120)])
    return float(min(candidates, key=lambda variance: _restricted_deviance(y, noise + variance * path, trend)))


def _restricted_deviance(y: Floats, total: Floats, trend: Floats) -> float:
    sign, log_determinant = np.linalg.slogdet(total)
    if sign <= 0:
        return np.inf
    weighted = np.linalg.solve(total, np.column_stack([trend, y]))
    information = float(trend[:, 0] @ weighted[:, 0])
    slope = float(trend[:, 0] @ weighted[:, 1]) / information
    residual = y - slope * trend[:, 0]
    return float(log_determinant + np.log(information) + residual @ np.linalg.solve(total, residual))


def volatility_percent(index: LogIndex) -> float | None:
    """Standard deviation, in percent, of the change from period to period around the mean of three changes in a row.

    A change over a gap does not count. None with fewer than two groups of three changes in a row.
    Source: Bourassa, Hoesli and Sun (2006), J. Housing Economics 15.
    """
    changes = np.diff(index.levels)
    if len(changes) < 3:
        return None
    deviations = changes[1:-1] - np.convolve(changes, np.ones(3) / 3, mode="valid")
    deviations = deviations[~np.isnan(deviations)]
    return float(100 * np.std(deviations, ddof=1)) if len(deviations) > 1 else None


def revision_percent(now: LogIndex, before: LogIndex) -> float | None:
    """Mean absolute change, in percent, of the earlier levels when new periods are added.

    before: the index without the newest periods. Both are measured from their first common period. None with fewer than
    two common periods.
    """
    common = np.flatnonzero(now.known[: len(before.levels)] & before.known)
    if len(common) < 2:
        return None
    base = int(common[0])
    changes = now.levels[common] - now.levels[base] - (before.levels[common] - before.levels[base])
    return float(100 * np.mean(np.abs(np.expm1(changes[1:]))))
