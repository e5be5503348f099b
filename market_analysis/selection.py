"""The sales that an analysis looks at, and the periods they fall in. No Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, cast

from terrafusion.errors import TerraFusionError

if TYPE_CHECKING:
    import ibis

    from terrafusion.analytics.engine import Market

FLIP_DAYS = 365
DAYS_A_YEAR = 365.25
SLACK = timedelta(days=7)
FEWEST_FOR_INTERVAL = 6  # The whole range of five sales holds the median with a confidence of only 93.75 %.
PERIODS_A_YEAR = {"month": 12, "quarter": 4, "year": 1}


class NoSales(TerraFusionError):
    """There is no sale to analyse. The message says which sales there are."""


@dataclass(frozen=True)
class Selection:
    """Which sales an analysis looks at.

    first, last: days, both included; None where the window is open. filters: the allowed values of a column; a sale
    must pass all of them. minimum_sales: a figure of fewer sales is marked.
    """

    first: date | None = None
    last: date | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    period: str = "quarter"
    minimum_sales: int = 5

    def __str__(self) -> str:
        days = [f"from {self.first}" if self.first else "", f"to {self.last}" if self.last else ""]
        filters = [
            f"{name} {', '.join(values[:5])}{' ...' if len(values) > 5 else ''}"
            for name, values in self.filters.items()
        ]
        return " ".join(filter(None, [*days, *filters]))


@dataclass(frozen=True)
class Window:
    """The days on which a sale could have been seen, both included."""

    first: date
    last: date

    @property
    def years(self) -> float:
        return ((self.last - self.first).days + 1) / DAYS_A_YEAR

    def share_of(self, start: date, after: date) -> float:
        """The share of the days from `start` to the day before `after` that lies in the window, 0 to 1."""
        first, end = max(start, self.first), min(after, self.last + timedelta(days=1))
        return max((end - first).days, 0) / (after - start).days

    def holds_year(self, year: int) -> bool:
        """Whether the whole year lies in the window. A few days at its start or end may have no sale."""
        return self.first <= date(year, 1, 1) + SLACK and self.last >= date(year, 12, 31) - SLACK


def effective_window(market: Market, selection: Selection) -> Window:
    """The days of the selection that the snapshot covers. A figure for a year is divided by their length.

    The market must hold sales; `require_sales` makes sure of that.
    """
    first = max(day for day in (selection.first, market.first_sale) if day is not None)
    last = min(day for day in (selection.last, market.last_sale) if day is not None)
    return Window(first, last)


def widened(selection: Selection, days: int) -> Selection:
    """The selection with so many days more at either end, for sales with which those of the window are compared."""
    margin = timedelta(days=days)
    return replace(
        selection,
        first=None if selection.first is None else selection.first - margin,
        last=None if selection.last is None else selection.last + margin,
    )


def in_window(sales: ibis.Table, selection: Selection) -> ibis.Table:
    """Every sale of the window that passes the filters, at arm's length or not."""
    return filtered(on_days(sales, selection), selection)


def on_days(sales: ibis.Table, selection: Selection) -> ibis.Table:
    """Sales from the first to the last day of the selection."""
    if selection.first is not None:
        sales = sales.filter(sales.sale_date >= selection.first)
    if selection.last is not None:
        sales = sales.filter(sales.sale_date <= selection.last)
    return sales


def filtered(table: ibis.Table, selection: Selection) -> ibis.Table:
    """The rows of sales or properties that pass the filters."""
    for column, values in selection.filters.items():
        table = table.filter(table[column].isin(list(values)))
    return table


def market_sales(sales: ibis.Table, selection: Selection) -> ibis.Table:
    """The sales whose price is that of the property, by the rules of the roll (terrafusion/roll/sale_fitness.py)."""
    chosen = in_window(sales, selection)
    return chosen.filter(chosen.left_out == "")


def require_sales(market: Market, selection: Selection) -> int:
    """How many sales the selection holds. Raises NoSales naming the window when there is none."""
    counting = market_sales(market.sales, selection).aggregate(number=lambda sales: sales.count())
    number = int(market.rows(counting)[0]["number"])
    if number:
        return number
    extent = f"Its sales run from {market.first_sale} to {market.last_sale}." if market.first_sale else ""
    sentence = f"The county has no arm's-length sales {selection}".rstrip()
    raise NoSales(f"{sentence}. {extent or 'It has no sales at all.'}")


def period_number(sale_date: Any, period: str) -> Any:
    """The number of periods since year 0: 2023-Q1 is 4 * 2023. int64 on both engines."""
    year = sale_date.year().cast("int64")
    if period == "year":
        return year
    month = sale_date.month().cast("int64") - 1
    return year * 12 + month if period == "month" else year * 4 + (month / 3).floor().cast("int64")


def period_label(number: int, period: str) -> str:
    """The name of a period: 2023, 2023-Q1 or 2023-01."""
    year, part = divmod(number, PERIODS_A_YEAR[period])
    return {"year": f"{year}", "quarter": f"{year}-Q{part + 1}", "month": f"{year}-{part + 1:02d}"}[period]


def period_start(number: int, period: str) -> date:
    """The first day of a period."""
    year, part = divmod(number, PERIODS_A_YEAR[period])
    return date(year, 1 + part * 12 // PERIODS_A_YEAR[period], 1)


def period_end(number: int, period: str) -> date:
    """The day after the last day of a period."""
    return period_start(number + 1, period)


def price_per_sqft(sales: Any) -> Any:
    """Dollars a square foot of living area; NULL without one."""
    return cast(Any, sales.sale_price.cast("float64") / sales.living_area_sqft.nullif(0))


def day_number(sale_date: Any) -> Any:
    """Days since 1970, int64 on both engines."""
    import ibis

    return sale_date.delta(ibis.date(1970, 1, 1), unit="day").cast("int64")
