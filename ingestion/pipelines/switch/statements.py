"""What the SQL statements of a switch have in common, for PostgreSQL and SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import shapely
from django.db import connection, models

from terrafusion.roll.geometry import SRID, GeometryField

FieldOf = Callable[[str], models.Field | None]


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def literal(text: str) -> str:
    """A text as an SQL literal. It is used for county ids, which contain no quotes; a quote would be doubled."""
    return "'" + text.replace("'", "''") + "'"


def run(statement: str, parameters: list[Any] | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount


def analyze(table: str) -> None:
    """Collects the table's statistics. Without them PostgreSQL joins rows written in this transaction one by one."""
    if connection.vendor == "postgresql":
        run(f"ANALYZE {quoted(table)}")


def fetch(statement: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def json_merged(old: str, new: str) -> str:
    return f"({old} || {new})" if connection.vendor == "postgresql" else f"json_patch({old}, {new})"


def copy_in(table: str, frame: pl.DataFrame, field_of: FieldOf) -> None:
    """Adds the frame's rows to a table. field_of: the model field a column belongs to, or None."""
    names = ", ".join(map(quoted, frame.columns))
    if connection.vendor == "postgresql":
        frame = frame.with_columns(_ewkb(frame[name]) for name in _geometry_columns(frame, field_of))
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY {quoted(table)} ({names}) FROM STDIN (FORMAT csv)") as copy,
        ):
            for piece in frame.iter_slices(20_000):
                copy.write(piece.write_csv(include_header=False).encode())
        return
    marks = ", ".join(["%s"] * frame.width)
    with connection.cursor() as cursor:
        rows: Any = _adapted(frame)  # an iterator, which bounds the memory; the stubs know sequences only
        cursor.executemany(f"INSERT INTO {quoted(table)} ({names}) VALUES ({marks})", rows)


def _geometry_columns(frame: pl.DataFrame, field_of: FieldOf) -> list[str]:
    return [name for name in frame.columns if isinstance(field_of(name), GeometryField)]


def _ewkb(wkb: pl.Series) -> pl.Series:
    shapes = shapely.set_srid(shapely.from_wkb(np.array(wkb.to_list(), dtype=object)), SRID)
    return pl.Series(wkb.name, shapely.to_wkb(shapes, hex=True, include_srid=True).tolist(), dtype=pl.String)


def _adapted(frame: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Rows in types SQLite stores; columns that need no change are passed as they are."""
    odd = [number for number, dtype in enumerate(frame.dtypes) if isinstance(dtype, pl.Decimal) or dtype == pl.Date]
    for row in frame.iter_rows():
        if odd:
            cells = list(row)
            for number in odd:
                if isinstance(cells[number], Decimal):
                    cells[number] = str(cells[number])
                elif isinstance(cells[number], date):
                    cells[number] = cells[number].isoformat()
            row = tuple(cells)
        yield row
