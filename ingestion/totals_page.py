"""Control totals as a table for somebody to check and sign: both sides, and their difference to the dollar."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html, format_html_join

SIDES = ("source", "loaded", "rejected", "duplicates", "dropped", "rounded", "difference")


def totals_table(control_totals: dict[str, Any]) -> str:
    """The table in HTML. Every text is escaped."""
    blocks = [
        format_html("<h3>{}: {}</h3>{}", dataset, target, _table(totals))
        for dataset, targets in control_totals.items()
        for target, totals in targets.items()
    ]
    return format_html_join("", "{}", ((block,) for block in blocks)) if blocks else "none"


def _table(totals: dict[str, Any]) -> str:
    names = ["rows", *totals["amounts"]]
    groups = [("all", totals["headline"])]
    groups += [(f"class {group or '(none)'}", sides) for group, sides in totals["by_class"].items()]
    groups += [(f"tax area {group or '(none)'}", sides) for group, sides in totals["by_tax_area"].items()]
    header = format_html_join("", "<th>{}</th>", ((title.replace("_", " "),) for title in ("", "", *names)))
    # Old loads have no side for what was rounded away.
    rows = format_html_join(
        "", "{}", ((_row(group, side, sides, names),) for group, sides in groups for side in SIDES if side in sides)
    )
    verdict = "balanced, difference $0" if totals["balanced"] else "NOT BALANCED"
    return format_html("<p>{}</p><table><tr>{}</tr>{}</table>", verdict, header, rows)


def _row(group: str, side: str, sides: dict[str, Any], names: list[str]) -> str:
    from .pipelines.control.amounts import as_read  # It brings polars, which only a page of totals needs.

    cells = format_html_join("", "<td>{}</td>", ((as_read(sides[side][name]),) for name in names))
    return format_html("<tr><th>{}</th><th>{}</th>{}</tr>", group if side == "source" else "", side, cells)
