"""Charts as SVG, drawn without a browser. No Django."""

from __future__ import annotations

from .document import Chart


def drawn(chart: Chart) -> str:
    """The chart as SVG text. vl_convert is imported here: only a job that draws pays for its start."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(chart.spec))
