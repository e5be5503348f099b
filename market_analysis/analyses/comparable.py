"""comparable_market_area: the areas whose market is most like that of one area, the subject."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa

from ..answer import Answer, Question
from ..areas.area_statistics import AreaStatistics, area_statistics
from ..areas.comparable_areas import ComparableArea, NotEnoughAreas, areas_with_enough_sales, comparable_areas
from ..charts import area_trends_chart
from ..figures import area_kind, rounded
from ..indices.price_trend import price_trend, trend_json
from ..selection import period_start, require_sales


def comparable_market_area(question: Question) -> Answer:
    """Raises NotEnoughAreas when the subject, or every other area, has too few sales."""
    market, selection, parameters = question.market, question.selection, question.parameters
    number = require_sales(market, selection)
    column, fewest = parameters["area"], selection.minimum_sales
    every = area_statistics(market, selection, column)
    areas = areas_with_enough_sales(every, selection, column)
    subject = _subject(parameters.get("area_code"), areas, column, fewest)
    comparables = comparable_areas(areas, subject.area, parameters["count"])
    codes = (subject.area, *(comparable.statistics.area for comparable in comparables))
    points = price_trend(market, replace(selection, filters={**selection.filters, column: codes}), column)
    trends = [trend_json(point, selection.period, column) for point in points]
    starts = [period_start(point.period_number, selection.period) for point in points]
    numbers = {
        "area": column,
        "subject": described(subject),
        "comparable_areas": [_json(comparable) for comparable in comparables],
        "areas_compared": len(areas),
        "areas_with_too_few_sales": len(every) - len(areas),
        "minimum_sales": fewest,
    }
    table = pa.Table.from_pylist(
        [{"rank": 0, "distance": 0.0, **described(subject)}]
        + [
            {"rank": rank, "distance": round(comparable.distance, 6), **described(comparable.statistics)}
            for rank, comparable in enumerate(comparables, 1)
        ]
    )
    charts = [area_trends_chart(trends, starts, column)]
    return Answer(_finding(subject, comparables, column), number, numbers, table, trends, charts)


def _subject(code: str | None, areas: list[AreaStatistics], column: str, fewest: int) -> AreaStatistics:
    """The area of this code, or the area with most sales where the request names none."""
    if code is None:
        return max(areas, key=lambda area: (area.sales_volume, area.area))
    for area in areas:
        if area.area == code:
            return area
    known = ", ".join(area.area for area in areas[:20])
    raise NotEnoughAreas(f"{column} {code} has fewer than {fewest} sales in the selection. With enough: {known}.")


def described(area: AreaStatistics) -> dict[str, Any]:
    """An area's figures as the API shows them."""
    return {
        "area": area.area,
        "sales_volume": area.sales_volume,
        "median_price": round(area.median_price),
        "price_per_sqft": rounded(area.price_per_sqft, 2),
        "change_percent_per_year": rounded(area.change_percent, 2),
        "shrunk_change_percent_per_year": rounded(area.shrunk_change_percent, 2),
        "stock": area.stock,
        "turnover_percent_per_year": rounded(None if area.turnover is None else 100 * area.turnover, 2),
        "living_area_sqft": rounded(area.living_area_sqft, 0),
        "lot_sqft": rounded(area.lot_sqft, 0),
        "year_built": rounded(area.year_built, 0),
        "single_family_percent": rounded(
            None if area.single_family_share is None else 100 * area.single_family_share, 1
        ),
    }


def _json(comparable: ComparableArea) -> dict[str, Any]:
    return {
        **described(comparable.statistics),
        "distance": round(comparable.distance, 4),
        "alike": list(comparable.alike),
        "unlike": comparable.unlike or None,
    }


def _finding(subject: AreaStatistics, comparables: list[ComparableArea], column: str) -> str:
    nearest = comparables[0]
    return (
        f"The market of {area_kind(column)} {subject.area} is most like that of {nearest.statistics.area}: "
        f"{'; '.join(nearest.alike)}."
    )
