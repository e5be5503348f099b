"""The legacy CAMA database: the rows of a mapping's query, page by page, in the order of its key.

In production it is SQL Server (Harris PACS). The same statements run on any database Django knows, and are tested on
several. Names come from the mapping and are looked up in the live catalogue first; values are always parameters.
Nothing is ever written to the legacy database.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

import polars as pl
from django.db import connections

from ingestion.transforms.mapper import Dataset

from .legacy.catalogue import LiveTables, live_faults
from .legacy.faults import asking
from .legacy.rows import Answer, Reader
from .legacy.sql_statements import PAGE_ROWS, Dialect, Since, page, totals
from .legacy.typed_values import BadWatermark, from_json, is_exact, to_json, watermark_text, watermark_value
from .source import LINE, Batch, UnreadableSource


@dataclass(frozen=True)
class LegacyQuery:
    """One data set of a legacy database as a source. Its position is the key of the last row read.

    since: a moment as text; only rows changed then or later are read. tables: the catalogue, shared by the data sets of
    a load.
    """

    alias: str
    dataset_name: str
    dataset: Dataset
    variables: Mapping[str, Any] = field(default_factory=dict)
    since: str | None = None
    page_rows: int = PAGE_ROWS
    tables: LiveTables | None = None

    def __post_init__(self) -> None:
        if self.tables is None:
            object.__setattr__(self, "tables", LiveTables(self.alias))

    @property
    def live(self) -> LiveTables:
        assert self.tables is not None  # noqa: S101 - __post_init__ sets it
        return self.tables

    @property
    def name(self) -> str:
        return f"{self.alias} ({self.dataset_name})"

    def digest(self) -> str:
        return ""

    def columns(self) -> list[str]:
        """The columns the mapping reads, after every name is found in the live catalogue. Raises UnreadableSource."""
        if faults := live_faults(self.dataset, self.live):
            listed = "; ".join(f"{place}: {fault}" for place, fault in faults)
            raise UnreadableSource(f"{self.name} does not fit its mapping; nothing was read. {listed}.")
        self._since()
        return self.dataset.source_columns()

    def shape(self) -> dict[str, Any]:
        kinds = self.kinds()
        columns = self.dataset.source_columns()
        return {
            "columns": columns,
            "kinds": {column: kinds[_lower(column)] for column in columns},
            "encoding": "database",
            "delimiter": None,
        }

    def kinds(self) -> dict[str, str]:
        """The types of the query's columns, by `table.column` as the mapping writes it and with it in lower case."""
        query = self.dataset.database_query
        tables = query.tables()
        known = self.live.of(tables.values())
        kinds = {
            f"{name}.{column}": kind
            for name, table in tables.items()
            for column, kind in known.get(table.lower(), {}).items()
        }
        columns = [*self.dataset.source_columns(), *query.key]
        return kinds | {column: kinds[_lower(column)] for column in columns if _lower(column) in kinds}

    def _since(self) -> Since | None:
        """The lowest watermark of the rows to read, in the type of its column. Raises UnreadableSource."""
        column = self.dataset.watermark
        if column is None:
            if self.since is not None:
                raise UnreadableSource(f"{self.dataset_name} has no watermark in the mapping; load it whole.")
            return None
        if self.since is None:
            return Since(column, None)
        try:
            # Rows of the moment itself are read again: some may have changed in it after the last load.
            return Since(column, watermark_value(self.since, self.kinds()[column]))
        except BadWatermark as error:
            raise UnreadableSource(f"{self.dataset_name}, changed since: {error}.") from error

    def batches(self, after: Any = None) -> Iterator[Batch]:
        columns, query = self.dataset.source_columns(), self.dataset.database_query
        key, line = ([from_json(value) for value in after["key"]], after["line"]) if after else (None, 0)
        with asking(self.alias):
            kinds, dialect = self.kinds(), Dialect.of(self.alias)
        since = self._since()
        reader = Reader(self.alias, columns, len(query.key), since is not None)
        while True:
            # One row more than the page is read, to see whether another row has the key at which the page would end.
            statement = page(query, columns, dialect, self.variables, key, self.page_rows + 1, kinds, since)
            with asking(self.alias):
                answer = reader.read(statement)
            if not answer.height:
                return
            height = self._whole_keys(answer)
            key = list(answer.key(height - 1))
            lines = pl.Series(LINE, range(line + 1, line + 1 + height), dtype=pl.Int64)
            line += height
            latest = answer.latest(height)
            watermark = None if latest is None or since is None else watermark_text(latest, kinds[since.column])
            position = {"key": [to_json(value) for value in key], "line": line}
            yield Batch(answer.texts.head(height).with_columns(lines), position, watermark=watermark)
            if answer.height <= self.page_rows:
                return

    def count(self) -> int:
        """The database's own count of the query's rows. Raises UnreadableSource."""
        return self._own_totals[0]

    def sums(self) -> dict[str, Decimal]:
        """The database's own sum of each column that feeds dollars and has an exact type. Raises UnreadableSource."""
        return self._own_totals[1]

    @cached_property
    def _own_totals(self) -> tuple[int, dict[str, Decimal]]:
        """Count and sums from one statement, which is put when one of them is first needed, after the rows are read."""
        with asking(self.alias):
            kinds, dialect = self.kinds(), Dialect.of(self.alias)
        dollars = [
            column for field in self.dataset.fields() if field.type == "dollars" for column in field.source_columns
        ]
        columns = [column for column in dict.fromkeys(dollars) if is_exact(kinds.get(column, ""))]
        statement = totals(self.dataset.database_query, columns, dialect, self.variables, kinds, self._since())
        with asking(self.alias), connections[self.alias].cursor() as cursor:
            cursor.execute(statement.sql, statement.parameters)
            rows, *sums = cursor.fetchone()
        amounts = [Decimal(str(value or 0)).quantize(Decimal("0.0001")) for value in sums]
        return int(rows), dict(zip(columns, amounts, strict=True))

    def _whole_keys(self, answer: Answer) -> int:
        """The number of rows that the page takes. It ends where the key changes, so that no row is read twice or lost.

        Raises UnreadableSource where pages by this key would lose rows.
        """
        if answer.empty_key is not None:
            column = self.dataset.database_query.key[answer.empty_key]
            raise UnreadableSource(
                f"{self.name}: {column} is empty in a row, so pages by it would lose rows; "
                "name another key in the mapping."
            )
        if answer.height <= self.page_rows:
            return answer.height
        last, height = _folded(answer.key(answer.height - 1)), answer.height - 1
        while height and _folded(answer.key(height - 1)) == last:
            height -= 1
        if not height:
            columns = ", ".join(self.dataset.database_query.key)
            raise UnreadableSource(
                f"{self.name}: more than {self.page_rows:,} rows have one key, {columns}; "
                "name in the mapping a key that tells rows apart."
            )
        return height


def _lower(column: str) -> str:
    table, _, name = column.partition(".")
    return f"{table}.{name.lower()}"


def _folded(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """The key without what a server may ignore when it compares texts: case, accents and blanks at the end."""
    return tuple(_folded_text(value) if isinstance(value, str) else value for value in key)


def _folded_text(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).rstrip()
