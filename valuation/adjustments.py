"""The adjustment grid: the price of each comparable adjusted to the subject, line by line, in whole dollars.

A comparable gains value for what only the subject has, and loses value for what only the comparable has. No Django, no
clock.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

COUNTY_RATE = "county rate"


@dataclass(frozen=True)
class Adjustment:
    """One line of the grid: whole dollars added to the comparable's sale price."""

    name: str
    amount: int
    source: str
    subject: float | str | None = None
    comparable: float | str | None = None


@dataclass(frozen=True)
class MarketDifference:
    """A difference between subject and comparable, in the log price the market pays for it.

    source: where that price comes from; None where it comes from the source of the whole grid.
    """

    name: str
    log_price: float
    subject: float | str | None = None
    comparable: float | str | None = None
    source: str | None = None


def whole_dollars(amount: Decimal | float) -> int:
    """The amount rounded to the dollar; half a dollar is rounded away from zero (ROUND_HALF_UP)."""
    return int(Decimal(str(amount)).quantize(Decimal(1), ROUND_HALF_UP))


def rate_adjustment(name: str, subject: float, comparable: float, dollars_per_unit: Decimal) -> Adjustment:
    """Dollars for a difference at a rate the county has set."""
    # The comparable moves towards the subject: a smaller comparable gains value.
    difference = Decimal(str(subject)) - Decimal(str(comparable))
    return Adjustment(name, whole_dollars(difference * dollars_per_unit), COUNTY_RATE, subject, comparable)


def market_adjustments(sale_price: int, differences: Sequence[MarketDifference], source: str) -> list[Adjustment]:
    """Dollars for differences known in log price, such that the unrounded lines add up exactly.

    The logarithmic mean L of the price before and after, (P' - P) / ln(P' / P), shares the whole change among the
    lines in proportion: P + sum of L x difference = P', whatever the order of the lines.
    """
    total = sum(difference.log_price for difference in differences)
    # expm1(t) / t is (e^t - 1) / t without the loss of digits near zero.
    mean = sale_price * (math.expm1(total) / total if abs(total) > 1e-12 else 1.0)
    return [
        Adjustment(
            difference.name,
            whole_dollars(difference.log_price * mean),
            difference.source or source,
            difference.subject,
            difference.comparable,
        )
        for difference in differences
    ]


@dataclass(frozen=True)
class AdjustedSale:
    """A comparable with the lines of its grid. `adjusted_sale_price` is the price plus the lines, in whole dollars."""

    sale_price: int
    adjustments: tuple[Adjustment, ...]

    @property
    def adjusted_sale_price(self) -> int:
        return self.sale_price + sum(line.amount for line in self.adjustments)

    @property
    def net_percent(self) -> float:
        """Sum of the lines, in percent of the sale price."""
        return 100 * sum(line.amount for line in self.adjustments) / self.sale_price

    @property
    def gross_percent(self) -> float:
        """Sum of the lines regardless of sign, in percent of the sale price."""
        return 100 * sum(abs(line.amount) for line in self.adjustments) / self.sale_price


def adjust(
    sale_price: int,
    differences: Sequence[MarketDifference],
    rates: Mapping[str, Decimal],
    source: str,
) -> AdjustedSale:
    """Adjusts one sale: at the county's rate where the county has set one, else at the price the market pays."""
    without_rate = [difference for difference in differences if difference.name not in rates]
    lines = {line.name: line for line in market_adjustments(sale_price, without_rate, source)}
    for difference in differences:
        if difference.name in rates:
            known = isinstance(difference.subject, int | float) and isinstance(difference.comparable, int | float)
            lines[difference.name] = (
                rate_adjustment(difference.name, difference.subject, difference.comparable, rates[difference.name])  # type: ignore[arg-type]
                if known
                else Adjustment(difference.name, 0, COUNTY_RATE, difference.subject, difference.comparable)
            )
    return AdjustedSale(sale_price, tuple(lines[difference.name] for difference in differences))
