"""The rows a database answers with, as texts: by the driver's Arrow reader where it has one, elsewhere cell by cell."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from django.db import NotSupportedError, connections

from ..cells import cell_text, text_of_column
from .faults import reason_of
from .sql_statements import Statement

logger = logging.getLogger(__name__)
ARROW_ROWS = 10_000  # in one record batch


@dataclass(frozen=True)
class Answer:
    """Rows in the order of the key.

    texts: a String column for each column. key: gives the key of a row. latest: gives the latest watermark of the
    first n rows.
    """

    texts: pl.DataFrame
    key: Callable[[int], tuple[Any, ...]]
    empty_key: int | None  # the number of a key column that is empty in some row
    latest: Callable[[int], Any]

    @property
    def height(self) -> int:
        return self.texts.height


class Reader:
    """Puts statements to one database. The first answer shows whether its driver's Arrow reader can be used."""

    def __init__(self, alias: str, columns: Sequence[str], keys: int, has_watermark: bool) -> None:
        self.alias, self.columns, self.keys, self.has_watermark = alias, list(columns), keys, has_watermark
        self.has_arrow: bool | None = None

    def read(self, statement: Statement) -> Answer:
        connection = connections[self.alias]
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.parameters)
            if self.has_arrow is None:
                self.has_arrow = hasattr(cursor, "arrow_reader")
            if self.has_arrow:
                try:
                    with connection.wrap_database_errors, cursor.arrow_reader(ARROW_ROWS) as reader:
                        return self.from_arrow(reader.read_all())
                except (ImportError, NotSupportedError, RuntimeError) as error:
                    # The Arrow reader does not know a type: the statement is put again and read cell by cell.
                    reason = reason_of(error, self.alias)
                    logger.warning("%s: read row by row, for the Arrow reader says: %s", self.alias, reason)
                    self.has_arrow = False
                    cursor.execute(statement.sql, statement.parameters)
            return self.from_rows(cursor.fetchall())

    def from_arrow(self, table: Any) -> Answer:
        """table: a pyarrow table, columns in the order of the statement; their names do not matter."""
        frame = pl.from_arrow(table.rename_columns([str(at) for at in range(table.num_columns)]))
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table, not one column of it
        width = len(self.columns)
        texts = frame[:, :width].select(
            text_of_column(pl.col(str(at)), dtype).alias(name)
            for at, (name, dtype) in enumerate(zip(self.columns, frame.dtypes[:width], strict=True))
        )
        keys = frame[:, width : width + self.keys]
        empty = next((at for at, column in enumerate(keys.get_columns()) if column.null_count()), None)
        marks = frame[:, width + self.keys] if self.has_watermark else None
        return Answer(texts, keys.row, empty, lambda height: _latest([] if marks is None else marks[:height].to_list()))

    def from_rows(self, rows: Sequence[Sequence[Any]]) -> Answer:
        width = len(self.columns)
        cells = list(zip(*rows, strict=True)) if rows else [()] * (width + self.keys + self.has_watermark)
        texts = pl.DataFrame(
            [
                pl.Series(name, [cell_text(cell) for cell in column], dtype=pl.String)
                for name, column in zip(self.columns, cells[:width], strict=True)
            ]
        )
        keys = cells[width : width + self.keys]
        empty = next((at for at, column in enumerate(keys) if None in column), None)
        marks = cells[width + self.keys] if self.has_watermark else ()
        return Answer(
            texts, lambda at: tuple(column[at] for column in keys), empty, lambda height: _latest(marks[:height])
        )


def _latest(marks: Sequence[Any]) -> Any:
    return max((mark for mark in marks if mark is not None), default=None)
