"""Fields of an export: what each means, its unit, and its fixed name where a format allows ten characters."""

from __future__ import annotations

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

    sql: where its value comes from; parameters: of that expression. Both are left out where rows are made in Python.
    width: bytes of a text column in a Shapefile.
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
        """With what GDAL writes into formats that keep a description of a column."""
        comment = f"{self.description} Unit: {self.unit}." if self.unit else self.description
        metadata = {"GDAL:OGR:comment": comment}
        if short and self.type == "text":
            metadata["GDAL:OGR:width"] = str(self.width)
        return pa.field(self.short_name if short else self.name, ARROW_TYPES[self.type], metadata=metadata)


def arrow_schema(fields: Sequence[Field], *, short: bool = False) -> pa.Schema:
    return pa.schema([field.arrow(short=short) for field in fields])


def unique_names(keys: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """A column name for each attribute of a loaded layer, all different whatever their case, by key in order.

    A key keeps its own name if it can; the same keys give the same names.
    """
    reserved = {each.lower() for each in taken}
    changed_last = sorted(keys, key=lambda key: (key.lower() in reserved, key))
    names = all_different({key: key or "field" for key in changed_last}, reserved, LONGEST_NAME)
    return {key: names[key] for key in sorted(names)}


def short_names(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """A name of at most ten characters for each, all different whatever their case.

    For layers whose columns come with the data; our own schema has fixed ones. The same names give the same answer.
    """
    plain = {name: "".join(each if each.isascii() and each.isalnum() else "_" for each in name) for name in names}
    return all_different(
        {name: text or "field" for name, text in plain.items()}, {each.lower() for each in taken}, SHORT_NAME_LENGTH
    )


def all_different(wanted: Mapping[str, str], taken: set[str], most_bytes: int) -> dict[str, str]:
    """The wanted name of each, cut to a number of bytes, with a number behind it where that one is taken."""
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
    """At most so many bytes of UTF-8, at the end of a character."""
    return text.encode()[:most_bytes].decode(errors="ignore")
