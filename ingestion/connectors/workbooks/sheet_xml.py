"""A worksheet's XML: how many rows have a value, and which formulas were never calculated.

The count is independent of the reader, openpyxl, which trusts the size a sheet states, skips rows that are out of
order, and reads a formula without a result as an empty cell.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from ..source import UnreadableSource

_COLUMN = re.compile(r"[A-Z]+")
LAST_ROW = 1_048_576  # of an Excel sheet; for a row numbered higher the reader would make up every row before it
SHARED_STRINGS = "xl/sharedStrings.xml"


@dataclass
class SheetCensus:
    """What the XML of a sheet holds.

    rows: the number of rows after row `first` that have a value. uncalculated: the columns (from 0) of formulas
    without a result, by row.
    """

    first: int
    empty_strings: frozenset[int] = frozenset()
    rows: int = 0
    uncalculated: dict[int, set[int]] = field(default_factory=dict)
    _row: int = 0
    _column: int = -1
    _has_value: bool = False
    _kind: str = ""
    _formula: bool = False
    _texts: list[str] | None = None
    _value: str = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _local(tag)
        if name == "c":
            self._kind, self._formula, self._value = attributes.get("t", "n"), False, ""
            place = _COLUMN.match(attributes.get("r", ""))
            self._column = _number(place.group()) if place else self._column + 1
        elif name == "f":
            self._formula = True
        elif name in ("v", "t"):
            self._texts = []
        elif name == "row":
            number = attributes.get("r", "")
            self._row = int(number) if number.isdigit() else self._row + 1
            if self._row > LAST_ROW:
                raise UnreadableSource(f"a sheet has {LAST_ROW:,} rows, and one of this is numbered {self._row:,}.")
            self._column, self._has_value = -1, False

    def text(self, data: str) -> None:
        if self._texts is not None:
            self._texts.append(data)

    def end(self, tag: str) -> None:
        name = _local(tag)
        if name in ("v", "t") and self._texts is not None:
            self._value += "".join(self._texts)
            self._texts = None
        elif name == "c":
            self._end_of_cell()
        elif name == "row" and self._has_value and self._row > self.first:
            self.rows += 1

    def _end_of_cell(self) -> None:
        if self._kind == "s" and self._value.strip().isdigit():
            self._has_value |= int(self._value) not in self.empty_strings
        elif self._value:
            self._has_value = True
        elif self._formula and self._kind != "str":  # an empty text is a result too
            self._has_value = True
            self.uncalculated.setdefault(self._row, set()).add(self._column)


class _EmptyStrings:
    """Which of the workbook's shared strings are empty."""

    def __init__(self) -> None:
        self.numbers: set[int] = set()
        self._number, self._length, self._open = 0, 0, False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._open = _local(tag) == "t"

    def text(self, data: str) -> None:
        self._length += len(data) if self._open else 0

    def end(self, tag: str) -> None:
        self._open = False
        if _local(tag) == "si":
            if not self._length:
                self.numbers.add(self._number)
            self._number, self._length = self._number + 1, 0


def census(archive: zipfile.ZipFile, part: str, first: int) -> SheetCensus:
    """Counts the sheet in this part of the workbook. Raises expat.ExpatError where the part is not XML."""
    strings = _EmptyStrings()
    if SHARED_STRINGS in archive.namelist():
        _parse(archive, SHARED_STRINGS, strings)
    sheet = SheetCensus(first, frozenset(strings.numbers))
    _parse(archive, part, sheet)
    return sheet


def _parse(archive: zipfile.ZipFile, part: str, listener: Any) -> None:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = listener.start
    parser.CharacterDataHandler = listener.text
    parser.EndElementHandler = listener.end
    with archive.open(part) as stream:
        parser.ParseFile(stream)


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _number(letters: str) -> int:
    """The number of a column by its letters: A is 0, Z is 25, AA is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
