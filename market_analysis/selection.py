"""Which sales an analysis looks at, and the periods they fall in. No Django."""

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
FEWEST_FOR_INTERVAL = 6  # with five sales even the whole range covers the median in 93.75 % only
PERIODS_A_YEAR = {"month": 12, "quarter": 4, "year": 1}


class NoSales(TerraFusionError):
    """Nothing to analyse; the sentence says what there is."""


@dataclass(frozen=True)
class Selection:
    """first, last: days, both included; None where open. filters: allowed values by column; all must hold.

    minimum_sales: with fewer, a figure is marked as resting on too few sales.
    """

    first: date | None = None
    last: date | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    period: str = "quarter"
    minimum_sales: int = 5

    def __str__(self) -> str:
        days = [f"from {self.first}" if self.first else "", f"to {self.last}" if self.last else ""]
        among = [
            f"{name} {', '.join(values[:5])}{' ...' if len(values) > 5 else ''}"
            for name, values in self.filters.items()
        ]
        return " ".join(filter(None, [*days, *among]))


@dataclass(frozen=True)
class Window:
    """The days on which a sale could have been seen, both included."""

    first: date
    last: date

    @property
    def years(self) -> float:
        return ((self.last - self.first).days + 1) / DAYS_A_YEAR

    def share_of(self, start: date, after: date) -> float:
        """How much of the days from `start` up to `after`, which is not one of them, lies in it: 0 to 1."""
        first, end = max(start, self.first), min(after, self.last + timedelta(days=1))
        return max((end - first).days, 0) / (after - start).days

    def holds_year(self, year: int) -> bool:
        """The whole year. A few days without a sale at its start or end are no gap in the record."""
        return self.first <= date(year, 1, 1) + SLACK and self.last >= date(year, 12, 31) - SLACK


def effective_window(market: Market, selection: Selection) -> Window:
    """The selection's days within those of the snapshot: what the figures a year must be divided by.

    Call it when there are sales, see `require_sales`.
    """
    first = max(each for each in (selection.first, market.first_sale) if each is not None)
    last = min(each for each in (selection.last, market.last_sale) if each is not None)
    return Window(first, last)


def widened(selection: Selection, days: int) -> Selection:
    """With so many days more at either end: what a sale of the window is compared with may lie outside."""
    more = timedelta(days=days)
    return replace(
        selection,
        first=None if selection.first is None else selection.first - more,
        last=None if selection.last is None else selection.last + more,
    )


def in_window(sales: ibis.Table, selection: Selection) -> ibis.Table:
    """Every sale of the window and filters, arm's length or not."""
    return filtered(on_days(sales, selection), selection)


def on_days(sales: ibis.Table, selection: Selection) -> ibis.Table:
    """Sales from the first to the last day of the selection."""
    if selection.first is not None:
        sales = sales.filter(sales.sale_date >= selection.first)
    if selection.last is not None:
        sales = sales.filter(sales.sale_date <= selection.last)
    return sales


def filtered(table: ibis.Table, selection: Selection) -> ibis.Table:
    """Rows of sales or properties that the filters let through."""
    for column, values in selection.filters.items():
        table = table.filter(table[column].isin(list(values)))
    return table


def market_sales(sales: ibis.Table, selection: Selection) -> ibis.Table:
    """Sales that may speak for the property they conveyed, as the roll judged them: roll/sale_fitness.py."""
    chosen = in_window(sales, selection)
    return chosen.filter(chosen.left_out == "")


def require_sales(market: Market, selection: Selection) -> int:
    """How many sales the selection holds. Raises NoSales naming the window when there is none."""
    counted = market_sales(market.sales, selection).aggregate(number=lambda t: t.count())
    number = int(market.rows(counted)[0]["number"])
    if number:
        return number
    have = f"Its sales run from {market.first_sale} to {market.last_sale}." if market.first_sale else ""
    found = f"The county has no arm's-length sales {selection}".rstrip()
    raise NoSales(f"{found}. {have or 'It has no sales at all.'}")


def period_number(sale_date: Any, period: str) -> Any:
    """Periods since year 0: 2023-Q1 is 4 * 2023. int64 on both engines."""
    year = sale_date.year().cast("int64")
    if period == "year":
        return year
    month = sale_date.month().cast("int64") - 1
    return year * 12 + month if period == "month" else year * 4 + (month / 3).floor().cast("int64")


def period_label(number: int, period: str) -> str:
    """2023, 2023-Q1 or 2023-01."""
    year, part = divmod(number, PERIODS_A_YEAR[period])
    return {"year": f"{year}", "quarter": f"{year}-Q{part + 1}", "month": f"{year}-{part + 1:02d}"}[period]


def period_start(number: int, period: str) -> date:
    a_year = PERIODS_A_YEAR[period]
    return date(number // a_year, 1 + number % a_year * (12 // a_year), 1)


def change_words(percent: float) -> str:
    """As in "rose 1.2 %", and never "fell 0.0 %"."""
    if round(abs(percent), 1) == 0:
        return "changed by less than 0.1 %" if percent else "did not change"
    return f"{'rose' if percent > 0 else 'fell'} {abs(percent):.1f} %"


def period_end(number: int, period: str) -> date:
    """The day after its last."""
    return period_start(number + 1, period)


def area_kind(column: str) -> str:
    """The kind of area a column holds, in words: "zip_code" is "ZIP code"."""
    return column.replace("_", " ").replace("zip code", "ZIP code")


def whole_dollars(value: float | None) -> int | None:
    """Halves to even, the same whichever engine gave the number."""
    return None if value is None else round(value)


def price_per_sqft(sales: Any) -> Any:
    """Dollars a square foot of living area; NULL without one."""
    return cast(Any, sales.sale_price.cast("float64") / sales.living_area_sqft.nullif(0))


def day_number(sale_date: Any) -> Any:
    """Days since 1970, int64 on both engines."""
    import ibis

    return sale_date.delta(ibis.date(1970, 1, 1), unit="day").cast("int64")
