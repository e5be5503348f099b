"""price_trend_by_zip and trend_analysis: prices period by period."""

from __future__ import annotations

from ..answer import Answer, Question, trend_table
from ..charts import area_trends_chart, trend_chart, volume_chart
from ..indices.price_trend import finding, price_trend, trend_json
from ..selection import period_start, require_sales


def price_trend_by_area(question: Question) -> Answer:
    """One trend for each area; the areas are ZIP codes unless the request names another column."""
    return _trend(question, question.parameters["area"])


def trend_analysis(question: Question) -> Answer:
    """One trend over the whole selection."""
    return _trend(question, None)


def _trend(question: Question, area: str | None) -> Answer:
    selection = question.selection
    number = require_sales(question.market, selection)
    points = price_trend(question.market, selection, area)
    trends = [trend_json(point, selection.period, area) for point in points]
    starts = [period_start(point.period_number, selection.period) for point in points]
    numbers = {
        "periods": len({point.period_number for point in points}),
        "areas": len({point.area for point in points}) if area else None,
        "points_with_too_few_sales": sum(point.too_few_sales for point in points),
        "minimum_sales": selection.minimum_sales,
    }
    charts = (
        [area_trends_chart(trends, starts, area)]
        if area
        else [trend_chart(trends, starts), volume_chart(trends, starts)]
    )
    return Answer(finding(points, selection, area), number, numbers, trend_table(starts, trends), trends, charts)
