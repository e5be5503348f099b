"""A report as one HTML page: styles and charts inside, no script, nothing loaded from elsewhere. No Django."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from terrafusion.charts.chart import Chart
from terrafusion.charts.pictures import svg_of

from .document import Report, Section, Table

STYLE = Path(__file__).with_name("report.css").read_text(encoding="utf-8")


def write_html(report: Report, path: Path) -> None:
    path.write_text("\n".join(_page(report)) + "\n", encoding="utf-8")


def _page(report: Report) -> Iterator[str]:
    title = escape(report.title)
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width">'
    yield f"<title>{title}</title><style>{STYLE}</style></head><body>"
    yield f"<header><h1>{title}</h1><p>{escape(report.subtitle)}</p></header><main>"
    if report.findings:
        yield "<ul>" + "".join(f"<li>{escape(finding)}</li>" for finding in report.findings) + "</ul>"
    for section in report.sections:
        yield from _section(section)
    yield "<h2>How this report was made</h2><table><tbody>"
    for fact in report.facts:
        yield f'<tr><th scope="row">{escape(fact.label)}</th><td>{escape(_plain(fact.value))}</td></tr>'
    yield "</tbody></table></main></body></html>"


def _section(section: Section) -> Iterator[str]:
    tables = [each for each in section.tables if each.is_in("everywhere", "pages")]
    if not (tables or section.paragraphs or section.charts):
        return
    yield f"<section><h2>{escape(section.heading)}</h2>"
    yield from (f"<p>{escape(paragraph)}</p>" for paragraph in section.paragraphs)
    for table in tables:
        yield from _table(table)
    for chart in section.charts:
        yield _figure(chart)
    yield "</section>"


def _table(table: Table) -> Iterator[str]:
    yield f'<div class="wide"><table><caption>{escape(table.title)}</caption><thead><tr>'
    classes = [' class="n"' if column.is_number else "" for column in table.columns]
    heads = zip(table.columns, classes, strict=True)
    yield "".join(f'<th scope="col"{kind}>{escape(each.heading)}</th>' for each, kind in heads) + "</tr></thead><tbody>"
    for at, row in enumerate(table.rows[: table.shown_rows]):
        cells = zip(table.columns, classes, row, strict=True)
        total = ' class="t"' if at in table.total_rows else ""
        yield f"<tr{total}>" + "".join(f"<td{kind}>{escape(c.shown(v))}</td>" for c, kind, v in cells) + "</tr>"
    yield "</tbody></table></div>"
    if note := note_of(table):
        yield f"<p><small>{escape(note)}</small></p>"


def note_of(table: Table) -> str:
    """The table's note, and what a page leaves out of it."""
    hidden = len(table.rows) - table.shown_rows
    if not table.rows:
        return f"{table.note} None.".strip()
    if hidden <= 0:
        return table.note
    return f"{table.note} {hidden:,} further rows are in the CSV, XLSX and JSON of this report.".strip()


def _figure(chart: Chart) -> str:
    svg = svg_of(chart).replace("<svg ", f'<svg role="img" aria-label="{escape(chart.description)}" ', 1)
    caption = f"<figcaption>{escape(chart.title)}. {escape(chart.description)}</figcaption>"
    return f"<figure>{svg}{caption}</figure>"


def _plain(value: object) -> str:
    return "\u2013" if value is None else str(value)
