"""Bringing sale prices to one date. No Django.

Prices of different months stand at different levels of the market; without the adjustment a rising market looks like
falling ratios. The adjustment is optional, and a study shows its results with and without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from terrafusion.roll.market_levels import MarketLevels, days_since_epoch

from ..ratio_study.study_sales import StudySales
from .ratio_statistics import Floats, NotEnoughSales, UnusableSales, order_free_mean, order_free_sum, sale_ratios

DAYS_A_YEAR = 365.25
FEWEST_SALES = 30


@dataclass(frozen=True)
class TimeAdjustment:
    """adjusted price = price x level at the target date / level at the sale date."""

    target: date
    levels: MarketLevels
    description: str

    def adjusted(self, sales: StudySales) -> Floats:
        """Dollars at the target date, to the dollar; at least one. Shape (n,)."""
        sold = self.levels.log_at(days_since_epoch(sales.sale_date))
        (at_target,) = self.levels.log_at(days_since_epoch([self.target]))
        return np.maximum(np.round(sales.sale_price * np.exp(at_target - sold)), 1.0)


def steady_rate(percent_per_year: float, first: date, target: date) -> TimeAdjustment:
    """The adjustment for a market that changes by the same percentage every year, compounded.

    Raises UnusableSales for a rate that is not a number above -100.
    """
    if not -100 < percent_per_year < np.inf:
        raise UnusableSales(f"percent_per_year must be a number above -100; it is {percent_per_year}.")
    ends = [min(first, target), max(first, target)]
    return _along(ends, np.log1p(percent_per_year / 100), target, f"{percent_per_year:+.2f} % a year, as requested")


def rate_of_ratios(sales: StudySales, target: date) -> TimeAdjustment:
    """The adjustment at the rate at which ratios fall with the date of sale: least squares of log ratio on time.

    All assessed values are of one date, so a trend of the ratios is a trend of the market. Raises NotEnoughSales below
    30 sales, UnusableSales for a sale without a ratio above zero.
    Source: IAAO Standard on Ratio Studies (April 2013), adjustments for time: sales ratio trend analysis.
    """
    if len(sales) < FEWEST_SALES:
        raise NotEnoughSales(
            f"A market trend from ratios needs at least {FEWEST_SALES} sales; there are {len(sales)}. "
            "Give percent_per_year or a series instead."
        )
    ratios = sale_ratios(sales.assessed_value, sales.sale_price)
    if bad := int(np.sum(ratios == 0)):
        raise UnusableSales(f"{bad} of {len(ratios)} ratios are zero, so they have no trend.")
    years = days_since_epoch(sales.sale_date) / DAYS_A_YEAR
    x = years - order_free_mean(years)
    spread = order_free_sum(x * x)
    rate = -order_free_sum(x * np.log(ratios)) / spread if spread > 0 else 0.0
    ends = [sales.sale_date.min().astype(object), sales.sale_date.max().astype(object)]
    description = f"{100 * np.expm1(rate):+.2f} % a year, the trend of the ratios"
    return _along([min(ends[0], target), max(ends[1], target)], rate, target, description)


def by_index(levels: MarketLevels, target: date, series: str) -> TimeAdjustment:
    """The adjustment by a price index. series: the name of the index."""
    return TimeAdjustment(target, levels, f"index {series}")


def _along(ends: Sequence[date], log_rate_a_year: float, target: date, description: str) -> TimeAdjustment:
    days = days_since_epoch(ends)
    return TimeAdjustment(target, MarketLevels(days, (days - days[0]) / DAYS_A_YEAR * log_rate_a_year), description)
