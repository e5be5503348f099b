"""A worksheet counted on its own XML: how many rows say something, and which formulas nobody has calculated.

Another way than the reader takes (openpyxl, which believes what a sheet says of its own size, passes over rows out of
order, and shows a formula without a result as an empty cell).
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from .source import UnreadableSource

_COLUMN = re.compile(r"[A-Z]+")
LAST_ROW = 1_048_576  # of Excel's; the reader makes up every row before the one it is told of
SHARED_STRINGS = "xl/sharedStrings.xml"


@dataclass
class SheetCensus:
    """rows: after row `first`, those with a text or a result. uncalculated: by row, columns counted from 0."""

    first: int
    empty_strings: frozenset[int] = frozenset()
    rows: int = 0
    uncalculated: dict[int, set[int]] = field(default_factory=dict)
    _row: int = 0
    _column: int = -1
    _said: bool = False
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
            self._column, self._said = -1, False

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
        elif name == "row" and self._said and self._row > self.first:
            self.rows += 1

    def _end_of_cell(self) -> None:
        if self._kind == "s" and self._value.strip().isdigit():
            self._said |= int(self._value) not in self.empty_strings
        elif self._value:
            self._said = True
        elif self._formula and self._kind != "str":  # a text of no characters is a result too
            self._said = True
            self.uncalculated.setdefault(self._row, set()).add(self._column)


class _EmptyStrings:
    """Which of the workbook's shared strings say nothing."""

    def __init__(self) -> None:
        self.found: set[int] = set()
        self._number, self._length, self._open = 0, 0, False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._open = _local(tag) == "t"

    def text(self, data: str) -> None:
        self._length += len(data) if self._open else 0

    def end(self, tag: str) -> None:
        self._open = False
        if _local(tag) == "si":
            if not self._length:
                self.found.add(self._number)
            self._number, self._length = self._number + 1, 0


def census(archive: zipfile.ZipFile, part: str, first: int) -> SheetCensus:
    """Counts the sheet in this part of the workbook. Raises expat.ExpatError where it is no XML."""
    strings = _EmptyStrings()
    if SHARED_STRINGS in archive.namelist():
        _parse(archive, SHARED_STRINGS, strings)
    counted = SheetCensus(first, frozenset(strings.found))
    _parse(archive, part, counted)
    return counted


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
    """A is 0, Z is 25, AA is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
