"""appreciation_surface: price level and change of every area, as a map layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
from geopandas import GeoDataFrame

from ..answer import Answer, Question
from ..areas.area_statistics import AreaStatistics, area_statistics
from ..areas.comparable_areas import areas_with_enough_sales
from ..areas.polygons import HULL, Polygons, hulls
from ..charts import ranked_changes_chart, surface_chart
from ..figures import area_kind
from ..selection import require_sales
from .comparable import described


def appreciation_surface(question: Question) -> Answer:
    """Raises NotEnoughAreas when no area has enough sales."""
    market, selection, parameters = question.market, question.selection, question.parameters
    number = require_sales(market, selection)
    column = parameters["area"]
    every = area_statistics(market, selection, column)
    areas = areas_with_enough_sales(every, selection, column)
    question.report(40, 100, "Finding the areas on the map.")
    polygons, layer = question.polygons(column, parameters.get("area_layer"))
    drawn = hulls(market, column, [area.area for area in areas if area.area not in polygons])
    surface = surface_of(areas, polygons, f"layer {layer}", drawn)
    figures = surface.drop(columns="geometry").to_dict("records")
    mapped = surface[surface.geometry.notna()]
    numbers: dict[str, Any] = {
        "area": column,
        "layer": layer_name(column),
        "areas": len(areas),
        "areas_with_too_few_sales": len(every) - len(areas),
        "areas_without_polygon": surface.loc[surface.geometry.isna(), "area"].tolist()[:100],
        "areas_drawn_as_hull": int((surface["geometry_source"] == HULL).sum()),
        "minimum_sales": selection.minimum_sales,
    }
    charts = [ranked_changes_chart(figures, column)]
    if len(mapped):
        charts.insert(0, surface_chart(mapped, column))
    return Answer(_finding(areas, column), number, numbers, pa.Table.from_pylist(figures), (), charts, mapped)


def surface_of(areas: Sequence[AreaStatistics], polygons: Polygons, layer: str, drawn: Polygons) -> GeoDataFrame:
    """A row for each area: its code, its figures, the source of its shape, and the shape in degrees or None.

    polygons: shapes of the layer, which take precedence. drawn: hulls. Whole numbers stay whole beside unknown ones.
    """
    sources = dict.fromkeys(drawn, HULL) | dict.fromkeys(polygons, layer)
    shapes = {**drawn, **polygons}
    figures = [
        {"area": area.area, **surface_attributes(area), "geometry_source": sources.get(area.area)} for area in areas
    ]
    geometry = [shapes.get(area.area) for area in areas]
    return GeoDataFrame(pd.DataFrame(figures, dtype=object), geometry=geometry, crs="EPSG:4326")


def layer_name(column: str) -> str:
    return f"appreciation_{column}"


def surface_attributes(area: AreaStatistics) -> dict[str, Any]:
    """The attributes of an area in the layer. The change is at equal living area, with its 95 % interval."""
    shown = described(area)
    return {
        "sales_volume": shown["sales_volume"],
        "median_price": shown["median_price"],
        "price_per_sqft": shown["price_per_sqft"],
        "change_percent_per_year": shown["change_percent_per_year"],
        "change_low": _percent_away(area, -1.96),
        "change_high": _percent_away(area, 1.96),
        "shrunk_change_percent_per_year": shown["shrunk_change_percent_per_year"],
        "turnover_percent_per_year": shown["turnover_percent_per_year"],
        "stock": shown["stock"],
    }


def _percent_away(area: AreaStatistics, errors: float) -> float | None:
    """The change in percent a year, moved by so many standard errors of the log change. It is never below -100."""
    if area.change is None or area.change_error is None:
        return None
    return round(100 * math.expm1(area.change + errors * area.change_error), 2)


def _finding(areas: list[AreaStatistics], column: str) -> str:
    kind = area_kind(column)
    changing = [(area.shrunk_change_percent, area.area) for area in areas if area.shrunk_change_percent is not None]
    if not changing:
        dearest = max(areas, key=lambda area: (area.median_price, area.area))
        return f"The dearest {kind} is {dearest.area}, median ${dearest.median_price:,.0f}; no change could be told."
    (low, lowest), (high, highest) = min(changing), max(changing)
    if lowest == highest:
        return f"In {kind} {highest} prices changed by {high:+.1f} % a year at equal living area."
    if f"{low:+.1f}" == f"{high:+.1f}":
        return (
            f"At equal living area prices changed by {high:+.1f} % a year in all {len(changing)} areas; "
            "no difference between them can be told."
        )
    return (
        f"At equal living area the change of prices is highest in {kind} {highest}, {high:+.1f} % a year, "
        f"and lowest in {lowest}, {low:+.1f} %, of {len(changing)} areas."
    )
