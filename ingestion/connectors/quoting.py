"""Where a record of a delimited file ends: quotes that belong to the writing, quote marks that belong to a value.

A county's tab-separated export seldom has quoting, yet a value in it may begin with a quote mark (`"12 INCH MAIN`).
Read by the rules of CSV such a mark swallows every line up to the next one. So a quoted value is believed over
several lines only where those lines are not rows of their own; otherwise the line stands for itself, and is told.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import AnyStr

MOST_LINES = 1000  # a quoted value of more lines is a quote mark that nobody closed
_AMBIGUOUS_BELOW = 4  # columns: a text of several lines may have as many commas


@dataclass(frozen=True)
class Record:
    """cells: as the rules of quoting give them, or, with a fault, the first line cut at its delimiters alone.

    lines: how many the record takes. doubt: what somebody must look at although the rules are kept.
    """

    cells: list[str]
    lines: int = 1
    fault: str = ""
    doubt: str = ""


@dataclass(frozen=True)
class Dialect:
    """quoting: `double` as in RFC 4180, `none`, or None where the mapping does not say."""

    delimiter: str
    quoting: str | None
    columns: int

    def record(self, lines: list[str], at: int, more: Callable[[], bool]) -> Record:
        """The record that begins with `lines[at]`. more: adds a line to `lines`; false at the end of the file."""
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
        """A line without quoting."""
        return line.rstrip("\r\n").split(self.delimiter)


def _following(lines: list[str], at: int, more: Callable[[], bool]) -> Iterator[str]:
    for place in range(at, at + MOST_LINES):
        if place == len(lines) and not more():
            return
        yield lines[place]


def rows_in_quotes(lines: Sequence[AnyStr], delimiter: AnyStr, columns: int) -> bool:
    """Whether the lines a quoted value spans are rows themselves.

    The first, the last and at least half of those between have exactly the delimiters of a row. Of a file with few
    columns each must also begin like the first.
    """
    if columns < 2:
        return False
    rows = [line.count(delimiter) == columns - 1 for line in lines]
    if not rows[0] or not rows[-1] or 2 * sum(rows) < len(rows):
        return False
    begun = [_kind(line.split(delimiter, 1)[0]) for line, row in zip(lines, rows, strict=True) if row]
    return columns >= _AMBIGUOUS_BELOW or len(set(begun)) == 1


def _kind(cell: AnyStr) -> tuple[bool, bool]:
    return cell.strip().isdigit(), cell.strip().isalpha()
