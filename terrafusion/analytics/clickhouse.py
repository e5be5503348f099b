"""The roll in ClickHouse: MergeTree tables filled from a snapshot, and the exact compiler.

ibis compiles two reductions to approximations there, without a word: `quantile` to a sample of 8,192 values and
`nunique` to a sketch. An assessor's median must be the median, on either engine. And its computed array index is off
by one there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ibis.expr.operations as ops
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.clickhouse import Backend
from ibis.backends.sql.compilers.clickhouse import ClickHouseCompiler

from .snapshots import Snapshot
from .tables import PARTITIONS, TABLES

ROWS_AT_A_TIME = 100_000
_TYPES = {
    pa.int64(): "Int64",
    pa.float64(): "Float64",
    pa.string(): "String",
    pa.bool_(): "Bool",
    pa.date32(): "Date32",
}
_ORDERS = {
    "properties": "zip_code, neighborhood",
    "sales": "sale_date, sale_key",
    "assessed_values": "tax_year, property_key",
}


class ExactCompiler(ClickHouseCompiler):
    """Exact where ibis would approximate, and right where it is off by one."""

    SIMPLE_OPS = {**ClickHouseCompiler.SIMPLE_OPS, ops.CountDistinct: "uniqExact"}

    def visit_Quantile(self, op: Any, *, arg: Any, quantile: Any, where: Any) -> Any:  # noqa: N802 - ibis's name
        return self._visit_quantile("quantileExactInclusive", arg, quantile, where)

    def visit_MultiQuantile(self, op: Any, *, arg: Any, quantile: Any, where: Any) -> Any:  # noqa: N802 - ibis's name
        return self._visit_quantile("quantilesExactInclusive", arg, quantile, where)

    def visit_ArrayCollect(  # noqa: N802 - ibis's name
        self, op: Any, *, arg: Any, where: Any, order_by: Any, include_null: bool, distinct: bool
    ) -> Any:
        """ibis refuses to include NULLs; a column that cannot hold any is collected without them, which is the same."""
        with_nulls = include_null and op.arg.dtype.nullable
        return super().visit_ArrayCollect(
            op, arg=arg, where=where, order_by=order_by, include_null=with_nulls, distinct=distinct
        )

    def visit_LagLead(self, op: Any, *, arg: Any, offset: Any, default: Any) -> Any:  # noqa: N802 - ibis's name
        """On ClickHouse, lag and lead of a column that cannot be NULL give 0 at the edge, where ibis expects NULL."""
        return super().visit_LagLead(op, arg=self.f.toNullable(arg), offset=offset, default=default)

    visit_Lag = visit_Lead = visit_LagLead  # noqa: N815 - ibis's names

    def visit_ArrayIndex(self, op: Any, *, arg: Any, index: Any) -> Any:  # noqa: N802 - ibis's name
        """ClickHouse counts from 1; ibis heeds that for a constant, not for a computed index (12.0.0)."""
        if isinstance(op.index, ops.Literal):
            return super().visit_ArrayIndex(op, arg=arg, index=index)
        return self.f.arrayElement(arg, self.if_(index >= 0, index + 1, index))


class ExactClickHouse(Backend):
    """ibis's ClickHouse back end with the exact compiler."""

    compiler = ExactCompiler()


def create_tables(backend: ExactClickHouse) -> None:
    """A partition is one county's snapshot, so that dropping an old one touches no other row."""
    for name, schema in TABLES.items():
        columns = ["county_id LowCardinality(String)", "snapshot_id LowCardinality(String)"]
        columns += [f"{field.name} {_type_of(field)}" for field in schema]
        if name in PARTITIONS:
            columns.append(f"{PARTITIONS[name]} Int64")
        backend.con.command(
            f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(columns)}) ENGINE = MergeTree "
            f"PARTITION BY (county_id, snapshot_id) ORDER BY ({_ORDERS[name]})"
        )


def fill(backend: ExactClickHouse, snapshot: Snapshot) -> None:
    """Copies the Parquet files, in batches. Filling again replaces what an interrupted fill left."""
    create_tables(backend)
    county_id, snapshot_id = snapshot.manifest.county_id, snapshot.snapshot_id
    drop_snapshots(backend, county_id, [snapshot_id])
    for name in TABLES:
        for path in sorted((snapshot.folder / name).rglob("*.parquet")):
            # The folder says the partition's value: tax_year=2025
            extra = dict([path.parent.name.split("=")]) if name in PARTITIONS else {}
            for batch in pq.ParquetFile(path).iter_batches(ROWS_AT_A_TIME):
                backend.con.insert_arrow(name, _keyed(batch, county_id, snapshot_id, extra))


def rows_held(backend: ExactClickHouse, snapshot: Snapshot) -> dict[str, int]:
    """How many rows of the snapshot each table has."""
    create_tables(backend)
    held = {}
    for name in TABLES:
        table = backend.table(name)
        mine = (table.county_id == snapshot.manifest.county_id) & (table.snapshot_id == snapshot.snapshot_id)
        held[name] = int(backend.to_pyarrow(table.filter(mine).count()).as_py())
    return held


def drop_snapshots(backend: ExactClickHouse, county_id: str, snapshot_ids: Iterable[str]) -> None:
    for snapshot_id in snapshot_ids:
        for name in TABLES:
            backend.con.command(f"ALTER TABLE {name} DROP PARTITION ('{county_id}', '{snapshot_id}')")


def _type_of(field: pa.Field) -> str:
    name = _TYPES[field.type]
    return f"Nullable({name})" if field.nullable else name


def _keyed(batch: pa.RecordBatch, county_id: str, snapshot_id: str, extra: dict[str, str]) -> pa.Table:
    table = pa.Table.from_batches([batch])
    for name, value in {"county_id": county_id, "snapshot_id": snapshot_id}.items():
        table = table.append_column(name, pa.array([value] * len(table), pa.string()))
    for name, value in extra.items():
        table = table.append_column(name, pa.array([int(value)] * len(table), pa.int64()))
    return table
