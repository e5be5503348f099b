"""A report as PDF: tagged, PDF/UA-1, drawn by typst from report.typ with the fonts inside typst. No Django."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from terrafusion.errors import TerraFusionError

from ..document import Report, Section, Table
from .drawing import drawn
from .html_page import note_of

TEMPLATE = Path(__file__).with_name("report.typ")


def write_pdf(report: Report, path: Path) -> int:
    """Returns the number of pages. Needs no network and no font of the machine."""
    import typst  # here, so that only a job that draws pages pays for its start

    body = {
        "title": report.title,
        "subtitle": report.subtitle,
        "single": report.single_page,
        "landscape": report.landscape,
        "findings": list(report.findings),
        "facts": [[each.label, "\u2013" if each.value is None else str(each.value)] for each in report.facts],
        "sections": [found for each in report.sections if (found := _section(each))],
    }
    try:
        compiler = typst.Compiler(TEMPLATE, ignore_system_fonts=True, sys_inputs={"report": json.dumps(body)})
        made = compiler.compile(format="pdf", pdf_standards="ua-1")
        pages = json.loads(compiler.query("<pages>", field="value", one=True))
    except typst.TypstError as error:
        raise PdfFailed(f"The PDF could not be made: {error}") from error
    path.write_bytes(made if isinstance(made, bytes) else b"")
    return int(pages)


class PdfFailed(TerraFusionError):
    """typst refused the document; the sentence is typst's own."""

    failure_reason = "processing_exception"


def _section(section: Section) -> dict[str, Any] | None:
    tables = [_table(each) for each in section.tables if each.is_in("everywhere", "pages")]
    if not (tables or section.paragraphs or section.charts):
        return None
    charts = [{"svg": drawn(each), "title": each.title, "description": each.description} for each in section.charts]
    return {
        "heading": section.heading,
        "new_page": section.new_page,
        "paragraphs": list(section.paragraphs),
        "tables": tables,
        "charts": charts,
    }


def _table(table: Table) -> dict[str, Any]:
    shown = table.rows[: table.shown_rows]
    return {
        "title": table.title,
        "note": note_of(table),
        "columns": [{"heading": each.heading, "number": each.is_number} for each in table.columns],
        "weights": _weights(table),
        "rows": [[c.shown(v) for c, v in zip(table.columns, row, strict=True)] for row in shown],
        "totals": list(table.total_rows),
    }


def _weights(table: Table) -> list[int]:
    """Longest text of each column, capped: a column of prose takes what the numbers leave."""
    widths = []
    for at, column in enumerate(table.columns):
        longest = max((len(column.shown(row[at])) for row in table.rows[: table.shown_rows]), default=0)
        widths.append(longest if not column.is_number else 0)
    return widths
