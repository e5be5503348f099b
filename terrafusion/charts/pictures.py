"""Charts as files: SVG and PNG to look at, and the Vega-Lite spec to draw them again elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from market_analysis.answer import Chart

CONTENT_TYPES = {"svg": "image/svg+xml", "png": "image/png", "vl.json": "application/vnd.vegalite.v6+json"}
PNG_SCALE = 2  # sharp on a screen of today


def draw(charts: Iterable[Chart], folder: Path, prefix: str) -> list[tuple[Path, str]]:
    """Writes three files a chart; returns (path, content type). Needs no browser and no network."""
    import vl_convert  # here: only a job that draws pays for its start

    files = []
    for chart in charts:
        drawn: dict[str, bytes] = {
            "svg": vl_convert.vegalite_to_svg(chart.spec).encode(),
            "png": vl_convert.vegalite_to_png(chart.spec, scale=PNG_SCALE),
            "vl.json": json.dumps({**chart.spec, "description": chart.description}).encode(),
        }
        for extension, content in drawn.items():
            path = folder / f"{prefix}_{chart.name}.{extension}"
            path.write_bytes(content)
            files.append((path, CONTENT_TYPES[extension]))
    return files
