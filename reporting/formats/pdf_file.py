"""A report as PDF: tagged, PDF/UA-1, drawn by typst from report.typ with the fonts inside typst. No Django."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from terrafusion.charts.pictures import svg_of
from terrafusion.errors import TerraFusionError

from .document import Report, Section, Table
from .html_page import note_of

LONG_WORD, ZERO_WIDTH_SPACE = 22, "\u200b"
_LONG_WORD, _PIECE = re.compile(rf"\S{{{LONG_WORD + 1},}}"), re.compile(r".{1,3}")
ROUNDS = 10  # each names many of the characters that are missing
_MISSING = re.compile(r'the text `"(.+?)"` could not be displayed')
# As JSON writes them; not the six letters of a text that reads \u0000, whose backslash JSON doubles.
_UNPRINTABLE = re.compile(r"(?<!\\)((?:\\\\)*)\\u00[01][0-9a-f]|[\x7f-\x9f\u200c-\u200f\u2028-\u202e\ufeff]")
TEMPLATE = Path(__file__).with_name("report.typ")


def write_pdf(report: Report, path: Path) -> int:
    """Returns the number of pages. Needs no network and no font of the machine."""
    body = {
        "title": report.title,
        "subtitle": report.subtitle,
        "single": report.single_page,
        "landscape": report.landscape,
        "findings": list(report.findings),
        "facts": [[fact.label, "\u2013" if fact.value is None else str(fact.value)] for fact in report.facts],
        "sections": [found for section in report.sections if (found := _section(section))],
    }
    made, pages = _compiled(json.dumps(body, ensure_ascii=False))
    path.write_bytes(made)
    return pages


def _compiled(body: str) -> tuple[bytes, int]:
    """The PDF and its number of pages. A character that no font inside typst has is shown as a question mark.

    PDF/UA refuses such a character, and one foreign name must not cost a county its roll. Raises PdfFailed.
    """
    import typst  # here, so that only a job that draws pages pays for its start

    body = _UNPRINTABLE.sub(lambda found: f"{found[1] or ''} ", body)
    for _ in range(ROUNDS):
        try:
            compiler = typst.Compiler(TEMPLATE, ignore_system_fonts=True, sys_inputs={"report": body})
            made = compiler.compile(format="pdf", pdf_standards="ua-1")
            pages = json.loads(compiler.query("<pages>", field="value", one=True))
        except typst.TypstError as error:
            missing = {each for found in _MISSING.findall(error.diagnostic) for each in found if not each.isascii()}
            if not missing:
                raise PdfFailed(f"The PDF could not be made: {error}") from error
            body = "".join("?" if each in missing else each for each in body)
        else:
            return (made if isinstance(made, bytes) else b""), int(pages)
    raise PdfFailed("The PDF could not be made: its text has too many characters that the fonts lack.")


class PdfFailed(TerraFusionError):
    """typst refused the document; the sentence is typst's own."""

    failure_reason = "processing_exception"


def _section(section: Section) -> dict[str, Any] | None:
    tables = [_table(table) for table in section.tables if table.is_in("everywhere", "pages")]
    if not (tables or section.paragraphs or section.charts):
        return None
    return {
        "heading": section.heading,
        "new_page": section.new_page,
        "paragraphs": list(section.paragraphs),
        "tables": tables,
        "charts": [
            {"svg": svg_of(chart), "title": chart.title, "description": chart.description} for chart in section.charts
        ],
    }


def _table(table: Table) -> dict[str, Any]:
    shown = table.rows[: table.shown_rows]
    return {
        "title": table.title,
        "note": note_of(table),
        "columns": [{"heading": column.heading, "number": column.is_number} for column in table.columns],
        "weights": _weights(table),
        "rows": [[_breakable(c.shown(v)) for c, v in zip(table.columns, row, strict=True)] for row in shown],
        "totals": list(table.total_rows),
    }


def _breakable(text: str) -> str:
    """Places for a line break in words longer than a column is sure to have room for."""
    if len(text) <= LONG_WORD:
        return text
    return _LONG_WORD.sub(lambda found: ZERO_WIDTH_SPACE.join(_PIECE.findall(found[0])), text)


def _weights(table: Table) -> list[int]:
    """Longest text of each column, capped: a column of prose takes what the numbers leave."""
    widths = []
    for at, column in enumerate(table.columns):
        longest = max((len(column.shown(row[at])) for row in table.rows[: table.shown_rows]), default=0)
        widths.append(longest if not column.is_number else 0)
    return widths
