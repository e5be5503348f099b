"""Level and uniformity of assessment from ratios of assessed value to sale price. No Django, no clock.

The functions take arrays and return numbers or frozen dataclasses. Intervals are in intervals.py, vertical equity in
vertical_equity.py, trimming in trimming.py. No figure depends on the order of the sales, to the last bit: sums are
taken by `order_free_sum`, and equal values share a rank. NaN, infinity and negative numbers are refused everywhere,
with a message that counts them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from terrafusion.errors import TerraFusionError

Floats = npt.NDArray[np.float64]
_WHOLE_NUMBERS = 2.0**53  # A double holds every whole number up to this one.


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
    """Values and prices as float arrays of shape (n,).

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


def checked_ratios(ratios: npt.ArrayLike) -> Floats:
    """The ratios as a float array of shape (n,).

    Raises NotEnoughSales when there is no ratio, UnusableSales for a ratio that is negative or not a number, or for an
    array of several dimensions.
    """
    numbers = np.asarray(ratios, dtype=np.float64)
    if numbers.ndim != 1:
        raise UnusableSales(f"Ratios must be one list; they have the shape {numbers.shape}.")
    if not len(numbers):
        raise NotEnoughSales("A ratio study needs at least one valid sale.")
    if bad := int(np.sum(~(np.isfinite(numbers) & (numbers >= 0)))):
        raise UnusableSales(f"{bad} of {len(numbers)} ratios are negative or not a number.")
    return numbers


def checked_confidence(confidence: float) -> float:
    """The confidence itself. Raises UnusableSales when it does not lie between 0 and 1, such as 95 for 95 %."""
    if not 0 < confidence < 1:
        raise UnusableSales(f"A confidence lies between 0 and 1, 0.95 for 95 %; it is {confidence}.")
    return confidence


def order_free_sum(values: Floats) -> float:
    """The sum of finite numbers, the same to the last bit whatever their order.

    Whole dollars add up exactly. Other numbers are split three times: their leading bits are cut off on a grid so
    coarse that adding them never rounds, and the rest goes on to the next grid. The rest below the third grid is far
    under the precision of the result. This takes a few passes over the array and no sorting.

    values: shape (n,), each below 1e290. Source: Demmel and Nguyen, Fast Reproducible Floating-Point Summation (2013).
    """
    if not len(values):
        return 0.0
    largest = _largest(values)
    if largest * len(values) < _WHOLE_NUMBERS and (np.rint(values) == values).all():
        return float(values.sum())
    total, rest = 0.0, values.copy()
    for _ in range(3):
        if not largest:
            break
        # Adding this number and taking it away again rounds to multiples of its last bit. The sum of n such multiples
        # fits in 53 bits.
        grid = math.ldexp(1.5, math.frexp(largest)[1] + len(rest).bit_length() + 1)
        leading = rest + grid
        leading -= grid
        total += float(leading.sum())
        rest -= leading
        largest = _largest(rest)
    return total


def _largest(values: Floats) -> float:
    return max(float(values.max()), -float(values.min()))


def order_free_mean(values: Floats) -> float:
    """The arithmetic mean, by `order_free_sum`; values of shape (n,), n at least 1."""
    return order_free_sum(values) / len(values)


def sale_ratios(assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike) -> Floats:
    """Assessed value / sale price of each sale. Shape (n,). Raises as `checked` does."""
    assessed, prices = checked(assessed_values, sale_prices)
    return assessed / prices


def median_ratio(ratios: npt.ArrayLike) -> float:
    """The middle ratio: the level of appraisal. 1.0 means full market value.

    Source: IAAO Standard on Ratio Studies (April 2013), section 5.3.
    """
    return float(np.median(checked_ratios(ratios)))


def mean_ratio(ratios: npt.ArrayLike) -> float:
    """The arithmetic mean of the ratios. Source: IAAO Standard on Ratio Studies (April 2013), section 5.3."""
    return order_free_mean(checked_ratios(ratios))


def weighted_mean_ratio(assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike) -> float:
    """Sum of assessed values / sum of sale prices: the level weighted by dollars.

    Source: IAAO Standard on Ratio Studies (April 2013), section 5.3.
    """
    assessed, prices = checked(assessed_values, sale_prices)
    return order_free_sum(assessed) / order_free_sum(prices)


def coefficient_of_dispersion(ratios: npt.ArrayLike) -> float:
    """Average deviation from the median ratio, in percent of the median (COD).

    A low COD means similar properties are assessed alike: horizontal equity.

    ratios: assessed value / sale price, one per valid sale. Returns percent, so 14.5 means 14.5 %.
    Raises NotEnoughSales when there is no ratio, UnusableSales when the median is zero.

    Source: IAAO Standard on Ratio Studies (April 2013), section 5.4.1 and Table 1-4.
    """
    numbers = checked_ratios(ratios)
    middle = float(np.median(numbers))
    if middle <= 0:
        raise UnusableSales("The median ratio is zero, so dispersion in percent of it has no meaning.")
    return 100 * order_free_mean(np.abs(numbers - middle)) / middle


def coefficient_of_variation(ratios: npt.ArrayLike) -> float:
    """Standard deviation of the ratios (divisor n - 1), in percent of their mean (COV).

    Raises NotEnoughSales below two ratios. Source: IAAO Standard on Ratio Studies (April 2013), section 5.4.2.
    """
    numbers = checked_ratios(ratios)
    if len(numbers) < 2:
        raise NotEnoughSales("A COV needs at least two valid sales.")
    mean = order_free_mean(numbers)
    if mean <= 0:
        raise UnusableSales("The mean ratio is zero, so variation in percent of it has no meaning.")
    return 100 * math.sqrt(order_free_sum((numbers - mean) ** 2) / (len(numbers) - 1)) / mean


def price_related_differential(assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike) -> float:
    """Mean ratio / weighted mean ratio (PRD). Above 1.03: dear property is assessed lower (regressive).

    Raises UnusableSales when every assessed value is zero.
    Source: IAAO Standard on Ratio Studies (April 2013), section 5.6.
    """
    assessed, prices = checked(assessed_values, sale_prices)
    if not assessed.any():
        raise UnusableSales("Every assessed value is zero, so a PRD has no meaning.")
    return order_free_mean(assessed / prices) / (order_free_sum(assessed) / order_free_sum(prices))
