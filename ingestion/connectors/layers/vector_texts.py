"""Texts and shapes from GDAL, made safe: texts that are not UTF-8, and shapes without a place or of an unknown kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow
import shapely

from ingestion.transforms.geometries import nowhere, read_wkb

from ..source import BrokenRow, Note
from ..texts.encodings import FOREIGN, in_windows_1252

_STRINGS = (pyarrow.string(), pyarrow.large_string())


def sound_texts(table: pyarrow.Table, first: int) -> tuple[pyarrow.Table, list[Note]]:
    """The table with every text as UTF-8, and notes on the texts that were not.

    A DBF file cuts a text at a number of bytes, often within a character, whose remainder is dropped.
    first: the line of the table's first row.
    """
    notes: list[Note] = []
    for place, name in enumerate(table.column_names):
        column = table.column(place)
        if column.type not in _STRINGS or _is_sound(column):
            continue
        texts = [
            None if data is None else _sound(data, first + row, name, notes)
            for row, data in enumerate(column.cast(pyarrow.large_binary()).to_pylist())
        ]
        table = table.set_column(place, name, pyarrow.array(texts, type=pyarrow.large_string()))
    return table, notes


def _is_sound(column: Any) -> bool:
    try:
        column.validate(full=True)
    except pyarrow.ArrowInvalid:
        return False
    return True


def _sound(data: bytes, line: int, column: str, notes: list[Note]) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            text = data[: error.start].decode()
            notes.append(Note(line, column, text[-100:], "is cut within a character; the half is dropped"))
            return text
    return in_windows_1252(data.decode("utf-8", FOREIGN), line, column, notes)


@dataclass
class Shapes:
    """The shapes of some rows.

    hexadecimal: the WKB, in longitude and latitude, of the rows that are not broken. is_whole: which rows those are.
    """

    hexadecimal: list[str]
    is_whole: np.ndarray
    broken: list[BrokenRow] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def shapes_in_degrees(wkb: list[bytes | None], transformer: Any, first: int, column: str) -> Shapes:
    """Reads the shapes of some rows.

    A row is broken if its shape is of a kind that is not read. A shape without a place is dropped, but its row stays.
    first: the line of the first row. column: the column of the shapes, for the notes.
    """
    shapes, faults = read_wkb(np.array(wkb, dtype=object))
    shapes = shapely.force_2d(shapes)
    notes = []
    for place in np.flatnonzero(nowhere(shapes)):
        notes.append(Note(first + int(place), column, "", "holds no coordinates but a mark for none", dropped=True))
        shapes[place] = None
    if transformer is not None:
        shapes = shapely.transform(shapes, transformer.transform, interleaved=False)
        for place in np.flatnonzero(nowhere(shapes)):
            reason = "lies outside what its coordinate reference system can say"
            notes.append(Note(first + int(place), column, "", reason, dropped=True))
            shapes[place] = None
    broken = [BrokenRow(first + place, "", reason) for place, reason in faults.items()]
    is_whole = np.ones(len(shapes), dtype=bool)
    is_whole[list(faults)] = False
    hexadecimal = [wkb or "" for wkb in shapely.to_wkb(shapes[is_whole], hex=True)]
    return Shapes(hexadecimal, is_whole, broken, notes)
