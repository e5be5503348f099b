"""Copies a county's properties, sales and assessed values to the analytics store, in bounded memory.

Rows stream from the database in batches into Parquet files; the whole is of one moment, and nobody sees it before
`publish_snapshot` flips the pointer. Names of people are never read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.db import connection, transaction

from county_configs.models import County
from terrafusion.full_disk import full_disk_told
from terrafusion.roll.models import AssessedValue, Property, Sale

from .places import StoreUnavailable
from .snapshots import Manifest, Snapshot, SnapshotStore, snapshot_store
from .tables import AREA_COLUMNS, OTHER_CHARACTERISTICS, PARTITIONS, SALES, TABLES, WHOLE_CHARACTERISTICS

logger = logging.getLogger(__name__)

BATCH_ROWS = 10_000
BATCHES_A_ROW_GROUP = 10

Progress = Callable[[str, int], None]

_DESCRIBED = ("pk", "property_id", *AREA_COLUMNS, *WHOLE_CHARACTERISTICS, *OTHER_CHARACTERISTICS, "waterfront")
_SALE_FIELDS = (
    "pk", "sale_id", "sale_date", "sale_price", "validity_code", "is_valid", "left_out", "parcel_count",
)  # fmt: skip
_VALUE_FIELDS = (
    "roll_property_id", "market_land", "market_improvement", "market_total", "new_construction", "taxable_value",
    "status", "tax_year",
)  # fmt: skip


def snapshot_county(county: County, now: datetime, progress: Progress | None = None) -> Snapshot:
    """Takes a snapshot and makes it the current one."""
    snapshot = write_snapshot(county, now, progress)
    publish_snapshot(snapshot, now)
    return snapshot


def write_snapshot(county: County, now: datetime, progress: Progress | None = None) -> Snapshot:
    """A whole snapshot that nobody reads yet. progress: called with a table's name and how many rows were added."""
    store = snapshot_store()
    snapshot_id, folder = store.new_folder(county.pk, now)
    writer = _Writer(folder, progress or (lambda table, rows: None))
    with _one_moment():
        writer.write("properties", _properties(county))
        writer.write("sales", _sales(county))
        writer.write("assessed_values", _assessed_values(county))
    snapshot = store.seal(folder, writer.manifest(snapshot_id, county, now))
    _fill_other_engine(snapshot)
    return snapshot


def publish_snapshot(snapshot: Snapshot, now: datetime) -> bool:
    """Flips the pointer and removes what no reader can be using any more. False where a newer one is current."""
    store = snapshot_store()
    flipped = store.publish(snapshot, now)
    county_id = snapshot.manifest.county_id
    try:
        _purge(store, county_id, now)
    except (StoreUnavailable, OSError):
        # The new one is current all the same.
        logger.warning("Old snapshots of %s were not removed; the next one will try.", county_id)
    return flipped


def _purge(store: SnapshotStore, county_id: str, now: datetime) -> None:
    if not settings.ANALYTICS_URL:
        store.purge(county_id, now)
        return
    from .clickhouse import drop_snapshots
    from .engine import connected_clickhouse

    with connected_clickhouse() as backend:
        # The folder goes last: while it stands, a purge that failed half way is tried again.
        store.purge(county_id, now, release=lambda snapshot_id: drop_snapshots(backend, county_id, [snapshot_id]))


def _fill_other_engine(snapshot: Snapshot) -> None:
    """With ANALYTICS_URL, the same rows go to ClickHouse before the flip."""
    if settings.ANALYTICS_URL:
        from .clickhouse import fill
        from .engine import connected_clickhouse

        with connected_clickhouse() as backend:
            fill(backend, snapshot)


