"""The sales from which a price index is made, as columns. No Django."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..selection import Selection, market_sales, period_number

if TYPE_CHECKING:
    import ibis

    from terrafusion.analytics.engine import Columns, Market

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CHARACTERISTICS = (
    "living_area_sqft", "lot_sqft", "basement_sqft", "garage_sqft", "year_built", "effective_year", "quality",
    "condition", "baths", "stories", "view", "waterfront", "longitude", "latitude", "property_type", "neighborhood",
)  # fmt: skip


@dataclass(frozen=True)
class IndexSales:
    """The sales of an index; every array has one entry for each sale.

    period: counted from 0, the first period. first_period: the number of the first period, as
    `selection.period_number` gives it. periods: how many there are from the first to the last, with those without a
    sale. day: days since 1970. property_key: NaN where the property is not on the roll.
    """

    period: Ints
    first_period: int
    periods: int
    day: Ints
    sale_price: Floats
    property_key: Floats
    characteristics: Columns

    def __len__(self) -> int:
        return len(self.period)

    @property
    def volume(self) -> Ints:
        """The number of sales in each period, shape (periods,)."""
        return np.bincount(self.period, minlength=self.periods)

    def where(self, chosen: Bools, periods: int | None = None) -> IndexSales:
        """Some of the sales. chosen: a mask. periods: the number of periods, where it changes."""
        columns = {name: column[chosen] for name, column in self.characteristics.items()}
        return IndexSales(
            self.period[chosen], self.first_period, periods or self.periods, self.day[chosen],
            self.sale_price[chosen], self.property_key[chosen], columns,
        )  # fmt: skip


def index_expression(sales: ibis.Table, selection: Selection) -> ibis.Table:
    """The market's sales in a fixed order, so that every engine gives the same sums."""
    chosen = market_sales(sales, selection)
    columns = chosen.select(
        "sale_key",
        "sale_date",
        "sale_price",
        "property_key",
        *CHARACTERISTICS,
        period=period_number(chosen.sale_date, selection.period),
    )
    return columns.order_by("sale_date", "sale_key")


def index_sales(market: Market, selection: Selection) -> IndexSales:
    """The sales of `index_expression` as arrays."""
    columns = market.columns(index_expression(market.sales, selection))
    period = columns["period"].astype(np.int64)
    first = int(period[0]) if len(period) else 0
    return IndexSales(
        period=period - first,
        first_period=first,
        periods=int(period[-1]) - first + 1 if len(period) else 0,
        day=columns["sale_date"].astype("datetime64[D]").astype(np.int64),
        sale_price=columns["sale_price"].astype(np.float64),
        property_key=columns["property_key"].astype(np.float64),
        characteristics={name: columns[name] for name in CHARACTERISTICS},
    )
