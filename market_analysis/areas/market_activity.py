"""How busy a market is: volume, turnover, the spread of prices, resales and the seasons. No Django."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ibis

from terrafusion.analytics.engine import previous

from ..selection import (
    FLIP_DAYS,
    PERIODS_A_YEAR,
    Selection,
    Window,
    day_number,
    filtered,
    market_sales,
    on_days,
    period_number,
    price_per_sqft,
    widened,
)

if TYPE_CHECKING:
    from terrafusion.analytics.engine import Market

DECILES = tuple(tenth / 10 for tenth in range(1, 10))


def activity_by_period(sales: ibis.Table, selection: Selection) -> ibis.Table:
    """Number of sales, dollars and quartiles of every period with a sale, and the number of each of its months."""
    chosen = market_sales(sales, selection)
    chosen = chosen.mutate(period=period_number(chosen.sale_date, selection.period), per_sqft=price_per_sqft(chosen))
    spread = chosen.sale_price.quantile([0.25, 0.5, 0.75])
    months = _months_of(selection.period)
    place = (chosen.sale_date.month() - 1) % months
    grouped = chosen.group_by("period").aggregate(
        n=chosen.count(),
        dollars=chosen.sale_price.sum(),
        spread=spread,
        per_sqft=chosen.per_sqft.median(),
        **{f"month_{month}": chosen.count(where=place == month) for month in range(months)},
    )
    return grouped.order_by("period")


def price_distribution(sales: ibis.Table, selection: Selection) -> ibis.Table:
    """One row: the deciles of price and of price per square foot over the whole selection."""
    chosen = market_sales(sales, selection)
    chosen = chosen.mutate(per_sqft=price_per_sqft(chosen))
    return chosen.aggregate(
        price=chosen.sale_price.quantile(list(DECILES)), per_sqft=chosen.per_sqft.quantile(list(DECILES))
    )


def resales(sales: ibis.Table, selection: Selection, within_days: int = FLIP_DAYS) -> ibis.Table:
    """Quick resales by the period of the second sale: their number, median gain in percent and median days held.

    The second sale lies in the window; the first may lie before it.
    """
    chosen = market_sales(sales, widened(selection, within_days))
    chosen = chosen.filter(chosen.property_key.notnull() & (chosen.sale_price > 0))
    chosen = chosen.select(
        "property_key",
        "sale_price",
        "sale_key",
        "sale_date",
        day=day_number(chosen.sale_date),
        period=period_number(chosen.sale_date, selection.period),
    )
    before = ibis.window(group_by="property_key", order_by=["day", "sale_key"])
    with_before = chosen.mutate(
        day_before=previous(chosen.day).over(before), price_before=previous(chosen.sale_price).over(before)
    )
    days_held = with_before.day - with_before.day_before
    flips = on_days(with_before.filter(days_held <= within_days), selection)
    flips = flips.mutate(
        days_held=flips.day - flips.day_before, gain_percent=100 * (flips.sale_price / flips.price_before - 1)
    )
    grouped = flips.group_by("period").aggregate(
        n=flips.count(), gain_percent=flips.gain_percent.median(), days_held=flips.days_held.median()
    )
    return grouped.order_by("period")


def monthly_volume(rows: Sequence[Mapping[str, Any]], period: str) -> list[dict[str, int]]:
    """The number of sales of every month with a sale. rows: of `activity_by_period`."""
    months = _months_of(period)
    return [
        {"period": row["period"] * months + month, "n": row[f"month_{month}"]}
        for row in rows
        for month in range(months)
        if row[f"month_{month}"]
    ]


def _months_of(period: str) -> int:
    return 12 // PERIODS_A_YEAR[period]


def stock(market: Market, selection: Selection) -> int:
    """The number of properties on the roll that pass the filters."""
    on_roll = filtered(market.properties, selection)
    on_roll = on_roll.filter(on_roll.on_roll)
    return int(market.rows(on_roll.aggregate(n=on_roll.count()))[0]["n"])


def seasonality(monthly: Sequence[Mapping[str, Any]], window: Window) -> dict[str, float]:
    """The sales of each month of the year against an average month, by the number of the month; 1.0 is a twelfth.

    Only years count that lie in the window as a whole and have sales in every month; without such a year the result is
    empty. monthly: rows with the `period` number of a month and its `n` sales.
    """
    by_year: dict[int, dict[int, int]] = {}
    for row in monthly:
        year, month = divmod(row["period"], 12)
        by_year.setdefault(year, {})[month] = row["n"]
    whole = [months for year, months in by_year.items() if len(months) == 12 and window.holds_year(year)]
    if not whole:
        return {}
    shares = [{month: 12 * n / sum(months.values()) for month, n in months.items()} for months in whole]
    return {str(month + 1): round(sum(share[month] for share in shares) / len(shares), 3) for month in range(12)}
