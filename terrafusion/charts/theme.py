"""The one look of every chart, as Vega-Lite with its data inside. No Django.

Position and shape carry every message; colour only helps, so that a photocopy says the same.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt

INK, GREY, PALE = "#222222", "#8a8a8a", "#e4e4e4"
ACCENT, ACCENT_PALE = "#1f5f99", "#b9cde0"


def themed(drawing: Any, font: str | None = None) -> dict[str, Any]:
    """The Vega-Lite specification of an altair chart in the look of all charts. font: None is Vega's sans serif."""
    look = (
        drawing.configure(**({"font": font} if font else {}))
        .configure_view(strokeWidth=0)
        .configure_axis(
            gridColor=PALE, domainColor=INK, tickColor=INK, labelColor=INK, titleColor=INK, titleFontWeight="normal"
        )
        .configure_title(color=INK, anchor="start", fontSize=14)
        .configure_legend(labelColor=INK, titleColor=INK)
        .configure_header(labelColor=INK, labelFontWeight="bold")
    )
    spec: dict[str, Any] = look.to_dict()
    return spec


def histogram(values: npt.NDArray[np.float64], edges: npt.NDArray[np.float64], title: str, count_title: str) -> Any:
    """Bars that count the values between the edges. A value beyond the edges is counted in the first or last bar."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    bars = [
        {"from": round(float(low), 3), "to": round(float(high), 3), "count": int(count), "zero": 0}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    return (
        alt.Chart(alt.Data(values=bars))
        .mark_rect(color=GREY, stroke=INK, strokeWidth=0.4)
        .encode(
            x=alt.X("from:Q", title=title, scale=alt.Scale(domain=[float(edges[0]), float(edges[-1])])),
            x2="to:Q",
            y=alt.Y("count:Q", title=count_title),
            y2="zero:Q",
        )
    )
