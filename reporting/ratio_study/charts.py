"""The charts of the reports, as Vega-Lite: grey tones and shapes only, to read the same in a photocopy. No Django."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt

from ..formats.document import Chart

Floats = npt.NDArray[np.float64]
INK, FILL, PALE = "#222222", "#8a8a8a", "#e4e4e4"
WIDTH, HEIGHT = 470, 190
MOST_CATEGORIES = 40
FONT = "Libertinus Serif"  # inside typst; a page without it takes its own serif


def ratio_histogram(ratios: Floats, median: float, low: float, high: float) -> Chart:
    """How the ratios are distributed; the band of the level is shaded. Outside 0 to 2 they are in the last bars."""
    edges = np.linspace(0, 2, 41)
    counts, _ = np.histogram(np.clip(ratios, 0, 2), edges)
    bars = [
        {"from": round(float(a), 3), "to": round(float(b), 3), "sales": int(n), "none": 0}
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    chart = (
        _band([{"low": low, "high": high}], "x")
        + alt.Chart(alt.Data(values=bars))
        .mark_rect(color=FILL, stroke=INK, strokeWidth=0.4)
        .encode(
            x=alt.X("from:Q", title="Ratio of assessed value to sale price", scale=alt.Scale(domain=[0, 2])),
            x2="to:Q",
            y=alt.Y("sales:Q", title="Sales"),
            y2="none:Q",
        )
        + alt.Chart(alt.Data(values=[{"median": median}])).mark_rule(color=INK, strokeWidth=1.6).encode(x="median:Q")
    )
    return Chart(
        "Distribution of the ratios",
        f"Histogram of {len(ratios):,} ratios. Median {median:.4f}; the shaded band is {low:g} to {high:g}. "
        f"The bars at 0 and 2 hold all ratios beyond.",
        _spec(chart),
    )


def ratios_by_value(
    proxy: Floats, ratios: Floats, groups: Sequence[tuple[float, float, float | None, float | None]]
) -> Chart:
    """Ratio against value, counted in cells; the groups (value, median, low, high) tell the trend."""
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
    medians = [{"x": value, "y": middle, "low": a, "high": b} for value, middle, a, b in groups]
    scale = alt.Scale(type="log", nice=False, domain=[float(2 ** x_edges[0]), float(2 ** x_edges[-1])])
    x = alt.X(
        "x:Q",
        title="Value (half price, half assessed value at market level), dollars",
        scale=scale,
        axis=alt.Axis(format="$~s", tickCount=6),
    )
    ratio_axis = alt.Y("y:Q", title="Ratio", scale=alt.Scale(domain=[0, 2]))
    over = alt.Chart(alt.Data(values=medians))
    with_interval = alt.Chart(alt.Data(values=[median for median in medians if median["low"] is not None]))
    point = alt.OverlayMarkDef(color="white", stroke="black", size=40)
    chart = (
        alt.Chart(alt.Data(values=cells))
        .mark_rect()
        .encode(
            x=x, x2="x2:Q", y=ratio_axis, y2="y2:Q",
            color=alt.Color("sales:Q", scale=alt.Scale(type="sqrt", range=["#efefef", "#5a5a5a"]), title="Sales"),
        )
        + with_interval.mark_rule(color="black", strokeWidth=1.4).encode(x=x, y=alt.Y("low:Q"), y2="high:Q")
        + over.mark_line(color="black", point=point).encode(x=x, y=ratio_axis)
    )  # fmt: skip
    told = "; ".join(f"about ${value:,.0f}: {middle:.3f}" for value, middle, _, _ in groups)
    return Chart(
        "Ratio by value",
        f"Shade counts the sales; points are the medians of the value groups with their intervals. {told}.",
        _spec(chart),
    )


def measure_by_stratum(
    title: str,
    axis: str,
    rows: Sequence[tuple[str, float, float | None, float | None]],
    band: tuple[float, float],
) -> Chart:
    """One measure of each stratum (label, value, low, high) with its interval; the band of the standard is shaded."""
    values = [{"stratum": _short(label), "value": value, "low": low, "high": high} for label, value, low, high in rows][
        :MOST_CATEGORIES
    ]
    order = [str(each["stratum"]) for each in values]
    y = alt.Y("stratum:N", sort=order, title=None, axis=alt.Axis(labelLimit=260))
    base = alt.Chart(alt.Data(values=values))
    whiskers = alt.Chart(alt.Data(values=[each for each in values if each["low"] is not None]))
    chart = (
        _band([{"low": band[0], "high": band[1]}], "x")
        + whiskers.mark_rule(color=INK, strokeWidth=1.2).encode(y=y, x="low:Q", x2="high:Q")
        + base.mark_point(filled=True, color="white", stroke=INK, size=42, strokeWidth=1.2, opacity=1).encode(
            y=y, x=alt.X("value:Q", title=axis, scale=alt.Scale(zero=False))
        )
    )
    shown = "" if len(rows) <= MOST_CATEGORIES else f" The first {MOST_CATEGORIES} of {len(rows)} strata are shown."
    outside = sum(not band[0] <= value <= band[1] for _, value, _, _ in rows)
    return Chart(
        title,
        f"Points with their intervals; the shaded band is {band[0]:g} to {band[1]:g}. "
        f"{outside} of {len(rows)} points lie outside it.{shown}",
        _spec(chart, height=max(60, 17 * len(values)), width=WIDTH - 6 * max(len(each) for each in order) + 30),
    )


def change_histogram(changes: Floats) -> Chart:
    """Percent change of value; beyond -50 and +100 in the last bars."""
    edges = np.linspace(-50, 100, 51)
    counts, _ = np.histogram(np.clip(changes, -50, 100), edges)
    bars = [
        {"from": float(a), "to": float(b), "properties": int(n), "none": 0}
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    chart = (
        alt.Chart(alt.Data(values=bars))
        .mark_rect(color=FILL, stroke=INK, strokeWidth=0.4)
        .encode(
            x=alt.X("from:Q", title="Change of value, percent", scale=alt.Scale(domain=[-50, 100])),
            x2="to:Q",
            y=alt.Y("properties:Q", title="Properties"),
            y2="none:Q",
        )
    )
    middle = float(np.median(changes))
    return Chart(
        "Distribution of the changes",
        f"Histogram of {len(changes):,} changes, median {middle:.2f} %. The first and last bar hold all beyond.",
        _spec(chart),
    )


def _band(values: list[dict[str, float]], axis: str) -> Any:
    """The accepted range, behind everything else."""
    return alt.Chart(alt.Data(values=values)).mark_rect(color=PALE).encode(**{axis: "low:Q", f"{axis}2": "high:Q"})


def _short(label: str) -> str:
    return label if len(label) <= 44 else f"{label[:43]}\u2026"


def _spec(chart: Any, width: int = WIDTH, height: int = HEIGHT) -> dict[str, Any]:
    plain = (
        chart.properties(width=width, height=height)
        .configure_view(strokeWidth=0.5, stroke=FILL)
        .configure_axis(
            labelFont=FONT,
            titleFont=FONT,
            labelFontSize=10,
            titleFontSize=11,
            titleFontWeight="normal",
            gridColor="#dddddd",
            labelColor=INK,
            titleColor=INK,
        )
        .configure_legend(labelFont=FONT, titleFont=FONT, labelFontSize=9, titleFontSize=10, gradientLength=90)
    )
    spec: dict[str, Any] = plain.to_dict()
    return spec
