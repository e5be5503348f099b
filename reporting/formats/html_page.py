"""A report as one HTML page with its styles and charts inside. It has no script and loads nothing. No Django."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from terrafusion.charts.chart import Chart
from terrafusion.charts.pictures import svg_of

from .document import Column, Report, Section, Table

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
        if section.is_on_pages:
            yield from _section(section)
    yield "<h2>How this report was made</h2><table><tbody>"
    for fact in report.facts:
        yield f'<tr><th scope="row">{escape(fact.label)}</th><td>{escape(fact.shown)}</td></tr>'
    yield "</tbody></table></main></body></html>"


def _section(section: Section) -> Iterator[str]:
    yield f"<section><h2>{escape(section.heading)}</h2>"
    yield from (f"<p>{escape(paragraph)}</p>" for paragraph in section.paragraphs)
    for table in section.page_tables:
        yield from _table(table)
    for chart in section.charts:
        yield _figure(chart)
    yield "</section>"


def _table(table: Table) -> Iterator[str]:
    yield f'<div class="wide"><table><caption>{escape(table.title)}</caption><thead><tr>'
    for column in table.columns:
        yield f'<th scope="col"{_class(column)}>{escape(column.heading)}</th>'
    yield "</tr></thead><tbody>"
    for at, row in enumerate(table.rows[: table.shown_rows]):
        total = ' class="t"' if at in table.total_rows else ""
        cells = (
            f"<td{_class(column)}>{escape(column.shown(value))}</td>"
            for column, value in zip(table.columns, row, strict=True)
        )
        yield f"<tr{total}>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"
    if table.page_note:
        yield f"<p><small>{escape(table.page_note)}</small></p>"


def _class(column: Column) -> str:
    return ' class="n"' if column.is_number else ""


def _figure(chart: Chart) -> str:
    svg = svg_of(chart).replace("<svg ", f'<svg role="img" aria-label="{escape(chart.description)}" ', 1)
    caption = f"<figcaption>{escape(chart.title)}. {escape(chart.description)}</figcaption>"
    return f"<figure>{svg}{caption}</figure>"
