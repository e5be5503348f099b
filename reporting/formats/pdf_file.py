"""A report as PDF: tagged, PDF/UA-1, drawn by typst from report.typ with the fonts inside typst. No Django."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from terrafusion.charts.pictures import svg_of
from terrafusion.errors import TerraFusionError

from .document import Report, Section, Table

LONG_WORD, ZERO_WIDTH_SPACE = 22, "\u200b"
_LONG_WORD, _PIECE = re.compile(rf"\S{{{LONG_WORD + 1},}}"), re.compile(r".{1,3}")
ROUNDS = 10  # of compiling; each round names many of the missing characters
_MISSING = re.compile(r'the text `"(.+?)"` could not be displayed')
# Control characters and marks of direction, as JSON writes them. The six letters \u0000 in a text are not one of them:
# JSON doubles their backslash.
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
        "facts": [[fact.label, fact.shown] for fact in report.facts],
        "sections": [_section(section) for section in report.sections if section.is_on_pages],
    }
    pdf, pages = _compiled(json.dumps(body, ensure_ascii=False))
    path.write_bytes(pdf)
    return pages


def _compiled(body: str) -> tuple[bytes, int]:
    """The PDF and its number of pages. A character that no font inside typst has becomes a question mark.

    PDF/UA refuses such a character, and one foreign name must not cost a county its roll. Raises PdfFailed.
    """
    import typst  # here, so that only a job that draws pages pays for its start

    body = _UNPRINTABLE.sub(lambda match: f"{match[1] or ''} ", body)
    for _ in range(ROUNDS):
        try:
            compiler = typst.Compiler(TEMPLATE, ignore_system_fonts=True, sys_inputs={"report": body})
            pdf = compiler.compile(format="pdf", pdf_standards="ua-1")
            pages = json.loads(compiler.query("<pages>", field="value", one=True))
        except typst.TypstError as error:
            missing = {
                character
                for text in _MISSING.findall(error.diagnostic)
                for character in text
                if not character.isascii()
            }
            if not missing:
                raise PdfFailed(f"The PDF could not be made: {error}") from error
            body = "".join("?" if character in missing else character for character in body)
        else:
            return (pdf if isinstance(pdf, bytes) else b""), int(pages)
    raise PdfFailed("The PDF could not be made: its text has too many characters that the fonts lack.")


class PdfFailed(TerraFusionError):
    """typst refused the document. The message is typst's own."""

    failure_reason = "processing_exception"


def _section(section: Section) -> dict[str, Any]:
    return {
        "heading": section.heading,
        "new_page": section.new_page,
        "paragraphs": list(section.paragraphs),
        "tables": [_table(table) for table in section.page_tables],
        "charts": [
            {"svg": svg_of(chart), "title": chart.title, "description": chart.description} for chart in section.charts
        ],
    }


def _table(table: Table) -> dict[str, Any]:
    shown = table.rows[: table.shown_rows]
    return {
        "title": table.title,
        "note": table.page_note,
        "columns": [{"heading": column.heading, "number": column.is_number} for column in table.columns],
        "weights": _weights(table),
        "rows": [
            [_breakable(column.shown(value)) for column, value in zip(table.columns, row, strict=True)] for row in shown
        ],
        "totals": list(table.total_rows),
    }


def _breakable(text: str) -> str:
    """The text with places for a line break inside its long words, for which a column may have no room."""
    if len(text) <= LONG_WORD:
        return text
    return _LONG_WORD.sub(lambda word: ZERO_WIDTH_SPACE.join(_PIECE.findall(word[0])), text)


def _weights(table: Table) -> list[int]:
    """The length of the longest text of each column. A column of numbers has no weight: it takes the room it needs."""
    widths = []
    for at, column in enumerate(table.columns):
        longest = max((len(column.shown(row[at])) for row in table.rows[: table.shown_rows]), default=0)
        widths.append(longest if not column.is_number else 0)
    return widths
