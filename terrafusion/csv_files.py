"""CSV files in which no cell becomes a formula when a spreadsheet opens them. All CSV files are written here."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Any, TextIO

# Characters that begin a formula in Excel, LibreOffice or Google Sheets, or that these remove before they look for one.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def inert(value: Any) -> Any:
    """The value, with an apostrophe in front if it is a text that would become a formula.

    Source: OWASP, CSV Injection.
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


class CsvWriter:
    """A csv.writer whose texts are inert. Lines end with CR LF (RFC 4180); None is an empty cell."""

    def __init__(self, stream: TextIO) -> None:
        self._writer = csv.writer(stream)

    def writerow(self, row: Iterable[Any]) -> None:
        self._writer.writerow([inert(cell) for cell in row])

    def writerows(self, rows: Iterable[Iterable[Any]]) -> None:
        self._writer.writerows([inert(cell) for cell in row] for row in rows)
