"""What GDAL hands over of a layer, made safe: texts that are no UTF-8, shapes that are no place or of no known kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow
import shapely

from ingestion.transforms.geometries import nowhere, read_wkb

from .encodings import FOREIGN, in_windows_1252
from .source import BrokenRow, Told

_STRINGS = (pyarrow.string(), pyarrow.large_string())


def sound_texts(table: pyarrow.Table, first: int) -> tuple[pyarrow.Table, list[Told]]:
    """Every text as UTF-8. A DBF text is cut at a number of bytes, often within a character: the half is dropped.

    first: line of the table's first row.
    """
    told: list[Told] = []
    for place, name in enumerate(table.column_names):
        column = table.column(place)
        if column.type not in _STRINGS or _is_sound(column):
            continue
        texts = [
            None if each is None else _sound(each, first + row, name, told)
            for row, each in enumerate(column.cast(pyarrow.large_binary()).to_pylist())
        ]
        table = table.set_column(place, name, pyarrow.array(texts, type=pyarrow.large_string()))
    return table, told


def _is_sound(column: Any) -> bool:
    try:
        column.validate(full=True)
    except pyarrow.ArrowInvalid:
        return False
    return True


def _sound(data: bytes, line: int, column: str, told: list[Told]) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            text = data[: error.start].decode()
            told.append(Told(line, column, text[-100:], "is cut within a character; the half is dropped"))
            return text
    return in_windows_1252(data.decode("utf-8", FOREIGN), line, column, told)


@dataclass
class Shapes:
    """hexadecimal: WKB in longitude and latitude of the rows that are kept. kept: which rows those are."""

    hexadecimal: list[str]
    kept: np.ndarray
    broken: list[BrokenRow] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)


def shapes_in_degrees(wkb: list[bytes | None], transformer: Any, first: int, column: str) -> Shapes:
    """A row whose shape is of a kind that is not read is broken; a shape that lies nowhere is dropped, its row kept."""
    shapes, faults = read_wkb(np.array(wkb, dtype=object))
    shapes = shapely.force_2d(shapes)
    told = []
    for place in np.flatnonzero(nowhere(shapes)):
        told.append(Told(first + int(place), column, "", "holds no coordinates but a mark for none", dropped=True))
        shapes[place] = None
    if transformer is not None:
        shapes = shapely.transform(shapes, transformer.transform, interleaved=False)
        for place in np.flatnonzero(nowhere(shapes)):
            reason = "lies outside what its coordinate reference system can say"
            told.append(Told(first + int(place), column, "", reason, dropped=True))
            shapes[place] = None
    broken = [BrokenRow(first + place, "", reason) for place, reason in faults.items()]
    kept = np.ones(len(shapes), dtype=bool)
    kept[list(faults)] = False
    return Shapes([each or "" for each in shapely.to_wkb(shapes[kept], hex=True)], kept, broken, told)
