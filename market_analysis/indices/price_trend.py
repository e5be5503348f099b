"""Prices period by period, for the whole selection or for each of its areas. No Django."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from terrafusion.analytics.engine import previous

from ..figures import area_kind, change_words, whole_dollars
from ..selection import FEWEST_FOR_INTERVAL, Selection, market_sales, period_label, period_number, price_per_sqft

if TYPE_CHECKING:
    from terrafusion.analytics.engine import Market

EVERYWHERE = ""  # the area of a trend without areas


@dataclass(frozen=True)
class TrendPoint:
    """The prices of one period in one area, in dollars.

    median_low, median_high: the 95 % interval of the median; None with too few sales. change_percent: of the median
    against the period before; None when that period had no sale.
    """

    area: str
    period_number: int
    average_price: int
    median_price: int
    median_low: int | None
    median_high: int | None
    price_per_sqft: float | None
    sales_volume: int
    change_percent: float | None
    too_few_sales: bool


def price_trend(market: Market, selection: Selection, area: str | None = None) -> list[TrendPoint]:
    """Every period with a sale, in order of area and time. area: the column of the areas; None without areas."""
    expression = trend_expression(market.sales, selection, area)
    return [_point(row, selection) for row in market.rows(expression)]


def trend_expression(sales: ibis.Table, selection: Selection, area: str | None) -> ibis.Table:
    """The query behind `price_trend`.

    The interval of the median is made of order statistics, which hold for any distribution of prices: of n sorted
    prices, those at (n + 1) / 2 -+ 1.96 sqrt(n) / 2, rounded outwards. Source: IAAO Standard on Ratio Studies (2013),
    appendix on confidence intervals of the median.
    """
    chosen = market_sales(sales, selection)
    chosen = chosen.mutate(
        area=chosen[area] if area else ibis.literal(EVERYWHERE),
        period=period_number(chosen.sale_date, selection.period),
        per_sqft=price_per_sqft(chosen),
    )
    grouped = chosen.group_by("area", "period").aggregate(
        average_price=chosen.sale_price.mean(),
        per_sqft=chosen.per_sqft.median(),
        n=chosen.count(),
        prices=chosen.sale_price.collect(include_null=True),  # No price is NULL, so DuckDB need not look for one.
    )
    n = grouped.n.cast("int64")
    low = ((n + 1) / 2 - 0.98 * n.cast("float64").sqrt()).floor().cast("int64")
    ranked = grouped.mutate(prices=grouped.prices.sort(), n=n, low=low)
    prices, n, low = ranked.prices, ranked.n, ranked.low
    middle = ((n - 1) / 2).floor().cast("int64")
    figures = ranked.select(
        "area",
        "period",
        "average_price",
        "per_sqft",
        "n",
        median_price=(prices[middle] + prices[n - 1 - middle]) / 2,
        median_low=ibis.ifelse(n >= FEWEST_FOR_INTERVAL, prices[low - 1], ibis.null("int64")),
        median_high=ibis.ifelse(n >= FEWEST_FOR_INTERVAL, prices[n - low], ibis.null("int64")),
    )
    before = ibis.window(group_by="area", order_by="period")
    with_before = figures.mutate(
        median_before=previous(figures.median_price).over(before), period_before=previous(figures.period).over(before)
    )
    return with_before.order_by("area", "period")


def _point(row: Mapping[str, Any], selection: Selection) -> TrendPoint:
    adjacent = row["period_before"] is not None and row["period"] - row["period_before"] == 1
    change = 100 * (row["median_price"] / row["median_before"] - 1) if adjacent and row["median_before"] else None
    return TrendPoint(
        area=row["area"],
        period_number=row["period"],
        average_price=round(row["average_price"]),
        median_price=round(row["median_price"]),
        median_low=whole_dollars(row["median_low"]),
        median_high=whole_dollars(row["median_high"]),
        price_per_sqft=None if row["per_sqft"] is None else round(row["per_sqft"], 2),
        sales_volume=row["n"],
        change_percent=None if change is None else round(change, 2),
        too_few_sales=row["n"] < selection.minimum_sales,
    )


def trend_json(point: TrendPoint, period: str, area_name: str | None) -> dict[str, Any]:
    """The point as the API shows it. area_name: the field for the area's code, for example `zip_code`."""
    return {
        **({area_name: point.area} if area_name else {}),
        "period": period_label(point.period_number, period),
        "average_price": point.average_price,
        "median_price": point.median_price,
        "median_price_low": point.median_low,
        "median_price_high": point.median_high,
        "price_per_sqft": point.price_per_sqft,
        "sales_volume": point.sales_volume,
        "change_percent": point.change_percent,
        "too_few_sales": point.too_few_sales,
    }


@dataclass(frozen=True)
class AreaChange:
    """The change from an area's first period with enough sales to its last."""

    first: TrendPoint
    last: TrendPoint

    @property
    def percent(self) -> float:
        return 100 * (self.last.median_price / self.first.median_price - 1)

    @property
    def caveat(self) -> str:
        """The clause that a finding must add to the change; '' for a clear change."""
        if self.clear:
            return ""
        if self.first.median_low is None or self.last.median_low is None:
            return "; there are too few sales for an interval"
        return "; the 95 % intervals of the two medians overlap"

    @property
    def clear(self) -> bool:
        """Whether the intervals of the two medians are known and do not overlap."""
        a, b = self.first, self.last
        if a.median_low is None or a.median_high is None or b.median_low is None or b.median_high is None:
            return False
        return b.median_low > a.median_high or b.median_high < a.median_low


def area_changes(points: Sequence[TrendPoint]) -> dict[str, AreaChange]:
    """The change of every area that has two periods with enough sales, by area."""
    by_area: dict[str, list[TrendPoint]] = {}
    for point in points:
        if not point.too_few_sales and point.median_price > 0:
            by_area.setdefault(point.area, []).append(point)
    return {area: AreaChange(own[0], own[-1]) for area, own in by_area.items() if len(own) > 1}


def finding(points: Sequence[TrendPoint], selection: Selection, area_name: str | None) -> str:
    """One true sentence about the strongest change from a first to a last period, or that no change can be told."""
    changes = area_changes(points)
    if not changes:
        few = f"at least {selection.minimum_sales} sales"
        return f"No {'area' if area_name else 'pair of periods'} has two periods with {few}, so no change can be told."
    # A clear change takes precedence over a larger one that two medians of few sales happen to show.
    area, change = max(changes.items(), key=lambda item: (item[1].clear, abs(item[1].percent), item[0]))
    clause = _change_in_words(change, selection)
    if not area_name:
        return f"The median sale price {clause}{change.caveat}."
    kind = area_kind(area_name)
    name = f"{kind} {area}" if area else f"sales without a {kind}"
    largest = "largest clear change" if change.clear else "largest change"
    rank = f", the {largest} of {len(changes)} areas" if len(changes) > 1 else ""
    return f"In {name} the median sale price {clause}{rank}{change.caveat}."


def _change_in_words(change: AreaChange, selection: Selection) -> str:
    first, last = change.first, change.last
    since, until = (period_label(point.period_number, selection.period) for point in (first, last))
    return (
        f"{change_words(change.percent)} from ${first.median_price:,} in {since} ({first.sales_volume:,} sales) "
        f"to ${last.median_price:,} in {until} ({last.sales_volume:,} sales)"
    )
