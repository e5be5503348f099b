"""The charts of the analyses. No Django."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import altair as alt
from geopandas import GeoDataFrame

from terrafusion.charts.chart import Chart
from terrafusion.charts.theme import ACCENT, ACCENT_PALE, INK, PALE, themed

from .figures import area_kind

RISE, FALL = "#3d80c4", "#cf7433"  # pale enough for the dark figures that are written on them
WIDTH, HEIGHT = 620, 280
MOST_AREAS = 12
MOST_RANKED = 20  # of the fastest areas, and as many of the slowest
Trend = Mapping[str, Any]


def trend_chart(trends: Sequence[Trend], starts: Sequence[date]) -> Chart:
    """Median price of each period with its interval; a hollow point rests on too few sales."""
    values = _points(trends, starts)
    base = alt.Chart(alt.Data(values=values)).encode(x=_time())
    chart = base.mark_area(color=ACCENT_PALE, opacity=0.7).encode(
        y=alt.Y("median_price_low:Q", title="Median sale price", axis=alt.Axis(format="$~s"), scale=_from_data()),
        y2="median_price_high:Q",
    ) + base.mark_line(color=ACCENT, strokeWidth=1.8).encode(y="median_price:Q")
    chart += base.mark_point(filled=True, size=36, stroke=ACCENT, opacity=1).encode(
        y="median_price:Q",
        fill=alt.condition("datum.too_few_sales", alt.value("white"), alt.value(ACCENT)),
    )
    return _chart(
        "median_price",
        "Median sale price",
        "Median by period; the band holds it with 95 %, and a hollow point rests on too few sales.",
        chart.properties(width=WIDTH, height=HEIGHT),
    )


def volume_chart(trends: Sequence[Trend], starts: Sequence[date]) -> Chart:
    """The number of sales in each period."""
    values = [
        {"start": start.isoformat(), "sales": trend["sales_volume"]}
        for trend, start in zip(trends, starts, strict=True)
    ]
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_bar(color=ACCENT)
        .encode(
            x=alt.X("start:O", title=None, timeUnit="yearmonth", axis=alt.Axis(labelOverlap=True, labelAngle=-45)),
            y=alt.Y("sales:Q", title="Sales"),
        )
    )
    return _chart(
        "sales_volume",
        "Sales by period",
        "Arm's-length sales of one parcel, by period.",
        chart.properties(width=WIDTH, height=160),
    )


def index_chart(trends: Sequence[Trend], starts: Sequence[date], method: str) -> Chart:
    """The three indices on one scale. method: the index that has its 95 % band, and hollow points for too few sales."""
    names = {"hedonic": "Hedonic", "repeat_sales": "Repeat sales", "median": "Median price"}
    values = [
        {
            "start": start.isoformat(),
            "method": label,
            "level": trend[name],
            "low": _away(trend, name, -1.96) if name == method else None,
            "high": _away(trend, name, 1.96) if name == method else None,
            "too_few_sales": name == method and trend["too_few_sales"],
        }
        for trend, start in zip(trends, starts, strict=True)
        for name, label in names.items()
        if trend[name] is not None
    ]
    base = alt.Chart(alt.Data(values=values)).encode(x=_time())
    order = list(names.values())
    kind: dict[str, Any] = {"field": "method", "type": "nominal", "sort": order, "title": None}
    band = base.transform_filter(f"datum.method == '{names[method]}'").mark_area(color=ACCENT_PALE, opacity=0.6)
    chart = band.encode(
        y=alt.Y("low:Q", title="Price level, 1.0 = first year", scale=_from_data()), y2="high:Q"
    ) + base.mark_line(strokeWidth=2).encode(
        y="level:Q",
        color=alt.Color(**kind, scale=alt.Scale(domain=order, range=[ACCENT, "#b4551d", "#6b7480"])),
        strokeDash=alt.StrokeDash(**kind, scale=alt.Scale(domain=order, range=[[1, 0], [6, 3], [2, 3]])),
    )
    chart += (
        base.transform_filter("datum.too_few_sales")
        .mark_point(filled=True, size=30, fill="white", stroke=ACCENT, opacity=1)
        .encode(y="level:Q")
    )
    return _chart(
        "price_index",
        "Price index",
        f"Hedonic, repeat-sales and median price index; the band holds the {names[method].lower()} index with 95 %, "
        "and a hollow point rests on too few sales.",
        chart.properties(width=WIDTH, height=HEIGHT),
    )


def area_trends_chart(trends: Sequence[Trend], starts: Sequence[date], area: str) -> Chart:
    """A small chart for each of the areas with the most sales, all on the same scales. area: the column of the area."""
    volume: Counter[str] = Counter()
    for trend in trends:
        volume[trend[area]] += trend["sales_volume"]
    shown = [name for name, _ in volume.most_common(MOST_AREAS)]
    values = [point for point in _points(trends, starts) if point[area] in shown]
    base = alt.Chart().encode(x=_time(ticks=3, form="%b %y"))
    layers = base.mark_area(color=ACCENT_PALE, opacity=0.7).encode(
        y=alt.Y("median_price_low:Q", title=None, axis=alt.Axis(format="$~s", tickCount=4), scale=_from_data()),
        y2="median_price_high:Q",
    ) + base.mark_line(color=ACCENT, strokeWidth=1.6, point=alt.OverlayMarkDef(size=12, color=ACCENT)).encode(
        y="median_price:Q"
    )
    chart = (
        layers.properties(width=190, height=110)
        .facet(alt.Facet(f"{area}:N", title=None, sort=shown), columns=3, data=alt.Data(values=values))
        .resolve_scale(x="shared", y="shared")
    )
    rest = f" The {len(shown)} areas with most sales of {len(volume)}." if len(volume) > len(shown) else ""
    title = f"Median sale price by {area_kind(area)}"
    return _chart(
        "median_price",
        title,
        f"Median by period; the band holds it with 95 %.{rest}",
        chart,
    )


def distribution_chart(deciles: Mapping[str, float]) -> Chart:
    """The share of sales below each decile of the price. deciles: price by name, "p10" to "p90"."""
    values = [{"share": int(name[1:]), "price": price} for name, price in deciles.items()]
    base = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X("price:Q", title="Sale price", axis=alt.Axis(format="$~s"), scale=_from_data()),
        y=alt.Y("share:Q", title="Percent of sales below", scale=alt.Scale(domain=[0, 100])),
    )
    chart = base.mark_line(color=ACCENT) + base.mark_point(color=ACCENT, filled=True, size=40)
    return _chart(
        "price_distribution",
        "Distribution of sale prices",
        "The share of sales at or below a price, at every decile.",
        chart.properties(width=WIDTH, height=220),
    )


def seasonality_chart(seasons: Mapping[str, float]) -> Chart:
    """The sales of each month of the year against an average month. seasons: factor by month, "1" to "12"."""
    values = [{"month": f"2000-{int(month):02d}-01", "factor": factor} for month, factor in seasons.items()]
    bars = (
        alt.Chart(alt.Data(values=values))
        .mark_bar(color=ACCENT)
        .encode(
            x=alt.X("month:O", timeUnit="month", title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("factor:Q", title="Sales against an average month"),
        )
    )
    average = alt.Chart(alt.Data(values=[{"one": 1}])).mark_rule(color=INK, strokeDash=[4, 3]).encode(y="one:Q")
    return _chart(
        "seasonality",
        "Seasonality of sales",
        "Each month's sales against an average month, over the whole years with sales in every month.",
        (bars + average).properties(width=WIDTH, height=180),
    )


def surface_chart(surface: GeoDataFrame, column: str) -> Chart:
    """A map of the change of prices: each area is shaded by its change, and the figure is written on it.

    surface: the shape and the figures of each area. column: the column of the area.
    """
    corners = surface.bounds
    size = corners[["maxx", "maxy"]].to_numpy() - corners[["minx", "miny"]].to_numpy()
    # Shapes are as detailed as the picture can show. d3 wants the outer ring clockwise: it takes a ring that runs the
    # other way for the rest of the globe.
    plain = surface.simplify(size.max(axis=1) / 200).orient_polygons(exterior_cw=True)
    features = surface.set_geometry(plain).to_geo_dict(drop_id=True)["features"]
    west, south, east, north = surface.total_bounds
    # The figure of a smaller area would lie over its neighbors.
    roomy = surface[size.min(axis=1) > 0.04 * max(east - west, north - south)]
    figures = [
        {"longitude": point.x, "latitude": point.y, "text": "" if change is None else f"{change:+.1f}"}
        for point, change in zip(roomy.representative_point(), roomy["shrunk_change_percent_per_year"], strict=True)
    ]
    chart = alt.Chart(alt.Data(values=features)).mark_geoshape(stroke="white", strokeWidth=0.8).encode(
        color=alt.Color(
            "properties.shrunk_change_percent_per_year:Q",
            title="% a year",
            scale=_diverging([feature["properties"]["shrunk_change_percent_per_year"] for feature in features]),
            legend=alt.Legend(format="+.1f"),
        )
    ) + alt.Chart(alt.Data(values=figures)).mark_text(fontSize=9, color=INK).encode(
        longitude="longitude:Q", latitude="latitude:Q", text="text:N"
    )
    return _chart(
        "appreciation_surface",
        f"Price change a year by {area_kind(column)}",
        "Change of price a year at equal living area, each area pulled towards the county's by its uncertainty.",
        chart.project("mercator").properties(width=560, height=560),
    )


def _diverging(values: Sequence[float | None]) -> alt.Scale:
    """Pale at no change, blue above it, orange below. A shade means the same size of change on either side.

    PALE has no hue of its own, so the shades between it and an end keep the hue of that end.
    """
    known = [value for value in values if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    if low == 0:
        return alt.Scale(domain=[0, high or 1], range=[PALE, RISE])
    if high == 0:
        return alt.Scale(domain=[low, 0], range=[FALL, PALE])
    furthest = max(high, -low)
    return alt.Scale(domain=[-furthest, 0, furthest], range=[FALL, PALE, RISE])


def ranked_changes_chart(areas: Sequence[Mapping[str, Any]], column: str) -> Chart:
    """The change of each area with its interval, in the order of the changes, the largest rise first."""
    known = [area for area in areas if area["change_percent_per_year"] is not None]
    ranked = sorted(known, key=lambda area: -area["shrunk_change_percent_per_year"])
    values = ranked if len(ranked) <= 2 * MOST_RANKED else [*ranked[:MOST_RANKED], *ranked[-MOST_RANKED:]]
    order = [value["area"] for value in values]
    y = alt.Y("area:N", sort=order, title=None)
    base = alt.Chart(alt.Data(values=[dict(value) for value in values]))
    chart = base.mark_rule(color=INK).encode(y=y, x=alt.X("change_low:Q", title="% a year"), x2="change_high:Q")
    chart += base.mark_point(filled=True, fill="white", stroke=INK, size=25, opacity=1).encode(
        y=y, x="change_percent_per_year:Q"
    )
    chart += base.mark_point(filled=True, color=ACCENT, size=45, opacity=1).encode(
        y=y, x="shrunk_change_percent_per_year:Q"
    )
    omitted = len(ranked) - len(values)
    return _chart(
        "ranked_changes",
        f"Price change a year by {area_kind(column)}, ranked",
        "White points are each area's own change with its 95 % interval; blue points are pulled towards the county's."
        + (f" {omitted} areas in the middle are left out." if omitted else ""),
        chart.properties(width=WIDTH, height=max(80, 15 * len(values))),
    )


def reasons_chart(reasons: Mapping[str, int]) -> Chart:
    """How many sales have each reason. reasons: number of sales by reason code."""
    values = [{"reason": code.replace("_", " "), "sales": number} for code, number in reasons.items()]
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("reason:N", sort=[str(value["reason"]) for value in values], title=None),
        x=alt.X("sales:Q", title="Sales"),
    )
    chart = base.mark_bar(color=ACCENT) + base.mark_text(align="left", dx=4, color=INK).encode(text="sales:Q")
    return _chart(
        "reasons",
        "Why sales should be looked at",
        "Number of sales with each reason; a sale may have three.",
        chart.properties(width=WIDTH - 120, height=28 * len(values)),
    )


def _away(trend: Trend, name: str, errors: float) -> float | None:
    """The index moved by so many of its standard errors; None where the sales are too few for a standard error."""
    error = trend[f"{name}_standard_error"]
    return None if error is None else float(trend[name] + errors * error)


def _points(trends: Sequence[Trend], starts: Sequence[date]) -> list[dict[str, Any]]:
    return [{**trend, "start": start.isoformat()} for trend, start in zip(trends, starts, strict=True)]


def _time(ticks: int = 8, form: str = "%b %Y") -> alt.X:
    return alt.X("start:T", title=None, axis=alt.Axis(format=form, tickCount=ticks, labelFlush=True, labelOverlap=True))


def _from_data() -> alt.Scale:
    return alt.Scale(zero=False)


def _chart(name: str, title: str, description: str, drawing: Any) -> Chart:
    """drawing: an altair chart with its size. The picture stands alone, so its title is drawn into it."""
    return Chart(name, title, description, themed(drawing.properties(title=title)))
