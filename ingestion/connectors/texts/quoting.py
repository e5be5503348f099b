"""Where a record of a delimited file ends, which depends on whether a quote mark opens a value or belongs to one.

A county's tab-separated export seldom has quoting, yet a value in it may begin with a quote mark (`"12 INCH MAIN`).
Read by the rules of CSV, such a mark swallows every line up to the next one. So a quoted value may span several lines
only if those lines do not look like rows of their own; otherwise the line is a record by itself, and gets a note.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import AnyStr

MOST_LINES = 1000  # a quote mark that is not closed within so many lines opens no quoted value
_AMBIGUOUS_BELOW = 4  # columns; the lines of a longer text may have as many commas as a row of so few


@dataclass(frozen=True)
class Record:
    """One record of the file.

    cells: the values by the rules of quoting; if there is a fault, those of the first line cut at its delimiters.
    lines: the number of lines the record takes. fault: which rule of quoting is broken.
    doubt: what somebody must look at although no rule is broken.
    """

    cells: list[str]
    lines: int = 1
    fault: str = ""
    doubt: str = ""


@dataclass(frozen=True)
class Dialect:
    """How the file is written. quoting: `double` as in RFC 4180, `none`, or None where the mapping does not say."""

    delimiter: str
    quoting: str | None
    columns: int

    def record(self, lines: list[str], at: int, more: Callable[[], bool]) -> Record:
        """The record that begins with `lines[at]`. more: adds a line to `lines`, and gives false at the file's end."""
        line = lines[at]
        if '"' not in line or self.quoting == "none":
            return Record(self.cut(line))
        reader = csv.reader(_following(lines, at, more), strict=True, delimiter=self.delimiter)
        try:
            cells = next(reader)
        except csv.Error as error:
            open_ended = "end of data" in str(error)
            fault = "a quote opens and is not closed" if open_ended else "a quote opens and does not end its value"
            return Record(self.cut(line), fault=fault)
        used = reader.line_num
        if used > 1 and rows_in_quotes(lines[at : at + used], self.delimiter, self.columns):
            doubt = f"a quote opens and closes {used - 1} lines below, over what look like rows"
            if self.quoting is None:
                return Record(self.cut(line), fault=doubt)
            return Record(cells, used, doubt=doubt)
        return Record(cells, used)

    def cut(self, line: str) -> list[str]:
        """The values of a line, whose quote marks belong to them."""
        return line.rstrip("\r\n").split(self.delimiter)


def _following(lines: list[str], at: int, more: Callable[[], bool]) -> Iterator[str]:
    for place in range(at, at + MOST_LINES):
        if place == len(lines) and not more():
            return
        yield lines[place]


def rows_in_quotes(lines: Sequence[AnyStr], delimiter: AnyStr, columns: int) -> bool:
    """Whether the lines that a quoted value spans look like rows.

    They do when the first line, the last and at least half of all have exactly the delimiters of a row. In a file with
    few columns, these lines must also all begin alike.
    """
    if columns < 2:
        return False
    rows = [line.count(delimiter) == columns - 1 for line in lines]
    if not rows[0] or not rows[-1] or 2 * sum(rows) < len(rows):
        return False
    beginnings = {_kind(line.split(delimiter, 1)[0]) for line, row in zip(lines, rows, strict=True) if row}
    return columns >= _AMBIGUOUS_BELOW or len(beginnings) == 1


def _kind(cell: AnyStr) -> tuple[bool, bool]:
    return cell.strip().isdigit(), cell.strip().isalpha()
