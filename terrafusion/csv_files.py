"""CSV files that a spreadsheet opens as data: no cell becomes a formula. The only CSV writer of the product."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Any, TextIO

# What Excel, LibreOffice or Google Sheets take as the beginning of a formula, or strip to find one behind it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def inert(value: Any) -> Any:
    """Text that would run as a formula gets an apostrophe in front; everything else, numbers too, stays as it is.

    Source: OWASP, CSV Injection.
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


class CsvWriter:
    """csv.writer whose text is inert. Lines end with CR LF (RFC 4180); None is an empty cell."""

    def __init__(self, stream: TextIO) -> None:
        self._writer = csv.writer(stream)

    def writerow(self, row: Iterable[Any]) -> None:
        self._writer.writerow([inert(each) for each in row])

    def writerows(self, rows: Iterable[Iterable[Any]]) -> None:
        self._writer.writerows([inert(each) for each in row] for row in rows)
