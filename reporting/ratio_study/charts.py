"""The charts of a ratio study. No Django."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt

from terrafusion.charts.chart import Chart
from terrafusion.charts.theme import INK, PALE, histogram

from ..formats.page_chart import WIDTH, page_chart

Floats = npt.NDArray[np.float64]
MOST_STRATA = 40
LONGEST_LABEL = 44


def ratio_histogram(ratios: Floats, median: float, low: float, high: float) -> Chart:
    """How the ratios are distributed. low, high: the accepted range of the median, which is shaded."""
    bars = histogram(ratios, np.linspace(0, 2, 41), "Ratio of assessed value to sale price", "Sales")
    median_line = (
        alt.Chart(alt.Data(values=[{"median": median}])).mark_rule(color=INK, strokeWidth=1.6).encode(x="median:Q")
    )
    return page_chart(
        "ratio_distribution",
        "Distribution of the ratios",
        f"Histogram of {len(ratios):,} ratios. Median {median:.4f}; the shaded band is {low:g} to {high:g}. "
        f"The bars at 0 and 2 hold all ratios beyond.",
        _band(low, high) + bars + median_line,
    )


def ratios_by_value(
    proxy: Floats, ratios: Floats, groups: Sequence[tuple[float, float, float | None, float | None]]
) -> Chart:
    """Ratio against value, as a grid whose cells are shaded by their number of sales.

    proxy: the value of each sale in dollars. groups: (value, median ratio, low, high) of each value group; they show
    the trend.
    """
    medians = [{"x": value, "y": median, "low": low, "high": high} for value, median, low, high in groups]
    with_interval = [median for median in medians if median["low"] is not None]
    cells, values_shown = _cells(proxy, ratios)
    x = alt.X(
        "x:Q",
        title="Value (half price, half assessed value at market level), dollars",
        scale=alt.Scale(type="log", nice=False, domain=values_shown),
        axis=alt.Axis(format="$~s", tickCount=6),
    )
    y = alt.Y("y:Q", title="Ratio", scale=alt.Scale(domain=[0, 2]))
    shade = alt.Color(
        "sales:Q",
        title="Sales",
        scale=alt.Scale(type="sqrt", range=["#efefef", "#5a5a5a"]),
        legend=alt.Legend(gradientLength=90),
    )
    point = alt.OverlayMarkDef(color="white", stroke="black", size=40)
    drawing = (
        alt.Chart(alt.Data(values=cells)).mark_rect().encode(x=x, x2="x2:Q", y=y, y2="y2:Q", color=shade)
        + alt.Chart(alt.Data(values=with_interval))
        .mark_rule(color="black", strokeWidth=1.4)
        .encode(x=x, y=alt.Y("low:Q"), y2="high:Q")
        + alt.Chart(alt.Data(values=medians)).mark_line(color="black", point=point).encode(x=x, y=y)
    )
    sentence = "; ".join(f"about ${value:,.0f}: {median:.3f}" for value, median, _, _ in groups)
    return page_chart(
        "ratio_by_value",
        "Ratio by value",
        f"Shade counts the sales; points are the medians of the value groups with their intervals. {sentence}.",
        drawing,
    )


def _cells(proxy: Floats, ratios: Floats) -> tuple[list[dict[str, Any]], list[float]]:
    """The cells that hold sales, and the lowest and highest value shown. One sale in a thousand may lie beyond each."""
    doublings = np.log2(proxy)
    low, high = np.quantile(doublings, [0.001, 0.999])
    x_edges = np.linspace(low, max(high, low + 0.1), 41)
    y_edges = np.linspace(0, 2, 31)
    counts, _, _ = np.histogram2d(doublings, ratios, bins=(x_edges, y_edges))
    cells = [
        {
            "x": float(2 ** x_edges[i]), "x2": float(2 ** x_edges[i + 1]),
            "y": float(y_edges[j]), "y2": float(y_edges[j + 1]), "sales": int(counts[i, j]),
        }
        for i, j in np.argwhere(counts > 0).tolist()
    ]  # fmt: skip
    return cells, [float(2 ** x_edges[0]), float(2 ** x_edges[-1])]


def measure_by_stratum(
    measure: str,
    axis_title: str,
    strata: Sequence[tuple[str, float, float | None, float | None]],
    band: tuple[float, float],
) -> Chart:
    """One measure of each stratum (label, value, low, high) with its interval; the band of the standard is shaded."""
    points = [
        {"stratum": _short(label), "value": value, "low": low, "high": high}
        for label, value, low, high in strata[:MOST_STRATA]
    ]
    labels = [str(point["stratum"]) for point in points]
    y = alt.Y("stratum:N", sort=labels, title=None, axis=alt.Axis(labelLimit=260))
    with_interval = [point for point in points if point["low"] is not None]
    drawing = (
        _band(*band)
        + alt.Chart(alt.Data(values=with_interval))
        .mark_rule(color=INK, strokeWidth=1.2)
        .encode(y=y, x="low:Q", x2="high:Q")
        + alt.Chart(alt.Data(values=points))
        .mark_point(filled=True, color="white", stroke=INK, size=42, strokeWidth=1.2, opacity=1)
        .encode(y=y, x=alt.X("value:Q", title=axis_title, scale=alt.Scale(zero=False)))
    )
    omission = "" if len(strata) <= MOST_STRATA else f" The first {MOST_STRATA} of {len(strata)} strata are shown."
    outside = sum(not band[0] <= value <= band[1] for _, value, _, _ in strata)
    return page_chart(
        f"{measure}_by_stratum",
        f"{axis_title} by stratum",
        f"Points with their intervals; the shaded band is {band[0]:g} to {band[1]:g}. "
        f"{outside} of {len(strata)} points lie outside it.{omission}",
        drawing,
        # The labels stand left of the plot and take about 6 pixels a letter.
        width=WIDTH - 6 * max(len(label) for label in labels) + 30,
        height=max(60, 17 * len(points)),
    )


def _band(low: float, high: float) -> Any:
    """The accepted range, behind everything else."""
    return alt.Chart(alt.Data(values=[{"low": low, "high": high}])).mark_rect(color=PALE).encode(x="low:Q", x2="high:Q")


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}\u2026"