@contextmanager
def _one_moment() -> Iterator[None]:
    """Every query inside sees the database as it was at the first one.

    Not `atomic()` on SQLite: our transactions take the write lock there, and a long read must not stop writers.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")


Rows = Iterator[tuple[Any, ...]]
Partition = tuple[int | None, Rows]


def _properties(county: County) -> Iterator[Partition]:
    """Rows in the order of PROPERTIES: the described columns, and whether the property is on the roll."""
    rows = Property.objects.in_county(county).order_by("pk").values_list(*_DESCRIBED, "retired_at")
    yield None, ((*_texts(row[:-1]), row[-1] is None) for row in rows.iterator(chunk_size=BATCH_ROWS))


def _sales(county: County) -> Iterator[Partition]:
    """Rows in the order of SALES, by year of sale. A sale that a later load retired is none."""
    described = [f"parcels__roll_property__{name}" for name in _DESCRIBED]
    sales: Any = Sale.objects.in_county(county).current().judged().order_by("sale_date", "pk")
    sales = sales.values_list(*_SALE_FIELDS, *described)
    rows = (_sale_row(row) for row in sales.iterator(chunk_size=BATCH_ROWS))
    yield from groupby(rows, key=lambda row: row[2].year)


def _sale_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    fields = len(_SALE_FIELDS)
    return (*row[:fields], *_texts(row[fields:]))


def _texts(described: Sequence[Any]) -> tuple[Any, ...]:
    """A sale without a property has NULL where the roll has text: '' there too."""
    areas = slice(2, 2 + len(AREA_COLUMNS))
    return (*described[:2], *(text or "" for text in described[areas]), *described[areas.stop :])


def _assessed_values(county: County) -> Iterator[Partition]:
    """Rows in the order of ASSESSED_VALUES, by tax year. Of retired properties too: the table of properties tells."""
    values = AssessedValue.objects.filter(roll_property__county=county).of_latest_supplements()
    ordered = values.order_by("tax_year", "roll_property_id").values_list(*_VALUE_FIELDS)
    rows = ordered.iterator(chunk_size=BATCH_ROWS)
    for tax_year, of_year in groupby(rows, key=itemgetter(-1)):
        yield tax_year, (row[:-1] for row in of_year)


class _Writer:
    """Parquet files of one snapshot: one for each partition of a table, in row groups of bounded size."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self.folder = folder
        self.progress = progress
        self.rows = dict.fromkeys(TABLES, 0)
        self.sale_dates: list[date] = []  # first and last

    def write(self, table: str, partitions: Iterator[Partition]) -> None:
        for value, rows in partitions:
            with full_disk_told():
                self._write_file(table, value, rows)
        if table in PARTITIONS and not self.rows[table]:
            self._write_file(table, 0, iter(()))  # an engine needs a file to know the columns by

    def _write_file(self, table: str, value: int | None, rows: Rows) -> None:
        folder, schema = self.folder / table, TABLES[table]
        if value is not None:
            folder /= f"{PARTITIONS[table]}={value}"
        folder.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(folder / "part-0.parquet", schema, compression="zstd") as writer:
            group: list[pa.RecordBatch] = []
            while batch := list(islice(rows, BATCH_ROWS)):
                columns = list(zip(*batch, strict=True))
                group.append(
                    pa.record_batch(
                        [pa.array(*column) for column in zip(columns, schema.types, strict=True)], schema=schema
                    )
                )
                self._count(table, columns, len(batch))
                if len(group) == BATCHES_A_ROW_GROUP:
                    writer.write_table(pa.Table.from_batches(group))
                    group.clear()
            if group:
                writer.write_table(pa.Table.from_batches(group))

    def _count(self, table: str, columns: Sequence[Sequence[Any]], rows: int) -> None:
        self.rows[table] += rows
        self.progress(table, rows)
        if table == "sales":
            days = columns[SALES.names.index("sale_date")]
            self.sale_dates = [min([*self.sale_dates[:1], *days]), max([*self.sale_dates[1:], *days])]

    def manifest(self, snapshot_id: str, county: County, now: datetime) -> Manifest:
        first, last = [day.isoformat() for day in self.sale_dates] or ["", ""]
        files = {table: (self.folder / table).rglob("*.parquet") for table in TABLES}
        sizes = {table: sum(path.stat().st_size for path in paths) for table, paths in files.items()}
        return Manifest(snapshot_id, county.pk, now.isoformat(), first, last, dict(self.rows), sizes)
