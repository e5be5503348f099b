"""comparable_market_area: which areas behave like the one asked about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa

from ..answer import Answer, Question
from ..areas.area_statistics import AreaStatistics, area_statistics
from ..areas.comparable_areas import ComparableArea, NotEnoughAreas, comparable_areas
from ..charts import area_trends_chart
from ..indices.price_trend import price_trend, trend_json
from ..selection import area_kind, period_start, require_sales


def comparable_market_area(question: Question) -> Answer:
    """Raises NotEnoughAreas when the subject, or every other area, has too few sales."""
    market, selection, parameters = question.market, question.selection, question.parameters
    number = require_sales(market, selection)
    column, fewest = parameters["area"], selection.minimum_sales
    every = area_statistics(market, selection, column)
    areas = [each for each in every if each.sales_volume >= fewest]
    subject = _subject(parameters.get("area_code"), areas, column, fewest)
    found = comparable_areas(areas, subject.area, parameters["count"])
    shown = (subject.area, *(each.statistics.area for each in found))
    points = price_trend(market, replace(selection, filters={**selection.filters, column: shown}), column)
    trends = [trend_json(point, selection.period, column) for point in points]
    starts = [period_start(point.period_number, selection.period) for point in points]
    numbers = {
        "area": column,
        "subject": described(subject),
        "comparable_areas": [_json(each) for each in found],
        "areas_compared": len(areas),
        "areas_with_too_few_sales": len(every) - len(areas),
        "minimum_sales": fewest,
    }
    table = pa.Table.from_pylist(
        [{"rank": 0, "distance": 0.0, **described(subject)}]
        + [
            {"rank": rank, "distance": round(each.distance, 6), **described(each.statistics)}
            for rank, each in enumerate(found, 1)
        ]
    )
    return Answer(
        _finding(subject, found, column), number, numbers, table, trends, [area_trends_chart(trends, starts, column)]
    )


def _subject(code: str | None, areas: list[AreaStatistics], column: str, fewest: int) -> AreaStatistics:
    """The area asked about; without one, that with most sales."""
    if not areas:
        raise NotEnoughAreas(f"No area by {column} has {fewest} sales; widen the window or lower minimum_sales.")
    if code is None:
        return max(areas, key=lambda each: (each.sales_volume, each.area))
    for each in areas:
        if each.area == code:
            return each
    known = ", ".join(area.area for area in areas[:20])
    raise NotEnoughAreas(f"{column} {code} has fewer than {fewest} sales in the selection. With enough: {known}.")


def described(area: AreaStatistics) -> dict[str, Any]:
    """An area's figures as the API shows them."""
    return {
        "area": area.area,
        "sales_volume": area.sales_volume,
        "median_price": round(area.median_price),
        "price_per_sqft": _rounded(area.price_per_sqft, 2),
        "change_percent_per_year": _rounded(area.change_percent, 2),
        "shrunk_change_percent_per_year": _rounded(area.shrunk_change_percent, 2),
        "stock": area.stock,
        "turnover_percent_per_year": _rounded(None if area.turnover is None else 100 * area.turnover, 2),
        "living_area_sqft": _rounded(area.living_area_sqft, 0),
        "lot_sqft": _rounded(area.lot_sqft, 0),
        "year_built": _rounded(area.year_built, 0),
        "single_family_percent": _rounded(
            None if area.single_family_share is None else 100 * area.single_family_share, 1
        ),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)


def _json(found: ComparableArea) -> dict[str, Any]:
    return {
        **described(found.statistics),
        "distance": round(found.distance, 4),
        "alike": list(found.alike),
        "unlike": found.unlike or None,
    }


def _finding(subject: AreaStatistics, found: list[ComparableArea], column: str) -> str:
    nearest = found[0]
    return (
        f"The market of {area_kind(column)} {subject.area} is most like that of {nearest.statistics.area}: "
        f"{'; '.join(nearest.alike)}."
    )
