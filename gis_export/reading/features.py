"""Features of a layer as Arrow batches, from either database, in bounded memory.

On PostGIS a connection of its own streams binary COPY into Arrow (ADBC), with area filter and clip done by the server.
On SQLite the boxes are tested in SQL and everything else by one vectorised shapely call a batch. Inside a transaction
PostGIS too is read through Django's cursor, because another connection would not see what the transaction wrote.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from queue import Queue
from threading import Event, Thread
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import psycopg
import pyarrow as pa
import shapely
from django.db import connection

from ..layers.fields import ARROW_TYPES, arrow_schema
from ..layers.layer import ExportLayer, Query, Rows
from .selection import Selection, clip, one_shape, place, select
from .statements import Page, Statement, query_of, select_columns

BATCH_ROWS = 8192
BATCH_BYTES = 1 << 20
BATCHES_AHEAD = 2

ADDRESS_PARTS = ("host", "port", "user", "password", "sslmode", "sslrootcert", "sslcert", "sslkey", "options")
GEOMETRY = "geometry"
FID = "fid"


def batch_schema(layer: ExportLayer) -> pa.Schema:
    """The columns of a batch: fid, the fields of the layer, and the shape as WKB."""
    fields = [pa.field(FID, pa.int64()), *arrow_schema(layer.fields)]
    return pa.schema([*fields, pa.field(GEOMETRY, pa.binary())])


def read_features(
    layer: ExportLayer, selection: Selection, page: Page | None = None, where: Statement | None = None
) -> Iterator[pa.RecordBatch]:
    """Yields batches of `batch_schema`, in the order of fid, with shapes in the coordinate system of the selection.

    A page gets at least as many rows as its limit, where the layer has so many.
    """
    if isinstance(layer.source, Rows):
        yield from _from_rows(layer, layer.source, selection, page)
        return
    statement = select_columns(layer, selection, page, where)
    if connection.vendor != "postgresql":
        yield from _from_sqlite(layer, query_of(layer), statement, selection)
        return
    by_django = connection.in_atomic_block or page is not None
    batches = (
        _through_django(layer, statement)
        if by_django
        else ahead(_through_adbc(layer, database_address(), literal(statement)))
    )
    for batch in batches:
        yield _replaced(batch, selection) if selection.changes_shapes_in_python else batch


# --- PostGIS ---


def database_address() -> str:
    """The address of Django's database, as a URI for another client library."""
    of_django = connection.get_connection_params()
    known = {name: str(of_django[name]) for name in ADDRESS_PARTS if of_django.get(name)}
    return f"postgresql:///{quote(str(of_django['dbname']))}?{urlencode(known, quote_via=quote)}"


def literal(statement: Statement) -> str:
    """The statement with its parameters written in, quoted by psycopg, for clients with another parameter style."""
    connection.ensure_connection()
    return psycopg.ClientCursor(connection.connection).mogrify(statement.sql, statement.parameters)


def _through_adbc(layer: ExportLayer, address: str, sql: str) -> Generator[pa.RecordBatch]:
    """Reads through ADBC, in a thread.

    It must not use Django's connection, because the thread would open one of its own that nobody closes.
    """
    # Imported here, because it takes a second and 60 MB, and only workers on PostGIS use it.
    import adbc_driver_postgresql.dbapi as adbc

    schema = batch_schema(layer)
    with closing(adbc.connect(address)) as database, database.cursor() as cursor:
        cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
        cursor.execute(sql)
        with cursor.fetch_record_batch() as batches:  # closed first, or its connection would stay open
            for batch in batches:
                yield batch.cast(schema)


def _through_django(layer: ExportLayer, statement: Statement) -> Iterator[pa.RecordBatch]:
    schema = batch_schema(layer)
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.parameters)
        while rows := cursor.fetchmany(BATCH_ROWS):
            columns = [
                pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), schema.types, strict=True)
            ]
            yield pa.record_batch(columns, schema=schema)


def _replaced(batch: pa.RecordBatch, selection: Selection) -> pa.RecordBatch:
    shapes = place(shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False)), selection)
    return batch.set_column(batch.num_columns - 1, batch.schema.field(GEOMETRY), _wkb(shapes))


