"""Charts as pictures: SVG and PNG to look at, and the Vega-Lite specification to draw them again elsewhere.

Drawing needs no browser and no network. vl_convert is imported in the functions, so that only a job that draws pays
for its start.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from .chart import Chart

CONTENT_TYPES = {"svg": "image/svg+xml", "png": "image/png", "vl.json": "application/vnd.vegalite.v6+json"}
PNG_SCALE = 2  # sharp on a screen of today


def svg_of(chart: Chart) -> str:
    import vl_convert

    return str(vl_convert.vegalite_to_svg(chart.spec))


def write_pictures(charts: Iterable[Chart], folder: Path, prefix: str) -> list[tuple[Path, str]]:
    """Writes three files for each chart: SVG, PNG and specification. Returns their paths and content types."""
    import vl_convert

    files = []
    for chart in charts:
        contents: dict[str, bytes] = {
            "svg": svg_of(chart).encode(),
            "png": vl_convert.vegalite_to_png(chart.spec, scale=PNG_SCALE),
            "vl.json": json.dumps({**chart.spec, "description": chart.description}).encode(),
        }
        for extension, content in contents.items():
            path = folder / f"{prefix}_{chart.name}.{extension}"
            path.write_bytes(content)
            files.append((path, CONTENT_TYPES[extension]))
    return files
