"""Fields of an export: what each means, its unit, and its fixed name where a format allows ten characters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

FieldType = Literal["text", "integer", "decimal", "date", "boolean"]

LONGEST_NAME = 63  # bytes of a column name in PostgreSQL
SHORT_NAME_LENGTH = 10  # of a dBASE column, the table inside a Shapefile
DBASE_TEXT_WIDTH = 254  # bytes of UTF-8 a dBASE text column holds at most

ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.float64(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}


@dataclass(frozen=True)
class Field:
    """One column of an export.

    sql: the expression that gives its value; parameters: those of the expression. Both are empty where the rows are
    made in Python. width: the bytes of a text column in a Shapefile.
    """

    name: str
    short_name: str
    type: FieldType
    description: str
    unit: str = ""
    sql: str = ""
    parameters: tuple[Any, ...] = ()
    width: int = DBASE_TEXT_WIDTH

    def arrow(self, *, short: bool = False) -> pa.Field:
        """The Arrow column. Its metadata is what GDAL writes into formats that hold a column's description."""
        comment = f"{self.description} Unit: {self.unit}." if self.unit else self.description
        metadata = {"GDAL:OGR:comment": comment}
        if short and self.type == "text":
            metadata["GDAL:OGR:width"] = str(self.width)
        return pa.field(self.short_name if short else self.name, ARROW_TYPES[self.type], metadata=metadata)


def arrow_schema(fields: Sequence[Field], *, short: bool = False) -> pa.Schema:
    return pa.schema([field.arrow(short=short) for field in fields])


def unique_names(keys: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """The column name of each attribute of a loaded layer, by the attribute's key, in the order of the keys.

    No two names are alike, upper and lower case aside, and none is one of those taken. A key is its own name where it
    can be; the same keys always give the same names.
    """
    reserved = {name.lower() for name in taken}
    reserved_last = sorted(keys, key=lambda key: (key.lower() in reserved, key))
    names = all_different({key: key or "field" for key in reserved_last}, reserved, LONGEST_NAME)
    return {key: names[key] for key in sorted(names)}


def short_names(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """A name of at most ten characters for each long name. No two are alike, upper and lower case aside.

    For layers whose columns come with the data; the layers of the roll have fixed short names. The same names always
    give the same short names.
    """
    plain = {name: re.sub(r"[^A-Za-z0-9]", "_", name) or "field" for name in names}
    return all_different(plain, {name.lower() for name in taken}, SHORT_NAME_LENGTH)


def all_different(wanted: Mapping[str, str], taken: set[str], most_bytes: int) -> dict[str, str]:
    """The wanted names cut to a number of bytes. One that is taken, whatever its case, gets a number at its end."""
    used, chosen = set(taken), {}
    for name, text in wanted.items():
        candidate, number = cut(text, most_bytes), 1
        while candidate.lower() in used:
            tail = f"_{number}"
            candidate, number = cut(text, most_bytes - len(tail)) + tail, number + 1
        used.add(candidate.lower())
        chosen[name] = candidate
    return chosen


def cut(text: str, most_bytes: int) -> str:
    """The beginning of a text, at most this many bytes of UTF-8, ending with a whole character."""
    return text.encode()[:most_bytes].decode(errors="ignore")
