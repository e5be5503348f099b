"""market_activity: volume, turnover, distribution of prices, quick resales (flips) and seasonality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..answer import Answer, Question, trend_table
from ..areas.market_activity import (
    DECILES,
    activity_by_period,
    monthly_volume,
    price_distribution,
    resales,
    seasonality,
    stock,
)
from ..charts import distribution_chart, seasonality_chart, volume_chart
from ..selection import (
    PERIODS_A_YEAR,
    Selection,
    Window,
    effective_window,
    period_end,
    period_label,
    period_start,
    require_sales,
)

FEWEST_FOR_DECILES = 10
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def market_activity(question: Question) -> Answer:
    market, selection = question.market, question.selection
    number = require_sales(market, selection)
    within = int(question.parameters["flip_days"])
    rows = market.rows(activity_by_period(market.sales, selection))
    flips = {row["period"]: row for row in market.rows(resales(market.sales, selection, within))}
    standing = stock(market, selection)
    window = effective_window(market, selection)
    trends = [_point(row, flips.get(row["period"]), standing, window, selection) for row in rows]
    starts = [period_start(row["period"], selection.period) for row in rows]
    (spread,) = market.rows(price_distribution(market.sales, selection))
    seasons = seasonality(monthly_volume(rows, selection.period), window)
    flipped = sum(row["n"] for row in flips.values())
    numbers: dict[str, Any] = {
        "stock": standing,
        "turnover_percent_per_year": round(100 * number / standing / window.years, 3) if standing else None,
        "price_deciles": _deciles(spread["price"], 0) if number >= FEWEST_FOR_DECILES else {},
        "price_per_sqft_deciles": _deciles(spread["per_sqft"], 2) if number >= FEWEST_FOR_DECILES else {},
        "flips": flipped,
        "flips_percent": round(100 * flipped / number, 2),
        "seasonality": seasons,
    }
    table = trend_table(starts, trends)
    charts = [volume_chart(trends, starts)]
    if numbers["price_deciles"]:
        charts.append(distribution_chart(numbers["price_deciles"]))
    if seasons:
        charts.append(seasonality_chart(seasons))
    return Answer(_finding(trends, numbers, number), number, numbers, table, trends, charts)


def _point(
    row: Mapping[str, Any], flips: Mapping[str, Any] | None, standing: int, window: Window, selection: Selection
) -> dict[str, Any]:
    """The figures of one period. Its turnover is sales a year for each hundred properties.

    The turnover of a period that the window cuts is that of the part inside the window.
    """
    number, length = row["period"], selection.period
    share = window.share_of(period_start(number, length), period_end(number, length))
    turnover = 100 * row["n"] * PERIODS_A_YEAR[length] / share / standing if standing else None
    low, middle, high = row["spread"]
    return {
        "period": period_label(number, length),
        "average_price": round(row["dollars"] / row["n"]),
        "median_price": round(middle),
        "lower_quartile_price": round(low),
        "upper_quartile_price": round(high),
        "price_per_sqft": None if row["per_sqft"] is None else round(row["per_sqft"], 2),
        "sales_volume": row["n"],
        "dollar_volume": row["dollars"],
        "turnover_percent_per_year": None if turnover is None else round(turnover, 3),
        "too_few_sales": row["n"] < selection.minimum_sales,
        "flips": flips["n"] if flips else 0,
        "flip_gain_percent": round(flips["gain_percent"], 2) if flips else None,
        "flip_days_held": round(flips["days_held"], 1) if flips else None,
    }


def _deciles(values: list[float | None], digits: int) -> dict[str, float]:
    """The deciles by name, p10 to p90; empty where they are unknown."""
    known = [value for value in values if value is not None] if values else []
    if len(known) < len(DECILES):
        return {}
    return {
        f"p{round(100 * decile)}": round(value, digits) if digits else round(value)
        for decile, value in zip(DECILES, known, strict=True)
    }


def _finding(trends: list[dict[str, Any]], numbers: Mapping[str, Any], number: int) -> str:
    busiest = max(trends, key=lambda trend: trend["sales_volume"])
    sentence = (
        f"{number:,} sale{'' if number == 1 else 's'}; {busiest['period']} had most, {busiest['sales_volume']:,}."
    )
    if deciles := numbers["price_deciles"]:
        sentence += f" Eight of ten prices lie between ${deciles['p10']:,} and ${deciles['p90']:,}."
    if seasons := numbers["seasonality"]:
        month = max(seasons, key=lambda number: seasons[number])
        sentence += f" {MONTHS[int(month) - 1]} sells {seasons[month]:.2f} times an average month."
    return sentence