def ahead(batches: Generator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yields the same batches, while a thread fetches the next ones."""
    queue: Queue[Any] = Queue(BATCHES_AHEAD)
    stopped, end = Event(), object()

    def fetch() -> None:
        try:
            with closing(batches):
                for batch in batches:
                    queue.put(batch)
                    if stopped.is_set():
                        return
            queue.put(end)
        except BaseException as error:
            queue.put(error)

    Thread(target=fetch, daemon=True).start()
    try:
        while (item := queue.get()) is not end:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        while not queue.empty():  # the thread may be waiting for room to put one more
            queue.get_nowait()


def geojson_lines(statement: Statement) -> Iterator[bytes]:
    """The lines of text that a statement makes on PostGIS, by COPY: the server does the work in little memory.

    JSON never holds the delimiter or the quote unescaped, so every line arrives unchanged.
    """
    copy = f"COPY ({literal(statement)}) TO STDOUT (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')"
    with connection.cursor() as cursor, cursor.copy(copy) as lines:
        yield from (bytes(line) for line in lines)


# --- SQLite ---


def _from_sqlite(
    layer: ExportLayer, query: Query, statement: Statement, selection: Selection
) -> Iterator[pa.RecordBatch]:
    schema = batch_schema(layer)
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.parameters)
        while rows := cursor.fetchmany(BATCH_ROWS):
            columns = list(zip(*rows, strict=True))
            selected, shapes = shapes_of(columns[len(layer.fields) + 1 :], layer, query, selection)
            values = [_column(column, selected, kind) for column, kind in zip(columns, schema.types[:-1], strict=False)]
            yield pa.record_batch([*values, _wkb(shapes)], schema=schema)


def shapes_of(
    columns: Sequence[Sequence[Any]], layer: ExportLayer, query: Query, selection: Selection
) -> tuple[np.ndarray, np.ndarray]:
    """The positions of the selected rows, and their shapes as the export wants them."""
    shapes = shapely.from_wkb(np.array(columns[0], dtype=object))
    if query.position is not None:
        missing = np.flatnonzero(shapely.is_missing(shapes))
        longitude, latitude = (np.array(column, dtype=float)[missing] for column in columns[1:])
        shapes[missing] = shapely.points(longitude, latitude)
    selected = np.flatnonzero(select(shapes, selection))
    shapes = shapes[selected]
    if query.as_points:
        shapes = shapely.point_on_surface(shapes)
        inside = select(shapes, selection)  # the export holds the point, so the point must be inside
        selected, shapes = selected[inside], shapes[inside]
    return finished(selected, shapes, layer, selection)


def finished(
    selected: np.ndarray, shapes: np.ndarray, layer: ExportLayer, selection: Selection
) -> tuple[np.ndarray, np.ndarray]:
    """The rows and shapes that remain: clipped to the area, of the layer's kind, not empty, and in its coordinates."""
    if selection.clip_to is not None:
        shapes = clip(shapes, selection.clip_to)
    shapes = one_shape(shapes, layer.shape, multi=selection.multi and layer.shape != "point")
    there = ~shapely.is_missing(shapes)
    return selected[there], place(shapes[there], selection)


def _column(values: Sequence[Any], selected: np.ndarray, kind: pa.DataType) -> pa.Array:
    chosen = values if len(selected) == len(values) else [values[row] for row in selected]
    if kind == pa.date32():
        return pa.array(chosen, pa.string()).cast(kind)
    if kind == pa.bool_():
        return pa.array(chosen, pa.int64()).cast(kind)
    return pa.array(chosen, kind)


def _wkb(shapes: np.ndarray) -> pa.Array:
    return pa.array(shapely.to_wkb(shapes), pa.binary())


# --- Layers made in Python ---


def _from_rows(layer: ExportLayer, rows: Rows, selection: Selection, page: Page | None) -> Iterator[pa.RecordBatch]:
    shapes = rows.frame.geometry.to_numpy()
    selected = np.flatnonzero(select(shapes, selection))
    if page is not None and page.after is not None:
        selected = selected[selected >= page.after]  # a fid is the row number plus one
    selected, shapes = finished(selected, shapes[selected], layer, selection)
    chosen = rows.frame.iloc[selected]
    columns = [pa.array(chosen[field.name], ARROW_TYPES[field.type]) for field in layer.fields]
    schema = batch_schema(layer)
    if len(selected):
        yield pa.record_batch([pa.array(selected + 1, pa.int64()), *columns, _wkb(shapes)], schema=schema)
