"""The charts of the analyses, as Vega-Lite with their data inside. No Django.

Position and shape carry every message; colour only helps, so that a photocopy says the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import altair as alt
from geopandas import GeoDataFrame

from .answer import Chart

INK, BAND, ACCENT, PALE = "#1f2a36", "#b9cde0", "#1f5f99", "#e3e8ed"
RISE, FALL = "#3d80c4", "#cf7433"  # dark figures stand on them
WIDTH, HEIGHT = 620, 280
MOST_AREAS = 12
MOST_RANKED = 20  # at either end
Trend = Mapping[str, Any]


def trend_chart(trends: Sequence[Trend], starts: Sequence[date]) -> Chart:
    """Median price with its interval, period by period; hollow points rest on too few sales."""
    values = _points(trends, starts)
    base = alt.Chart(alt.Data(values=values)).encode(x=_time())
    chart = base.mark_area(color=BAND, opacity=0.7).encode(
        y=alt.Y("median_price_low:Q", title="Median sale price", axis=alt.Axis(format="$~s"), scale=_from_data()),
        y2="median_price_high:Q",
    ) + base.mark_line(color=ACCENT, strokeWidth=1.8).encode(y="median_price:Q")
    chart += base.mark_point(filled=True, size=36, stroke=ACCENT, opacity=1).encode(
        y="median_price:Q",
        fill=alt.condition("datum.too_few_sales", alt.value("white"), alt.value(ACCENT)),
    )
    return Chart(
        "median_price",
        "Median sale price",
        "Median by period; the band holds it with 95 %, and a hollow point rests on too few sales.",
        _spec(chart.properties(width=WIDTH, height=HEIGHT), "Median sale price"),
    )


def volume_chart(trends: Sequence[Trend], starts: Sequence[date]) -> Chart:
    """Sales a period."""
    values = [
        {"start": start.isoformat(), "sales": each["sales_volume"]} for each, start in zip(trends, starts, strict=True)
    ]
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_bar(color=ACCENT)
        .encode(
            x=alt.X("start:O", title=None, timeUnit="yearmonth", axis=alt.Axis(labelOverlap=True, labelAngle=-45)),
            y=alt.Y("sales:Q", title="Sales"),
        )
    )
    return Chart(
        "sales_volume",
        "Sales by period",
        "Arm's-length sales of one parcel, by period.",
        _spec(chart.properties(width=WIDTH, height=160), "Sales by period"),
    )


def index_chart(trends: Sequence[Trend], starts: Sequence[date], method: str) -> Chart:
    """The three indices on one scale; the chosen one with its 95 % band, hollow where the sales are too few."""
    names = {"hedonic": "Hedonic", "repeat_sales": "Repeat sales", "median": "Median price"}
    values = [
        {
            "start": start.isoformat(),
            "method": label,
            "level": each[name],
            "low": _beside(each, name, -1.96) if name == method else None,
            "high": _beside(each, name, 1.96) if name == method else None,
            "too_few_sales": name == method and each["too_few_sales"],
        }
        for each, start in zip(trends, starts, strict=True)
        for name, label in names.items()
        if each[name] is not None
    ]
    base = alt.Chart(alt.Data(values=values)).encode(x=_time())
    order = list(names.values())
    kind: dict[str, Any] = {"field": "method", "type": "nominal", "sort": order, "title": None}
    chart = base.transform_filter(f"datum.method == '{names[method]}'").mark_area(color=BAND, opacity=0.6).encode(
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
    return Chart(
        "price_index",
        "Price index",
        f"Hedonic, repeat-sales and median price index; the band holds the {names[method].lower()} index with 95 %, "
        "and a hollow point rests on too few sales.",
        _spec(chart.properties(width=WIDTH, height=HEIGHT), "Price index"),
    )


def area_trends_chart(trends: Sequence[Trend], starts: Sequence[date], area: str) -> Chart:
    """A small chart for each of the areas with most sales, all on the same scales."""
    volume: Counter[str] = Counter()
    for trend in trends:
        volume[trend[area]] += trend["sales_volume"]
    shown = [name for name, _ in volume.most_common(MOST_AREAS)]
    values = [point for point in _points(trends, starts) if point[area] in shown]
    base = alt.Chart().encode(x=_time(ticks=3, form="%b %y"))
    layers = base.mark_area(color=BAND, opacity=0.7).encode(
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
    words = area.replace("_", " ").replace("zip code", "ZIP code")
    return Chart(
        "median_price",
        f"Median sale price by {words}",
        f"Median by period; the band holds it with 95 %.{rest}",
        _spec(chart, f"Median sale price by {words}"),
    )


def distribution_chart(deciles: Mapping[str, float]) -> Chart:
    """The deciles of the price, as steps one can read a price off."""
    values = [{"share": int(name[1:]), "price": price} for name, price in deciles.items()]
    base = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X("price:Q", title="Sale price", axis=alt.Axis(format="$~s"), scale=_from_data()),
        y=alt.Y("share:Q", title="Percent of sales below", scale=alt.Scale(domain=[0, 100])),
    )
    chart = base.mark_line(color=ACCENT) + base.mark_point(color=ACCENT, filled=True, size=40)
    return Chart(
        "price_distribution",
        "Distribution of sale prices",
        "The share of sales at or below a price, at every decile.",
        _spec(chart.properties(width=WIDTH, height=220), "Distribution of sale prices"),
    )


def seasonality_chart(seasons: Mapping[str, float]) -> Chart:
    """Sales by month of the year against an average month."""
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
    return Chart(
        "seasonality",
        "Seasonality of sales",
        "Each month's sales against an average month, over the whole years with sales in every month.",
        _spec((bars + average).properties(width=WIDTH, height=180), "Seasonality of sales"),
    )


def surface_chart(surface: GeoDataFrame, column: str) -> Chart:
    """A map: the change of each area as a shade, and its figure written on it. surface: a row an area, its figures."""
    corners = surface.bounds
    size = corners[["maxx", "maxy"]].to_numpy() - corners[["minx", "miny"]].to_numpy()
    # As detailed as the picture can show; wound as d3 wants it, or a polygon would cover the rest of the globe.
    plain = surface.simplify(size.max(axis=1) / 200).orient_polygons(exterior_cw=True)
    features = surface.set_geometry(plain).to_geo_dict(drop_id=True)["features"]
    west, south, east, north = surface.total_bounds
    # In a smaller area its figure would lie over the neighbors'.
    roomy = surface[size.min(axis=1) > 0.04 * max(east - west, north - south)]
    middle = [
        {"longitude": point.x, "latitude": point.y, "text": _change(change)}
        for point, change in zip(roomy.representative_point(), roomy["shrunk_change_percent_per_year"], strict=True)
    ]
    words = column.replace("_", " ").replace("zip code", "ZIP code")
    chart = alt.Chart(alt.Data(values=features)).mark_geoshape(stroke="white", strokeWidth=0.8).encode(
        color=alt.Color(
            "properties.shrunk_change_percent_per_year:Q",
            title="% a year",
            scale=_diverging([feature["properties"]["shrunk_change_percent_per_year"] for feature in features]),
            legend=alt.Legend(format="+.1f"),
        )
    ) + alt.Chart(alt.Data(values=middle)).mark_text(fontSize=9, color=INK).encode(
        longitude="longitude:Q", latitude="latitude:Q", text="text:N"
    )
    return Chart(
        "appreciation_surface",
        f"Price change a year by {words}",
        "Change of price a year at equal living area, each area pulled towards the county's by its uncertainty.",
        _spec(chart.project("mercator").properties(width=560, height=560), f"Price change a year by {words}"),
    )


def _diverging(values: Sequence[float | None]) -> alt.Scale:
    """Pale at no change, blue above it, orange below; a shade means as much on either side."""
    known = [value for value in values if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    if low == 0:
        return alt.Scale(domain=[0, high or 1], range=[PALE, RISE])
    if high == 0:
        return alt.Scale(domain=[low, 0], range=[FALL, PALE])
    furthest = max(high, -low)
    return alt.Scale(domain=[-furthest, 0, furthest], range=[FALL, PALE, RISE])


def ranked_changes_chart(areas: Sequence[Mapping[str, Any]], column: str) -> Chart:
    """The change of each area with its interval, the fastest first."""
    known = [area for area in areas if area["change_percent_per_year"] is not None]
    ranked = sorted(known, key=lambda each: -each["shrunk_change_percent_per_year"])
    values = ranked if len(ranked) <= 2 * MOST_RANKED else [*ranked[:MOST_RANKED], *ranked[-MOST_RANKED:]]
    order = [value["area"] for value in values]
    words = column.replace("_", " ").replace("zip code", "ZIP code")
    y = alt.Y("area:N", sort=order, title=None)
    base = alt.Chart(alt.Data(values=[dict(value) for value in values]))
    chart = base.mark_rule(color=INK).encode(y=y, x=alt.X("change_low:Q", title="% a year"), x2="change_high:Q")
    chart += base.mark_point(filled=True, fill="white", stroke=INK, size=25, opacity=1).encode(
        y=y, x="change_percent_per_year:Q"
    )
    chart += base.mark_point(filled=True, color=ACCENT, size=45, opacity=1).encode(
        y=y, x="shrunk_change_percent_per_year:Q"
    )
    left = len(ranked) - len(values)
    return Chart(
        "ranked_changes",
        f"Price change a year by {words}, ranked",
        "White points are each area's own change with its 95 % interval; blue points are pulled towards the county's."
        + (f" {left} areas in the middle are left out." if left else ""),
        _spec(chart.properties(width=WIDTH, height=max(80, 15 * len(values))), f"Price change a year by {words}"),
    )


def reasons_chart(reasons: Mapping[str, int]) -> Chart:
    """How often each reason was given."""
    values = [{"reason": code.replace("_", " "), "sales": number} for code, number in reasons.items()]
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("reason:N", sort=[str(value["reason"]) for value in values], title=None),
        x=alt.X("sales:Q", title="Sales"),
    )
    chart = base.mark_bar(color=ACCENT) + base.mark_text(align="left", dx=4, color=INK).encode(text="sales:Q")
    return Chart(
        "reasons",
        "Why sales should be looked at",
        "Number of sales with each reason; a sale may have three.",
        _spec(chart.properties(width=WIDTH - 120, height=28 * len(values)), "Why sales should be looked at"),
    )


def _beside(point: Trend, name: str, errors: float) -> float | None:
    """The index so many standard errors away; None where the sales are too few to say."""
    error = point[f"{name}_standard_error"]
    return None if error is None else float(point[name] + errors * error)


def _change(percent: float | None) -> str:
    return "" if percent is None else f"{percent:+.1f}"


def _points(trends: Sequence[Trend], starts: Sequence[date]) -> list[dict[str, Any]]:
    return [{**each, "start": start.isoformat()} for each, start in zip(trends, starts, strict=True)]


def _time(ticks: int = 8, form: str = "%b %Y") -> alt.X:
    return alt.X("start:T", title=None, axis=alt.Axis(format=form, tickCount=ticks, labelFlush=True, labelOverlap=True))


def _from_data() -> alt.Scale:
    return alt.Scale(zero=False)


def _spec(chart: Any, title: str) -> dict[str, Any]:
    plain = (
        chart.properties(title=title)
        .configure_view(strokeWidth=0)
        .configure_axis(
            gridColor=PALE, domainColor=INK, tickColor=INK, labelColor=INK, titleColor=INK, titleFontWeight="normal"
        )
        .configure_title(color=INK, anchor="start", fontSize=14)
        .configure_legend(labelColor=INK, titleColor=INK)
        .configure_header(labelColor=INK, labelFontWeight="bold")
    )
    spec: dict[str, Any] = plain.to_dict()
    return spec
