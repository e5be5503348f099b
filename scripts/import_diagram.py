"""Draws docs/pictures/imports.svg: who imports whom, read from the imports themselves.

    python scripts/import_diagram.py            writes it
    python scripts/import_diagram.py --check    exit code 1 when it is not as the imports are

An arrow leads from the importer to what it imports. One is left out where a longer way of arrows leads to the same
place. Left out as well are those who name everything: the settings, the URLs, and the admin's pages.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import grimp

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "pictures" / "imports.svg"
PLUGINS = ("valuation", "reporting", "market_analysis", "gis_export", "ingestion")
PACKAGES = (*PLUGINS, "terrafusion", "accounts", "county_configs")
ROOMS = ("demo", "jobs", "analytics", "roll", "errors")  # of terrafusion; its other modules are one box
SHARED = "terrafusion: shared modules"
COMPOSITION_ROOTS = ("settings", "urls", "wsgi", "admin")  # last or second part of a module's name

WIDTH, ROW, MARGIN, BOX = 980, 96, 24, (160, 40)
STYLE = """
  rect { fill: #f3f6f9; stroke: #52687e; stroke-width: 1.2; rx: 6 }
  rect.plugin { fill: #e6f1e8; stroke: #3f7350 }
  text { font: 14px sans-serif; fill: #1c2733; text-anchor: middle; dominant-baseline: central }
  path { fill: none; stroke: #52687e; stroke-width: 1.2; marker-end: url(#head) }
"""

Arrows = dict[str, set[str]]  # importer: what it imports


def box_of(module: str) -> str | None:
    """The box of the diagram in which a module stands; None for a composition root."""
    parts = module.split(".")
    if parts[-1] in COMPOSITION_ROOTS or parts[1:2] in ([root] for root in COMPOSITION_ROOTS):
        return None
    if parts[0] != "terrafusion":
        return parts[0]
    return f"terrafusion.{parts[1]}" if len(parts) > 1 and parts[1] in ROOMS else SHARED


def arrows_of_imports() -> Arrows:
    sys.path.insert(0, str(ROOT))
    graph = grimp.build_graph(*PACKAGES, cache_dir=None, exclude_type_checking_imports=True)
    boxes = {module: box_of(module) for module in graph.modules}
    arrows: Arrows = {box: set() for box in boxes.values() if box}
    for module, box in boxes.items():
        for imported in graph.find_modules_directly_imported_by(module):
            target = boxes[imported]
            if box and target and box != target:
                arrows[box].add(target)
    return arrows


def without_detours(arrows: Arrows) -> Arrows:
    """Leaves out each arrow that a longer way replaces."""
    reached: Arrows = {}

    def reach(box: str) -> set[str]:
        if box not in reached:
            reached[box] = arrows[box].union(*(reach(target) for target in arrows[box]))
        return reached[box]

    return {
        box: {target for target in targets if not any(target in reach(other) for other in targets - {target})}
        for box, targets in arrows.items()
    }


def rows_of(arrows: Arrows) -> list[list[str]]:
    """Boxes from the top row to the bottom: each stands above all that it imports, the plugins in one row."""
    height: dict[str, int] = {}

    def high(box: str) -> int:
        if box not in height:
            height[box] = 1 + max((high(target) for target in arrows[box]), default=-1)
        return height[box]

    shared_row = max(high(plugin) for plugin in PLUGINS)
    height.clear()
    height.update(dict.fromkeys(PLUGINS, shared_row))
    rows: list[list[str]] = [[] for _ in range(max(high(box) for box in arrows) + 1)]
    for box in (*PLUGINS, *sorted(set(arrows) - set(PLUGINS))):
        rows[height[box]].append(box)
    return [row for row in reversed(rows) if row]


def places(rows: Iterable[list[str]]) -> dict[str, tuple[float, float]]:
    """The middle of each box."""
    middles = {}
    for number, row in enumerate(rows):
        for column, box in enumerate(row):
            middles[box] = (WIDTH * (column + 0.5) / len(row), MARGIN + BOX[1] / 2 + number * ROW)
    return middles


def svg(arrows: Arrows) -> str:
    shown = without_detours(arrows)
    rows = rows_of(arrows)
    middles = places(rows)
    height = 2 * MARGIN + BOX[1] + (len(rows) - 1) * ROW
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
        "<title>Which part of TerraFusion imports which; every arrow points down</title>",
        f"<style>{STYLE}</style>",
        '<marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" style="fill: #52687e; stroke: none"/></marker>',
        f'<rect x="0" y="0" width="{WIDTH}" height="{height}" style="fill: white; stroke: none"/>',
        *(_arrow(middles, box, target) for box in sorted(shown) for target in sorted(shown[box])),
        *(_box(box, *middles[box]) for box in sorted(middles)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _arrow(middles: Mapping[str, tuple[float, float]], box: str, target: str) -> str:
    (left, top), (right, bottom) = middles[box], middles[target]
    top, bottom = top + BOX[1] / 2, bottom - BOX[1] / 2
    bend = (bottom - top) / 2
    return (
        f'<path d="M{left:.0f},{top:.0f} C{left:.0f},{top + bend:.0f} {right:.0f},{bottom - bend:.0f} '
        f'{right:.0f},{bottom:.0f}"/>'
    )


def _box(box: str, left: float, top: float) -> str:
    width = BOX[0] if len(box) < 22 else len(box) * 8 + 16
    kind = ' class="plugin"' if box in PLUGINS else ""
    return (
        f'<rect{kind} x="{left - width / 2:.0f}" y="{top - BOX[1] / 2:.0f}" width="{width}" height="{BOX[1]}"/>'
        f'<text x="{left:.0f}" y="{top:.0f}">{escape(box)}</text>'
    )


def main(arguments: list[str]) -> int:
    picture = svg(arrows_of_imports())
    if arguments == ["--check"]:
        same = PICTURE.exists() and PICTURE.read_text() == picture
        if not same:
            print(f"{PICTURE.relative_to(ROOT)} is not as the imports are: run python scripts/import_diagram.py.")
        return 0 if same else 1
    PICTURE.write_text(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
