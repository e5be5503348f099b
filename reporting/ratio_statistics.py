"""Level and uniformity of assessment from ratios of assessed value to sale price. No Django, no clock.

Arrays in, numbers or frozen dataclasses out; usable as a library. Intervals stand in intervals.py, vertical equity
in vertical_equity.py, trimming in trimming.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from terrafusion.errors import TerraFusionError

Floats = npt.NDArray[np.float64]


class NotEnoughSales(TerraFusionError):
    """There are fewer sales than the measure needs."""


class UnusableSales(TerraFusionError):
    """A price or value from which no ratio can be made."""


@dataclass(frozen=True)
class Interval:
    """Bounds of a confidence interval, in the unit of the measure."""

    low: float
    high: float


def checked(assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Both as float arrays of shape (n,).

    Raises UnusableSales for a sale price that is not a positive number, an assessed value that is negative or not a
    number, or arrays of different length; NotEnoughSales when there is no sale.
    """
    assessed = np.asarray(assessed_values, dtype=np.float64)
    prices = np.asarray(sale_prices, dtype=np.float64)
    if assessed.ndim != 1 or assessed.shape != prices.shape:
        raise UnusableSales(
            f"Assessed values and sale prices must be two lists of one length; they have the shapes "
            f"{assessed.shape} and {prices.shape}."
        )
    if not len(prices):
        raise NotEnoughSales("A ratio study needs at least one valid sale.")
    if bad := int(np.sum(~(np.isfinite(prices) & (prices > 0)))):
        raise UnusableSales(f"{bad} of {len(prices)} sale prices are zero, negative or not a number.")
    if bad := int(np.sum(~(np.isfinite(assessed) & (assessed >= 0)))):
        raise UnusableSales(f"{bad} of {len(prices)} assessed values are negative or not a number.")
    return assessed, prices


def sale_ratios(assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike) -> Floats:
    """Assessed value / sale price of each sale. Shape (n,). Raises as `checked` does."""
    assessed, prices = checked(assessed_values, sale_prices)
    return assessed / prices


def median_ratio(ratios: npt.ArrayLike) -> float:
    """The middle ratio: the level of appraisal. 1.0 means full market value.

    Source: IAAO Standard on Ratio Studies (April 2013), section 5.3.
    """
    return float(np.median(_some(ratios)))


def mean_ratio(ratios: npt.ArrayLike) -> float:
    """The arithmetic mean of the ratios. Source: IAAO Standard on Ratio Studies (April 2013), section 5.3."""
    return float(np.mean(_some(ratios)))


def weighted_mean_ratio(assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike) -> float:
    """Sum of assessed values / sum of sale prices: the level weighted by dollars.

    Source: IAAO Standard on Ratio Studies (April 2013), section 5.3.
    """
    assessed, prices = checked(assessed_values, sale_prices)
    return float(assessed.sum() / prices.sum())


def coefficient_of_dispersion(ratios: npt.ArrayLike) -> float:
    """Average deviation from the median ratio, in percent of the median (COD).

    A low COD means similar properties are assessed alike: horizontal equity.

    ratios: assessed value / sale price, one per valid sale. Returns percent, so 14.5 means 14.5 %.
    Raises NotEnoughSales when there is no ratio, UnusableSales when the median is zero.

    Source: IAAO Standard on Ratio Studies (April 2013), section 5.4.1 and Table 1-4.
    """
    of_sales = _some(ratios)
    middle = float(np.median(of_sales))
    if middle <= 0:
        raise UnusableSales("The median ratio is zero, so dispersion in percent of it has no meaning.")
    return float(100 * np.mean(np.abs(of_sales - middle)) / middle)


def coefficient_of_variation(ratios: npt.ArrayLike) -> float:
    """Standard deviation of the ratios (divisor n - 1), in percent of their mean (COV).

    Raises NotEnoughSales below two ratios. Source: IAAO Standard on Ratio Studies (April 2013), section 5.4.2.
    """
    of_sales = _some(ratios)
    if len(of_sales) < 2:
        raise NotEnoughSales("A COV needs at least two valid sales.")
    mean = float(np.mean(of_sales))
    if mean <= 0:
        raise UnusableSales("The mean ratio is zero, so variation in percent of it has no meaning.")
    return float(100 * np.std(of_sales, ddof=1) / mean)


def price_related_differential(assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike) -> float:
    """Mean ratio / weighted mean ratio (PRD). Above 1.03: dear property is assessed lower (regressive).

    Raises UnusableSales when every assessed value is zero.
    Source: IAAO Standard on Ratio Studies (April 2013), section 5.6.
    """
    assessed, prices = checked(assessed_values, sale_prices)
    if not assessed.any():
        raise UnusableSales("Every assessed value is zero, so a PRD has no meaning.")
    return float(np.mean(assessed / prices) / (assessed.sum() / prices.sum()))


def _some(ratios: npt.ArrayLike) -> Floats:
    of_sales = np.asarray(ratios, dtype=np.float64)
    if not len(of_sales):
        raise NotEnoughSales("A ratio study needs at least one valid sale.")
    if not np.isfinite(of_sales).all():
        raise UnusableSales(f"{int(np.sum(~np.isfinite(of_sales)))} of {len(of_sales)} ratios are not a number.")
    return of_sales
