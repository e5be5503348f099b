"""Opens a snapshot for queries: ibis tables on DuckDB in this process, or on ClickHouse where ANALYTICS_URL names one.

An analysis is written once, as ibis expressions over `Market`; tests hold the two engines equal row by row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.conf import settings

from terrafusion.errors import ConfigurationError

from .snapshots import Snapshot
from .tables import PARTITIONS, TABLES

if TYPE_CHECKING:
    from .clickhouse import ExactClickHouse

Columns = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Market:
    """The three tables of one county's snapshot, and the engine that holds them.

    first_sale, last_sale: the days its sales run from and to; None without a sale.
    """

    backend: Any
    sales: ibis.Table
    properties: ibis.Table
    assessed_values: ibis.Table
    first_sale: date | None = None
    last_sale: date | None = None

    def table(self, expression: ibis.Table) -> pa.Table:
        """The result of a query."""
        return cast(pa.Table, self.backend.to_pyarrow(expression))

    def rows(self, expression: ibis.Table) -> list[dict[str, Any]]:
        """Rows as dicts; None where there is nothing. ClickHouse answers NaN for several quantiles of nothing."""
        return [
            {name: _none_for_nan(value) for name, value in row.items()} for row in self.table(expression).to_pylist()
        ]

    def worked_out(self, expression: ibis.Table, name: str) -> ibis.Table:
        """The same rows, computed once for queries that read them several times.

        On ClickHouse the expression itself: a temporary table there needs a session of its own.
        """
        if self.backend.name != "duckdb":
            return expression
        # The database lives in memory and ends with the job, and so does the table.
        self.backend.raw_sql(f"CREATE OR REPLACE TABLE {name} AS {self.backend.compile(expression)}")
        return cast(ibis.Table, self.backend.table(name))

    def columns(self, expression: ibis.Table) -> Columns:
        """Arrays by column name. NULL numbers are NaN; dates are datetime64[D]; text is object."""
        table = self.table(expression)
        return {name: _array(table[name]) for name in table.column_names}


def previous(column: ibis.Value) -> ibis.Value:
    """The value of the row before, NULL at the first."""
    return cast(ibis.Value, or_null(column).lag())


def or_null(column: ibis.Value) -> ibis.Value:
    """The column with a type that admits NULL, as its lag and lead have one at the end of the series."""
    return cast(ibis.Value, column.cast(column.type()(nullable=True)))


@contextmanager
def opened(snapshot: Snapshot) -> Iterator[Market]:
    """The snapshot on the engine this installation uses."""
    if settings.ANALYTICS_URL:
        with connected_clickhouse() as backend:
            yield on_clickhouse(backend, snapshot)
    else:
        with on_duckdb(snapshot) as market:
            yield market


@contextmanager
def on_duckdb(snapshot: Snapshot) -> Iterator[Market]:
    """A DuckDB in this process, in memory, that reads the snapshot's files and spills within the state folder."""
    backend = ibis.duckdb.connect(
        ":memory:",
        memory_limit=f"{settings.ANALYTICS_MEMORY_MB}MB",
        threads=settings.ANALYTICS_THREADS,
        temp_directory=str(settings.ANALYTICS_SPILL_DIR),
        autoinstall_known_extensions=False,  # nothing is fetched from the internet
        preserve_insertion_order=False,
    )
    try:
        for name in TABLES:
            backend.raw_sql(_view(name, snapshot.folder))
        sales, properties, values = (backend.table(name) for name in ("sales", "properties", "assessed_values"))
        yield Market(backend, sales, properties, values, *_days_of(snapshot))
    finally:
        backend.disconnect()


def _view(name: str, folder: Path) -> str:
    place = str(folder / name).replace("'", "''")
    if name not in PARTITIONS:
        return f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{place}/*.parquet')"  # noqa: S608 - our own path
    types = f"{{'{PARTITIONS[name]}': BIGINT}}"
    return (
        f"CREATE VIEW {name} AS SELECT * FROM "  # noqa: S608 - our own path
        f"read_parquet('{place}/*/*.parquet', hive_partitioning=true, hive_types={types})"
    )


def holds(snapshot: Snapshot) -> bool:
    """Whether the engine of this installation has the snapshot's rows.

    ClickHouse lacks those of snapshots taken before ANALYTICS_URL was set.
    """
    if not settings.ANALYTICS_URL:
        return True
    from .clickhouse import rows_held

    with connected_clickhouse() as backend:
        return rows_held(backend, snapshot) == snapshot.manifest.rows


@contextmanager
def connected_clickhouse() -> Iterator[ExactClickHouse]:
    """The server of ANALYTICS_URL, for as long as the block lasts."""
    backend = connect_clickhouse()
    try:
        yield backend
    finally:
        backend.disconnect()


def connect_clickhouse() -> ExactClickHouse:
    """The server of ANALYTICS_URL. Raises ConfigurationError when the URL is none of ours."""
    from .clickhouse import ExactClickHouse

    url = urlsplit(settings.ANALYTICS_URL)
    if url.scheme not in ("clickhouse", "clickhouses") or not url.hostname:
        raise ConfigurationError("ANALYTICS_URL must read clickhouse://user:password@host:port/database.")
    backend = ExactClickHouse()
    backend.do_connect(
        host=url.hostname,
        port=url.port,
        user=unquote(url.username or "default"),
        password=unquote(url.password or ""),
        database=url.path.lstrip("/") or "default",
        secure=url.scheme == "clickhouses",
    )
    return backend


def on_clickhouse(backend: ExactClickHouse, snapshot: Snapshot) -> Market:
    """The rows of this snapshot alone: the pointer of the snapshot store decides for ClickHouse too."""

    def rows_of(name: str) -> ibis.Table:
        table = backend.table(name)
        mine = (table.county_id == snapshot.manifest.county_id) & (table.snapshot_id == snapshot.snapshot_id)
        return table.filter(mine).drop("county_id", "snapshot_id")

    return Market(backend, rows_of("sales"), rows_of("properties"), rows_of("assessed_values"), *_days_of(snapshot))


def _days_of(snapshot: Snapshot) -> tuple[date | None, date | None]:
    """From the first sale to the last."""
    first, last = (
        date.fromisoformat(day) if day else None for day in (snapshot.manifest.first_sale, snapshot.manifest.last_sale)
    )
    return first, last


def _none_for_nan(value: Any) -> Any:
    if isinstance(value, list):
        return [_none_for_nan(element) for element in value]
    return None if isinstance(value, float) and value != value else value


def _array(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    kind = column.type
    if pa.types.is_date(kind):
        return np.asarray(column.cast(pa.date32()).to_numpy(), dtype="datetime64[D]")
    if pa.types.is_integer(kind) and column.null_count:
        column = column.cast(pa.float64())
    if pa.types.is_boolean(kind):
        return np.asarray(column.fill_null(False).to_numpy())
    if pa.types.is_string(kind):
        coded = column.combine_chunks().dictionary_encode()  # a few words, each made a Python object once
        words = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
        return np.asarray(words[coded.indices.fill_null(len(words) - 1).to_numpy()])
    return np.asarray(column.to_numpy())
