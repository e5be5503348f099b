"""The chart of the value change report. No Django."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from terrafusion.charts.chart import Chart
from terrafusion.charts.theme import histogram

from ..formats.page_chart import page_chart


def change_histogram(changes: npt.NDArray[np.float64]) -> Chart:
    """How the changes of value are distributed. changes: percent, one for each property."""
    return page_chart(
        "change_distribution",
        "Distribution of the changes",
        f"Histogram of {len(changes):,} changes, median {float(np.median(changes)):.2f} %. "
        "The first and last bar hold all beyond.",
        histogram(changes, np.linspace(-50, 100, 51), "Change of value, percent", "Properties"),
    )
