"""The figures of each area of a county as a market: price level, change, and the stock of property. No Django."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np

from ..selection import DAYS_A_YEAR, Selection, day_number, effective_window, filtered, market_sales, price_per_sqft

if TYPE_CHECKING:
    from terrafusion.analytics.engine import Market

# The sums count from these middles, about April 2019 and usual logs. That keeps them small, so that both engines agree
# to 1e-9.
MIDDLE_DAY = 18_000
MIDDLE_LOG_PRICE, MIDDLE_LOG_AREA = 12.5, 7.4
FEWEST_FOR_CHANGE = 10


@dataclass(frozen=True)
class AreaStatistics:
    """The figures of one area.

    median_price, price_per_sqft: dollars. change: of the log price in a year at equal living area; None with fewer than
    ten sales of known living area. change_error: its standard error. shrunk_change: the change pulled towards that of
    the county, the further the larger its standard error is. turnover: sales a year for each property.
    """

    area: str
    sales_volume: int
    median_price: float
    price_per_sqft: float | None
    change: float | None
    change_error: float | None
    shrunk_change: float | None
    stock: int
    living_area_sqft: float | None
    lot_sqft: float | None
    year_built: float | None
    single_family_share: float | None
    turnover: float | None

    @property
    def change_percent(self) -> float | None:
        return None if self.change is None else 100 * float(np.expm1(self.change))

    @property
    def shrunk_change_percent(self) -> float | None:
        return None if self.shrunk_change is None else 100 * float(np.expm1(self.shrunk_change))


def area_statistics(market: Market, selection: Selection, area: str) -> list[AreaStatistics]:
    """The figures of every area with a sale, in order of its code. Sales without an area do not count."""
    sold = market.rows(sold_expression(market.sales, selection, area))
    standing = {row["area"]: row for row in market.rows(stock_expression(market.properties, selection, area))}
    years = max(effective_window(market, selection).years, 1 / 12)
    changes = [change_per_year(row) for row in sold]
    shrunk = shrink(changes)
    return [
        _area(row, standing.get(row["area"], {}), change, pulled, years)
        for row, change, pulled in zip(sold, changes, shrunk, strict=True)
    ]


def sold_expression(sales: ibis.Table, selection: Selection, area: str) -> ibis.Table:
    """Medians by area, and the sums for a regression of log price on time and log living area."""
    chosen = market_sales(sales, selection)
    chosen = chosen.filter((chosen[area] != "") & (chosen.sale_price > 0))
    chosen = chosen.mutate(area=chosen[area], day=day_number(chosen.sale_date), per_sqft=price_per_sqft(chosen))
    described = chosen.living_area_sqft > 0
    chosen = chosen.mutate(
        described=described.fill_null(False),
        t=(chosen.day - MIDDLE_DAY) / DAYS_A_YEAR,
        y=chosen.sale_price.cast("float64").ln() - MIDDLE_LOG_PRICE,
        s=ibis.ifelse(described, chosen.living_area_sqft, 1).cast("float64").ln() - MIDDLE_LOG_AREA,
    )
    sums = {
        f"sum_{name}": value.sum(where=chosen.described)
        for name, value in {
            "t": chosen.t, "s": chosen.s, "y": chosen.y, "tt": chosen.t * chosen.t, "ss": chosen.s * chosen.s,
            "yy": chosen.y * chosen.y, "ts": chosen.t * chosen.s, "ty": chosen.t * chosen.y, "sy": chosen.s * chosen.y,
        }.items()
    }  # fmt: skip
    grouped = chosen.group_by("area").aggregate(
        n=chosen.count(),
        n_described=chosen.described.cast("int64").sum(),
        median_price=chosen.sale_price.median(),
        per_sqft=chosen.per_sqft.median(),
        **sums,
    )
    return grouped.order_by("area")


def stock_expression(properties: ibis.Table, selection: Selection, area: str) -> ibis.Table:
    """The number and the usual characteristics of the properties on the roll, by area."""
    on_roll = filtered(properties, selection)
    on_roll = on_roll.filter(on_roll.on_roll & (on_roll[area] != ""))
    on_roll = on_roll.mutate(area=on_roll[area])
    grouped = on_roll.group_by("area").aggregate(
        stock=on_roll.count(),
        living_area_sqft=on_roll.living_area_sqft.median(),
        lot_sqft=on_roll.lot_sqft.median(),
        year_built=on_roll.year_built.median(),
        single_family=(on_roll.property_type == "single_family").cast("int64").sum(),
    )
    return grouped.order_by("area")


def change_per_year(row: Mapping[str, Any]) -> tuple[float, float] | None:
    """Slope of log price on time at equal living area, and its standard error. None where the sales do not show it."""
    n = int(row["n_described"])
    if n < FEWEST_FOR_CHANGE:
        return None
    t, s, y = (row[f"sum_{name}"] for name in "tsy")
    tt, ss, yy = row["sum_tt"] - t * t / n, row["sum_ss"] - s * s / n, row["sum_yy"] - y * y / n
    ts, ty, sy = row["sum_ts"] - t * s / n, row["sum_ty"] - t * y / n, row["sum_sy"] - s * y / n
    if ss > 1e-9 * n:  # After Frisch and Waugh, what living area explains is taken out of price and time.
        tt, ty, yy = tt - ts * ts / ss, ty - ts * sy / ss, yy - sy * sy / ss
    if tt <= 1e-6 * n:  # All sales lie within days of each other.
        return None
    slope = ty / tt
    residual = max(yy - slope * ty, 0.0) / (n - 3)
    return slope, max(float(np.sqrt(residual / tt)), 1e-6)


def shrink(changes: Sequence[tuple[float, float] | None]) -> list[float | None]:
    """Each change pulled towards the mean of all, the further the larger its standard error is.

    changes: slope and standard error of each area; None where unknown.

    Source: empirical Bayes with the between-area variance of DerSimonian and Laird (1986), Controlled Clinical Trials.
    """
    known = np.array([change for change in changes if change is not None], dtype=np.float64).reshape(-1, 2)
    if len(known) < 2:
        return [None if change is None else change[0] for change in changes]
    slope, variance = known[:, 0], known[:, 1] ** 2
    weight = 1 / variance
    mean = float(weight @ slope / weight.sum())
    excess = float(weight @ (slope - mean) ** 2) - (len(slope) - 1)
    between = max(0.0, excess / float(weight.sum() - (weight**2).sum() / weight.sum()))
    total = 1 / (variance + between)
    mean = float(total @ slope / total.sum())

    def pulled(change: tuple[float, float] | None) -> float | None:
        if change is None:
            return None
        own, error = change
        share = between / (between + error**2)
        return share * own + (1 - share) * mean

    return [pulled(change) for change in changes]


def _area(
    row: Mapping[str, Any],
    standing: Mapping[str, Any],
    change: tuple[float, float] | None,
    shrunk: float | None,
    years: float,
) -> AreaStatistics:
    number = standing.get("stock", 0)
    return AreaStatistics(
        area=row["area"],
        sales_volume=row["n"],
        median_price=row["median_price"],
        price_per_sqft=row["per_sqft"],
        change=change[0] if change else None,
        change_error=change[1] if change else None,
        shrunk_change=shrunk,
        stock=number,
        living_area_sqft=standing.get("living_area_sqft"),
        lot_sqft=standing.get("lot_sqft"),
        year_built=standing.get("year_built"),
        single_family_share=standing["single_family"] / number if number else None,
        turnover=row["n"] / years / number if number else None,
    )
