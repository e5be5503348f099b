"""Fields of an export: what each means, its unit, and its fixed name where a format allows ten characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

FieldType = Literal["text", "integer", "decimal", "date", "boolean"]

SHORT_NAME_LENGTH = 10  # of a dBASE column, the table inside a Shapefile
DBASE_TEXT_WIDTH = 254  # bytes of UTF-8 a dBASE text column holds

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
    """

    name: str
    short_name: str
    type: FieldType
    description: str
    unit: str = ""
    sql: str = ""
    parameters: tuple[Any, ...] = ()

    def arrow(self, *, short: bool = False) -> pa.Field:
        """With what GDAL writes into formats that keep a description of a column."""
        comment = f"{self.description} Unit: {self.unit}." if self.unit else self.description
        metadata = {"GDAL:OGR:comment": comment}
        if short and self.type == "text":
            metadata["GDAL:OGR:width"] = str(DBASE_TEXT_WIDTH)
        return pa.field(self.short_name if short else self.name, ARROW_TYPES[self.type], metadata=metadata)


def arrow_schema(fields: Sequence[Field], *, short: bool = False) -> pa.Schema:
    return pa.schema([each.arrow(short=short) for each in fields])


def short_names(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """A name of at most ten characters for each, all different whatever their case.

    For layers whose columns come with the data; our own schema has fixed ones. The same names give the same answer.
    """
    used = {each.lower() for each in taken}
    chosen = {}
    for name in names:
        plain = "".join(each if each.isascii() and each.isalnum() else "_" for each in name) or "field"
        candidate, number = plain[:SHORT_NAME_LENGTH], 1
        while candidate.lower() in used:
            tail = f"_{number}"
            candidate, number = plain[: SHORT_NAME_LENGTH - len(tail)] + tail, number + 1
        used.add(candidate.lower())
        chosen[name] = candidate
    return chosen
