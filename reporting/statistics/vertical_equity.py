"""Whether dear and cheap property is assessed alike: PRB, Kakwani, VEI and medians by price. No Django, no clock.

No single measure settles it, which is why a study reports several. A price has noise, and a regression on the price
alone shows regressivity where there is none. PRB and VEI therefore order sales by a value proxy, half price and half
assessed value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # loads each part when it is first used: a process that studies nothing should not pay for it

from .intervals import MedianInterval, fewest_for_median_interval, median_interval
from .ratio_statistics import (
    Floats,
    Interval,
    NotEnoughSales,
    UnusableSales,
    checked,
    checked_confidence,
    order_free_mean,
    order_free_sum,
)

# How the groups of the VEI are cut. In the example of the exposure drafts, R7 gives 48.53, the figure printed in 2026;
# rounded ranks give 50.18, near the figure printed in 2025.
PERCENTILE_R7, PERCENTILE_R6, ROUND_HALF_UP = "percentile R7", "percentile R6", "ranks rounded half up"
VEI_METHOD = "IAAO VEI (exposure draft 2026); value proxy 0.5 x price + 0.5 x value / median; groups by "
VEI_FEWEST_SALES = 20
VEI_CONFIDENCE = 0.90
VEI_LIMIT = 10.0  # percent of the median; the limit itself is acceptable


@dataclass(frozen=True)
class PriceRelatedBias(Interval):
    """The slope with its t interval. -0.045 means that the ratio falls by 4.5 % of the median when value doubles."""

    slope: float
    standard_error: float


@dataclass(frozen=True)
class ValueGroup:
    """Sales of like value.

    sales: how many. median_value: dollars, of the value that orders the sales. interval: of the median ratio; None when
    the group has too few sales for one.
    """

    sales: int
    median_value: float
    median_ratio: float
    interval: MedianInterval | None

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        return (self.interval.low, self.interval.high) if self.interval else (None, None)


@dataclass(frozen=True)
class VerticalEquityIndicator:
    """VEI in percent of the overall median. Below zero: the dearest property is assessed lower (regressive).

    significance: percent of the median between the intervals of the two groups compared, negative when they overlap;
    None when one of them has too few sales for an interval. kruskal_wallis_p: of the test that the ratios of all groups
    are alike; None where the test is not part of the edition, or all ratios are equal.
    """

    vei: float
    significance: float | None
    groups: tuple[ValueGroup, ...]
    method: str = VEI_METHOD + PERCENTILE_R7
    kruskal_wallis_p: float | None = None

    @property
    def is_acceptable(self) -> bool:
        """False only when both the VEI and its significance are beyond the limit."""
        return abs(self.vei) <= VEI_LIMIT or self.significance is None or self.significance <= VEI_LIMIT


def value_proxy(assessed: Floats, prices: Floats) -> Floats:
    """Half the sale price plus half the assessed value at the level of prices. Dollars, shape (n,).

    Raises as `checked` does, and UnusableSales when the median ratio is zero.
    """
    assessed, prices = checked(assessed, prices)
    return 0.5 * prices + 0.5 * assessed / _median(assessed, prices)


def price_related_bias(
    assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike, confidence: float = 0.95
) -> PriceRelatedBias:
    """Coefficient of price-related bias (PRB): least squares of (ratio - median) / median on log2 of the value proxy.

    Raises NotEnoughSales below three sales, UnusableSales when all have the same value.
    Source: IAAO Standard on Ratio Studies (April 2013), section 5.6 and Appendix D.
    """
    assessed, prices = checked(assessed_values, sale_prices)
    n = len(prices)
    if n < 3:
        raise NotEnoughSales(f"A PRB needs at least three valid sales; there are {n}.")
    middle = _median(assessed, prices)
    doublings = np.log2(value_proxy(assessed, prices))
    deviation = (assessed / prices - middle) / middle
    x = doublings - order_free_mean(doublings)
    spread = order_free_sum(x * x)
    if spread <= 1e-18 * n:
        raise UnusableSales("A PRB needs sales of different value; all have the same.")
    slope = order_free_sum(x * deviation) / spread
    residual = deviation - order_free_mean(deviation) - slope * x
    error = math.sqrt(order_free_sum(residual * residual) / (n - 2) / spread)
    reach = float(scipy.special.stdtrit(n - 2, 0.5 + checked_confidence(confidence) / 2)) * error
    return PriceRelatedBias(slope - reach, slope + reach, slope, error)


def gini_in_price_order(amounts: Floats, prices: Floats) -> float:
    """Gini coefficient of the amounts in the order of price. Sales at one price share the mean of their ranks.

    The shared rank gives exactly the average over all orders in which those sales could stand.
    Raises UnusableSales as `checked` does, and when every amount is zero.
    """
    return _gini_coefficients(prices, amounts)[0]


def _gini_coefficients(prices: npt.ArrayLike, *columns: npt.ArrayLike) -> list[float]:
    """The Gini coefficient of each column of amounts in the order of price; the prices are sorted once."""
    amounts = [checked(column, prices) for column in columns]
    paid = amounts[0][1]
    n = len(paid)
    order = np.argsort(paid)
    ranks = np.empty(n)
    ranks[order] = _shared_ranks(paid[order])
    coefficients = []
    for dollars, _ in amounts:
        total = order_free_sum(dollars)
        if not total:
            raise UnusableSales("Every assessed value is zero, so their distribution has no Gini coefficient.")
        coefficients.append(2 * order_free_sum(ranks * dollars) / (n * total) - (n + 1) / n)
    return coefficients


def _shared_ranks(ascending: Floats) -> Floats:
    """The rank of each value, from 1. Equal values all have the mean of the ranks they hold together. Shape (n,)."""
    starts = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1]))
    ends = np.append(starts[1:], len(ascending))
    return np.repeat((starts + 1 + ends) / 2, ends - starts)


def kakwani_index(assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike) -> float:
    """Gini of assessed values less Gini of prices, both in price order (KI). Below zero: regressive.

    Source: Quintos, Journal of Property Tax Assessment & Administration 17-2 (2020).
    """
    of_values, of_prices = _gini_coefficients(sale_prices, assessed_values, sale_prices)
    return of_values - of_prices


def modified_kakwani_index(assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike) -> float:
    """Gini of assessed values / Gini of prices, both in price order (MKI). Below one: regressive.

    Raises UnusableSales when all prices are equal. Source: Quintos, JPTAA 18-1 (2021).
    """
    of_values, of_prices = _gini_coefficients(sale_prices, assessed_values, sale_prices)
    if of_prices <= 1e-15:
        raise UnusableSales("An MKI needs sales at different prices; all are equal.")
    return of_values / of_prices


def vertical_equity_indicator(
    assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike, grouping: str = PERCENTILE_R7, by_ends: bool = False
) -> VerticalEquityIndicator:
    """VEI: median ratio of the dearest group less that of the cheapest, in percent of the overall median.

    There are 2 groups for 20 to 50 sales, 4 for 51 to 500 and 10 for more. The sales are ordered by the value proxy and
    cut at its percentiles; a sale on a cut belongs to the lower group. The result names the grouping, because it
    changes the figure.
    grouping: percentiles of Hyndman-Fan type 7 or 6, or cuts at ranks rounded half up. by_ends: significance is that of
    the first and last group, with the Kruskal-Wallis test beside it; else that of the groups with the lowest and
    highest median.
    Raises NotEnoughSales below 20 sales. Source: IAAO, VEI exposure drafts 2025 and May 2026. It is unconfirmed that
    the edition of October 2026 compares the first and last group.
    """
    assessed, prices = checked(assessed_values, sale_prices)
    n = len(prices)
    if n < VEI_FEWEST_SALES:
        raise NotEnoughSales(f"A VEI needs at least {VEI_FEWEST_SALES} valid sales; there are {n}.")
    middle = _median(assessed, prices)
    count = 2 if n <= 50 else 4 if n <= 500 else 10
    proxy, ratios = value_proxy(assessed, prices), assessed / prices
    groups = value_groups(assessed, prices, proxy, count, VEI_CONFIDENCE, grouping)
    compared = (groups[0], groups[-1]) if by_ends else groups
    highest = max(compared, key=lambda group: group.median_ratio)
    lowest = min(compared, key=lambda group: group.median_ratio)
    return VerticalEquityIndicator(
        vei=100 * (groups[-1].median_ratio - groups[0].median_ratio) / middle,
        significance=_percent_apart(highest.interval, lowest.interval, middle),
        groups=groups,
        method=VEI_METHOD + grouping,
        kruskal_wallis_p=_kruskal_wallis(ratios, quantile_group(proxy, count, grouping)) if by_ends else None,
    )


def _kruskal_wallis(ratios: Floats, groups: npt.NDArray[np.int64]) -> float | None:
    """p of the Kruskal-Wallis test that the ratios of the groups are alike; None without two different ratios.

    groups: the group of each ratio, shape (n,).
    """
    samples = [ratios[groups == group] for group in np.unique(groups)]
    if len(samples) < 2 or ratios.min() == ratios.max():
        return None
    return float(scipy.stats.kruskal(*samples).pvalue)


def _percent_apart(higher: MedianInterval | None, lower: MedianInterval | None, middle: float) -> float | None:
    return None if higher is None or lower is None else 100 * (higher.low - lower.high) / middle


def price_quantile_medians(
    assessed_values: npt.ArrayLike, sale_prices: npt.ArrayLike, groups: int = 5, confidence: float = 0.95
) -> tuple[ValueGroup, ...]:
    """Median ratio of each quantile group of the sales by price, cheapest first. There is no empty group."""
    assessed, prices = checked(assessed_values, sale_prices)
    return value_groups(assessed, prices, prices, groups, confidence)


def quantile_group(values: Floats, count: int, grouping: str = PERCENTILE_R7) -> npt.NDArray[np.int64]:
    """The group of each value, 0 to count - 1. Equal values share a group: a value on a cut is in the lower one.

    Raises UnusableSales for a value that is not a number.
    """
    if bad := int(np.sum(~np.isfinite(values))):
        raise UnusableSales(f"{bad} of {len(values)} values to be grouped are not a number.")
    shares = np.arange(1, count) / count
    if grouping == ROUND_HALF_UP:
        ranks = np.floor(shares * len(values) + 0.5).astype(np.int64)
        cuts = np.sort(values)[np.maximum(ranks - 1, 0)]
    else:
        cuts = np.quantile(values, shares, method="weibull" if grouping == PERCENTILE_R6 else "linear")
    return np.searchsorted(cuts, values, side="left").astype(np.int64)


def value_groups(
    assessed: Floats,
    prices: Floats,
    ordered_by: Floats,
    count: int,
    confidence: float,
    grouping: str = PERCENTILE_R7,
) -> tuple[ValueGroup, ...]:
    """The quantile groups of the sales, lowest first. There is no empty group. ordered_by: dollars, shape (n,)."""
    groups = quantile_group(ordered_by, count, grouping)
    ratios = assessed / prices
    return tuple(
        ValueGroup(
            sales=int(members.sum()),
            median_value=float(np.median(ordered_by[members])),
            median_ratio=float(np.median(ratios[members])),
            interval=_interval_or_none(ratios[members], confidence),
        )
        for members in (groups == group for group in range(count))
        if members.any()
    )


def _interval_or_none(ratios: Floats, confidence: float) -> MedianInterval | None:
    return median_interval(ratios, confidence) if len(ratios) >= fewest_for_median_interval(confidence) else None


def _median(assessed: Floats, prices: Floats) -> float:
    middle = float(np.median(assessed / prices))
    if middle <= 0:
        raise UnusableSales("The median ratio is zero, so nothing can be measured against it.")
    return middle
