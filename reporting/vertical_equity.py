"""Are dear and cheap property assessed alike? PRB, Kakwani, VEI and medians by price. No Django, no clock.

No single measure settles it, which is why a study reports several. Regressing on a noisy price alone feigns
regressivity; PRB and VEI order sales by a value proxy, half price and half assessed value, to avoid that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student_t

from .intervals import MedianInterval, median_interval
from .ratio_statistics import Floats, Interval, NotEnoughSales, UnusableSales, checked

VEI_METHOD = "IAAO VEI (exposure draft 2026); value proxy 0.5 x price + 0.5 x value / median; groups by percentile R7"
VEI_FEWEST_SALES = 20
VEI_CONFIDENCE = 0.90
VEI_LIMIT = 10.0  # percent of the median; the limit itself is acceptable


@dataclass(frozen=True)
class PriceRelatedBias(Interval):
    """Slope with its t interval. -0.045: the ratio falls by 4.5 % of the median when value doubles."""

    slope: float
    standard_error: float


@dataclass(frozen=True)
class ValueGroup:
    """Sales of like value: how many, the median of what orders them in dollars, the median ratio, its interval."""

    sales: int
    median_value: float
    median_ratio: float
    interval: MedianInterval


@dataclass(frozen=True)
class VerticalEquityIndicator:
    """VEI in percent of the overall median; negative: the dearest are assessed lower (regressive).

    significance: percent of the median between the intervals of the groups with the highest and the lowest median,
    negative when they overlap.
    """

    vei: float
    significance: float
    groups: tuple[ValueGroup, ...]
    method: str = VEI_METHOD

    @property
    def is_acceptable(self) -> bool:
        """Unacceptable only when VEI is beyond the limit and the groups differ by more than it for certain."""
        return abs(self.vei) <= VEI_LIMIT or self.significance <= VEI_LIMIT


def value_proxy(assessed: Floats, prices: Floats) -> Floats:
    """Half the sale price, half the assessed value brought to the level of prices. Dollars, shape (n,)."""
    return 0.5 * prices + 0.5 * assessed / _median(assessed, prices)


def price_related_bias(
    assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike, confidence: float = 0.95
) -> PriceRelatedBias:
    """Coefficient of price-related bias (PRB): least squares of (ratio - median) / median on log2 of the value proxy.

    Raises NotEnoughSales below three sales, UnusableSales when all have the same value.
    Source: IAAO Standard on Ratio Studies (April 2013), section 5.6 and Appendix D; the proxy of the slope is
    half price and half value / median.
    """
    assessed, prices = checked(assessed_values, sale_prices)
    n = len(prices)
    if n < 3:
        raise NotEnoughSales(f"A PRB needs at least three valid sales; there are {n}.")
    middle = _median(assessed, prices)
    doublings = np.log2(value_proxy(assessed, prices))
    deviation = (assessed / prices - middle) / middle
    x = doublings - doublings.mean()
    spread = float(x @ x)
    if spread <= 1e-18 * n:
        raise UnusableSales("A PRB needs sales of different value; all have the same.")
    slope = float(x @ deviation) / spread
    residual = deviation - deviation.mean() - slope * x
    error = math.sqrt(float(residual @ residual) / (n - 2) / spread)
    reach = float(student_t.ppf(0.5 + confidence / 2, n - 2)) * error
    return PriceRelatedBias(slope - reach, slope + reach, slope, error)


def gini_in_price_order(amounts: Floats, prices: Floats) -> float:
    """Gini coefficient of the amounts taken in the order of price. Equal prices keep their given order."""
    n = len(prices)
    ranked = amounts[np.argsort(prices, kind="stable")]
    return float(2 * (np.arange(1, n + 1) @ ranked) / (n * ranked.sum()) - (n + 1) / n)


def kakwani_index(assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike) -> float:
    """Gini of assessed values less Gini of prices, both in price order (KI). Below zero: regressive.

    Source: Quintos, Journal of Property Tax Assessment & Administration 17-2 (2020).
    """
    assessed, prices = _with_value(assessed_values, sale_prices)
    return gini_in_price_order(assessed, prices) - gini_in_price_order(prices, prices)


def modified_kakwani_index(assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike) -> float:
    """Gini of assessed values / Gini of prices, both in price order (MKI). Below one: regressive.

    Raises UnusableSales when all prices are equal. Source: Quintos, JPTAA 18-1 (2021).
    """
    assessed, prices = _with_value(assessed_values, sale_prices)
    of_prices = gini_in_price_order(prices, prices)
    if of_prices <= 1e-15:
        raise UnusableSales("An MKI needs sales at different prices; all are equal.")
    return gini_in_price_order(assessed, prices) / of_prices


def vertical_equity_indicator(assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike) -> VerticalEquityIndicator:
    """VEI: median ratio of the dearest group less that of the cheapest, in percent of the overall median.

    2 groups for 20 to 50 sales, 4 for 51 to 500, 10 for more, ordered by the value proxy and cut at its percentiles
    (Hyndman-Fan type 7; a sale on a cut belongs to the lower group).
    Raises NotEnoughSales below 20 sales. Source: IAAO, VEI exposure drafts 2025 and May 2026.
    """
    assessed, prices = checked(assessed_values, sale_prices)
    n = len(prices)
    if n < VEI_FEWEST_SALES:
        raise NotEnoughSales(f"A VEI needs at least {VEI_FEWEST_SALES} valid sales; there are {n}.")
    middle = _median(assessed, prices)
    count = 2 if n <= 50 else 4 if n <= 500 else 10
    groups = value_groups(assessed, prices, value_proxy(assessed, prices), count, VEI_CONFIDENCE)
    highest = max(groups, key=lambda each: each.median_ratio)
    lowest = min(groups, key=lambda each: each.median_ratio)
    return VerticalEquityIndicator(
        vei=100 * (groups[-1].median_ratio - groups[0].median_ratio) / middle,
        significance=100 * (highest.interval.low - lowest.interval.high) / middle,
        groups=groups,
    )


def price_quantile_medians(
    assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike, groups: int = 5, confidence: float = 0.95
) -> tuple[ValueGroup, ...]:
    """Median ratio of each fifth of the sales by price, cheapest first. Groups that would be empty are left out."""
    assessed, prices = checked(assessed_values, sale_prices)
    return value_groups(assessed, prices, prices, groups, confidence)


def quantile_group(values: Floats, count: int) -> npt.NDArray[np.int64]:
    """The group, 0 to count - 1, of each value. Equal values are never split: one on a cut is in the lower group."""
    cuts = np.quantile(values, np.arange(1, count) / count)
    return np.searchsorted(cuts, values, side="left").astype(np.int64)


def value_groups(
    assessed: Floats, prices: Floats, ordered_by: Floats, count: int, confidence: float
) -> tuple[ValueGroup, ...]:
    group = quantile_group(ordered_by, count)
    ratios = assessed / prices
    return tuple(
        ValueGroup(
            sales=int(members.sum()),
            median_value=float(np.median(ordered_by[members])),
            median_ratio=float(np.median(ratios[members])),
            interval=median_interval(ratios[members], confidence),
        )
        for members in (group == each for each in range(count))
        if members.any()
    )


def _median(assessed: Floats, prices: Floats) -> float:
    middle = float(np.median(assessed / prices))
    if middle <= 0:
        raise UnusableSales("The median ratio is zero, so nothing can be measured against it.")
    return middle


def _with_value(assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike) -> tuple[Floats, Floats]:
    assessed, prices = checked(assessed_values, sale_prices)
    if not assessed.any():
        raise UnusableSales("Every assessed value is zero, so their distribution has no Gini coefficient.")
    return assessed, prices
