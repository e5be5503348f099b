"""One layer of one vector tile as bytes. Source: Mapbox Vector Tile Specification 2.1, section 4."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..layers.layer import LINE, POINT, POLYGON, Shape
from .outlines import EXTENT
from .protobuf import field, value, varint, varints

_TYPES = {POINT: b"\x18\x01", LINE: b"\x18\x02", POLYGON: b"\x18\x03"}


def layer_bytes(name: str, kind: Shape, fid: np.ndarray, columns: pa.Table, outlines: Sequence[bytes]) -> bytes:
    """The bytes of the layer. fid: the features' ids. columns: their properties. outlines: their encoded shapes.

    All three are in the same order.
    """
    keys, values, tags = _tags(columns)
    features = [
        field(2, b"\x08" + varint(number) + field(2, tag) + _TYPES[kind] + field(4, outline))
        for number, tag, outline in zip(fid.tolist(), tags, outlines, strict=True)
    ]
    head = b"\x78\x02" + field(1, name.encode())
    return field(3, b"".join([head, *features, *keys, *values, b"\x28" + varint(EXTENT)]))


def _tags(columns: pa.Table) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """The keys, the values that occur, and for each row the numbers of its keys and values. A null is left out."""
    rows, width = columns.num_rows, columns.num_columns
    keys = [field(3, name.encode()) for name in columns.column_names]
    values: list[bytes] = []
    numbers = np.zeros((rows, width, 2), dtype=np.uint32)
    present = np.zeros((rows, width), dtype=bool)
    for key, column in enumerate(columns.columns):
        coded = _dates_as_text(column).combine_chunks().dictionary_encode()
        codes = coded.indices
        present[:, key] = pc.is_valid(codes).to_numpy(zero_copy_only=False)
        numbers[:, key, 0] = key
        numbers[:, key, 1] = codes.fill_null(0).to_numpy(zero_copy_only=False) + len(values)
        values += [field(4, value(content)) for content in coded.dictionary.to_pylist()]
    lengths = 2 * present.sum(axis=1)
    flat = numbers[present].ravel()
    starts = np.cumsum(lengths) - lengths
    buffer, bounds = _sliced(flat, starts)
    return keys, values, [buffer[start:end] for start, end in pairwise(bounds)]


def _sliced(numbers: np.ndarray, starts: np.ndarray) -> tuple[bytes, list[int]]:
    """Like `varints`, for rows that may have no number at all."""
    buffer, bounds = varints(numbers, np.minimum(starts, max(len(numbers) - 1, 0)) if len(numbers) else starts[:0])
    if not len(numbers):
        return b"", [0] * (len(starts) + 1)
    places = bounds[:-1].copy()
    places[starts >= len(numbers)] = len(buffer)
    return buffer, [*places.tolist(), len(buffer)]


def _dates_as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of dates as texts, because a tile has no dates; any other column as it is."""
    return column.cast(pa.string()) if pa.types.is_date(column.type) else column
