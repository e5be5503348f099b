"""A chart as the page of a report carries it: in the font of the page, its title in the caption. No Django."""

from __future__ import annotations

from typing import Any

from terrafusion.charts.chart import Chart
from terrafusion.charts.theme import themed

WIDTH, HEIGHT = 470, 190
FONT = "Libertinus Serif"  # It comes with typst; a browser without it shows its own serif.


def page_chart(
    name: str, title: str, description: str, drawing: Any, *, width: int = WIDTH, height: int = HEIGHT
) -> Chart:
    """drawing: an altair chart. width, height: of the plot in pixels, axes not counted."""
    return Chart(name, title, description, themed(drawing.properties(width=width, height=height), FONT))
