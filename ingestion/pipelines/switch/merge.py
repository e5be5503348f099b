"""The switch: puts staged rows on the roll, one data set after another, inside one transaction that the caller opens.

Rows go to a temporary table (COPY on PostgreSQL, executemany on SQLite) and from there to the roll in one upsert, which
does not rewrite a row that has not changed. The statements are built from the names of our own models; values are
parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any

import polars as pl
from django.db import connection, models

from county_configs.county_file import SalesSection
from county_configs.models import County
from ingestion.connectors.source import LINE
from ingestion.transforms.mapper import ATTRIBUTE, Dataset
from ingestion.transforms.roll_fields import Target
from ingestion.transforms.validators import Finding, Level
from terrafusion.roll.geometry import EDGES
from terrafusion.roll.models import AssessedValue, CertifiedRoll, Property, PropertyType

from ..staging import StagedSet
from .plan import LOAD, Plan, property_column
from .statements import analyze, copy_in, fetch, json_merged, literal, quoted, run

NOT_ON_ROLL = "is not on the roll"
KEY_OF_PROPERTY = "key_of_property"  # the column in which a staged row names its property
CLASS, AREA = "control_class", "control_area"
MANY = 1000  # after more new rows than this, the statistics of a table are collected again
EXTRA = {LINE: "bigint", KEY_OF_PROPERTY: "text", CLASS: "text", AREA: "text"}


@dataclass
class Tally:
    """What became of the records of one target."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    retired: int = 0


@dataclass
class Merge:
    """One target of one data set on its way to the roll. `lost`: lines that could not be loaded after all."""

    county: County
    run_id: int
    now: datetime
    staged: StagedSet
    target: Target
    tally: Tally = field(default_factory=Tally)
    findings: list[Finding] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)

    @property
    def dataset(self) -> Dataset:
        return self.staged.dataset

    @property
    def stage(self) -> str:
        return f"stage_{self.staged.name}_{self.target.name}"

    @property
    def updates_only(self) -> bool:
        return self.dataset.update_only and self.target.model is Property

    @property
    def conflict(self) -> list[str]:
        """The columns of the unique constraint by which a staged row is matched with its record."""
        if self.target.model is Property and self.dataset.update_only:
            return ["county_id", self.dataset.match]
        first = "roll_property_id" if self.target.hangs_on_property else "county_id"
        return [first, *(name for name in self.target.key if name != "property_id" or first == "county_id")]

    def columns(self) -> list[str]:
        """The columns of the model that are written: mapped fields, and columns that follow from them."""
        fields = self.dataset.targets()[self.target.name]
        names = [name for name in fields if not name.startswith(ATTRIBUTE) and name not in self._not_kept()]
        if "parcel_number" in names and self.target.model is Property:
            names.append("parcel_number_key")
        if "geometry" in names:
            names += EDGES
        if self.target.name == "sales":
            names += ["is_valid"] if "validity_code" in fields else []
            names += ["parcel_count"] if "parcel_count" not in fields else []
        if any(name.startswith(ATTRIBUTE) for name in fields):
            names.append("attributes")
        if self.target.hangs_on_property:
            names += [name for name in self.target.key if name not in ("property_id", *names)]
        return names

    def _not_kept(self) -> set[str]:
        """Fields that only say which property a row is about."""
        return set() if self.target.model is Property else {"property_id", "parcel_number"}

    # --- Into the temporary table ---

    def fill(self, plan: Plan) -> None:
        names = self.columns()
        columns = ", ".join(map(quoted, names))
        extra = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in EXTRA.items())
        key = ", CAST(NULL AS bigint) AS roll_property_id" if self.target.hangs_on_property else ""
        run(f"DROP TABLE IF EXISTS {quoted(self.stage)}")
        run(
            f"CREATE TEMPORARY TABLE {quoted(self.stage)} AS SELECT {columns}, {quoted('lineage')}, {extra}"
            f"{key} FROM {quoted(self.target.table)} WHERE 1 = 0"
        )
        at = 0
        for part in self.staged.parts():
            values = pl.read_parquet(part)
            fates = plan.rows.slice(at, values.height)
            at += values.height
            rows = values.filter(fates[f"{LOAD}{self.target.name}"])
            if rows.height:
                copy_in(self.stage, self._frame(rows, names, plan), self._field)
        if (
            self.updates_only
        ):  # without it SQLite, which has no statistics, compares every property with every staged row
            run(f"CREATE INDEX {quoted(f'{self.stage}_key')} ON {quoted(self.stage)} ({quoted(KEY_OF_PROPERTY)})")
        analyze(self.stage)
        if self.target.hangs_on_property:
            self._find_properties()

    def _field(self, name: str) -> models.Field | None:
        """The field of the roll that a staged column fills; None for a column that only staging needs."""
        return None if name in EXTRA or name == "roll_property_id" else self._fields[name]

    @cached_property
    def _fields(self) -> dict[str, models.Field]:
        return {column.name: column for column in self.target.model._meta.concrete_fields}

    def _frame(self, rows: pl.DataFrame, names: list[str], plan: Plan) -> pl.DataFrame:
        prefix = f"{self.target.name}."
        fields = self.dataset.targets()[self.target.name]
        columns: list[pl.Expr | pl.Series] = []
        for name in names:
            if name == "attributes":
                own = [field_name for field_name in fields if field_name.startswith(ATTRIBUTE)]
                cells = [pl.col(prefix + field_name).alias(field_name[len(ATTRIBUTE) :]) for field_name in own]
                columns.append(pl.struct(cells).struct.json_encode().alias(name))
            elif name == "is_valid":
                columns.append(pl.col("sales.validity_code").is_in(self._valid_codes()).alias(name))
            elif name == "parcel_count" and name not in fields:
                columns.append(_parcel_counts(rows, plan))
            elif prefix + name in rows.columns:
                columns.append(pl.col(prefix + name).alias(name))
            else:
                default = self._fields[name].get_default()
                columns.append(pl.lit(default).alias(name))
        lineage = pl.concat_str(
            pl.lit(f'{{"{self.staged.name}": [{self.run_id}, '), pl.col(LINE).cast(pl.String), pl.lit("]}")
        ).alias("lineage")
        return rows.select(*columns, lineage, *self._extra(rows))

    def _valid_codes(self) -> list[str]:
        return list(self.county.section(SalesSection).valid_codes)

    def _extra(self, rows: pl.DataFrame) -> list[pl.Expr]:
        key = pl.lit(None, dtype=pl.String)
        if self.target.names_property or self.target.model is Property:
            key = pl.col(property_column(self.dataset, self.target.name))
        return [pl.col(LINE), key.alias(KEY_OF_PROPERTY), *control_columns(self.dataset, rows)]

    def _find_properties(self) -> None:
        """Ties each row to its property. A row whose property is not on the roll cannot be loaded."""
        match = quoted("parcel_number" if self.dataset.match == "parcel_number" else "property_id")
        run(
            f"UPDATE {quoted(self.stage)} SET roll_property_id = p.id FROM {quoted(Property._meta.db_table)} p "
            f"WHERE p.county_id = %s AND p.{match} = {quoted(self.stage)}.{quoted(KEY_OF_PROPERTY)}",
            [self.county.pk],
        )
        self.take_out("roll_property_id IS NULL", NOT_ON_ROLL, "R-ORPHAN")

    def take_out(self, condition: str, reason: str, rule: str, parameters: list[Any] | None = None) -> None:
        """Removes staged rows that cannot be loaded, and reports them."""
        where = f"FROM {quoted(self.stage)} WHERE {condition}"
        rows = fetch(f"SELECT {quoted(LINE)}, {quoted(KEY_OF_PROPERTY)} {where}", parameters)
        if rows:
            self.findings += [Finding(line, "property_id", key or "", reason, rule) for line, key in rows]
            self.lost |= {line for line, _ in rows}
            run(f"DELETE {where}", parameters)

    # --- From there into the roll ---

    def write(self) -> None:
        total = self._count(f"SELECT count(*) FROM {quoted(self.stage)}")
        if self.updates_only:
            matched = self._count(f"SELECT count(*) FROM {quoted(self.stage)} s WHERE EXISTS ({self._match('s')})")
            self.take_out(f"NOT EXISTS ({self._match(quoted(self.stage))})", NOT_ON_ROLL, "R-ORPHAN", [self.county.pk])
            self.tally.updated = self._update()
            self.tally.unchanged = max(0, matched - self.tally.updated)
            return
        present = self._count(
            f"SELECT count(*) FROM {quoted(self.stage)} s JOIN {self._table} t ON {self.on('s', 't')}"
        )
        written = self._upsert(may_meet=present > 0)
        self.tally.created = total - present
        self.tally.updated = written - self.tally.created
        self.tally.unchanged = present - self.tally.updated
        if self.tally.created > MANY:
            analyze(self.target.table)

    @property
    def _table(self) -> str:
        return quoted(self.target.table)

    def _match(self, stage: str) -> str:
        return (
            f"SELECT 1 FROM {self._table} t WHERE t.county_id = %s "
            f"AND t.{quoted(self.dataset.match)} = {stage}.{quoted(KEY_OF_PROPERTY)}"
        )

    def on(self, stage: str, table: str) -> str:
        """The condition under which a staged row and a row of the roll are one record. It needs no parameters."""
        parts = []
        for name in self.conflict:
            if name == "county_id":
                parts.append(f"{table}.county_id = {literal(self.county.pk)}")
            else:
                parts.append(f"{table}.{quoted(name)} = {stage}.{quoted(name)}")
        return " AND ".join(parts)

    def _count(self, statement: str) -> int:
        return int(fetch(statement, [self.county.pk] if "%s" in statement else None)[0][0])

    def _constants(self) -> dict[str, Any]:
        """The values of a new row in the columns that the mapping does not fill."""
        given = {*self.columns(), "lineage", "roll_property_id", "id"}
        constants: dict[str, Any] = {}
        for roll_field in self.target.model._meta.concrete_fields:
            if roll_field.attname in given or roll_field.name in given:
                continue
            column = str(roll_field.column)
            if roll_field.name == "county":
                constants[column] = self.county.pk
            elif roll_field.name in ("created_at", "updated_at"):
                constants[column] = connection.ops.adapt_datetimefield_value(self.now)
            elif roll_field.name == "is_valid":
                constants[column] = "" in self._valid_codes()
            elif not roll_field.null:
                default = roll_field.get_default()
                plain = default.value if isinstance(default, Enum) else default
                constants[column] = roll_field.get_db_prep_save(plain, connection)
        return constants

    def _upsert(self, may_meet: bool) -> int:
        """Inserts new records and updates those that have changed. Gives the number of both.

        may_meet: whether some staged row has a record already. If none has, the statement needs no conflict clause.
        """
        names, constants = self.columns(), self._constants()
        own = [*names, "lineage", *(["roll_property_id"] if self.target.hangs_on_property else [])]
        into = ", ".join(map(quoted, [*own, *constants]))
        select = ", ".join([*(f"s.{quoted(name)}" for name in own), *("%s" for _ in constants)])
        statement = (
            f"INSERT INTO {self._table} AS t ({into}) SELECT {select} FROM {quoted(self.stage)} s WHERE {self._open()}"
        )
        parameters = list(constants.values())
        if may_meet:
            where = " WHERE owner_id > ''" if self.target.name == "owners" else ""
            conflict = ", ".join(map(quoted, self.conflict))
            written = [name for name in names if name not in self.conflict]
            statement += (
                f" ON CONFLICT ({conflict}){where} DO UPDATE SET {self._assignments(written, 'excluded')} "
                f"WHERE {self._differs(written, 'excluded')}"
            )
            if "updated_at" in _names(self.target.model):
                parameters.append(connection.ops.adapt_datetimefield_value(self.now))
        return run(statement, parameters)

    def _open(self) -> str:
        """The condition that leaves out values of a certified roll, because the database refuses every write to them.

        Values that would change it were rejected before, so those left out are the same as on the roll.
        """
        if self.target.model is not AssessedValue:
            return "1 = 1"
        return (
            f"NOT EXISTS (SELECT 1 FROM {quoted(CertifiedRoll._meta.db_table)} c "
            f"WHERE c.county_id = {literal(self.county.pk)} "
            "AND c.tax_year = s.tax_year AND s.supplement <= c.supplement)"
        )

    def _update(self) -> int:
        written = [name for name in self.columns() if name != self.dataset.match]
        moment = connection.ops.adapt_datetimefield_value(self.now)
        return run(
            f"UPDATE {self._table} AS t SET {self._assignments(written, 's', target='')} FROM {quoted(self.stage)} s "
            f"WHERE t.county_id = %s AND t.{quoted(self.dataset.match)} = s.{quoted(KEY_OF_PROPERTY)} "
            f"{self._not_units()}AND ({self._differs(written, 's', alive=False)})",
            [moment, self.county.pk],
        )

    def _not_units(self) -> str:
        """The condition that leaves out condominium units, because the outline of their parcel is not theirs."""
        outlines = "geometry" in self.columns() and self.dataset.match == "parcel_number"
        return f"AND t.property_type <> {literal(PropertyType.CONDOMINIUM.value)} " if outlines else ""

    def _assignments(self, names: list[str], source: str, target: str = "") -> str:
        parts = [f"{quoted(name)} = {self._new_value(name, source)}" for name in names]
        parts.append(f"lineage = {json_merged('t.lineage', f'{source}.lineage')}")
        if "updated_at" in _names(self.target.model):
            parts.append("updated_at = %s")
        if self.target.retires and not self.updates_only:
            parts.append("retired_at = NULL")
        return ", ".join(parts)

    def _new_value(self, name: str, source: str) -> str:
        given = f"{source}.{quoted(name)}"
        return json_merged("t.attributes", given) if name == "attributes" else given

    def _differs(self, names: list[str], source: str, alive: bool = True) -> str:
        parts = []
        for name in names:
            old = (
                "json(t.attributes)" if name == "attributes" and connection.vendor == "sqlite" else f"t.{quoted(name)}"
            )
            parts.append(f"{old} IS DISTINCT FROM {self._new_value(name, source)}")
        if self.target.retires and alive:
            parts.append("t.retired_at IS NOT NULL")
        return " OR ".join(parts) or "1 = 0"


def control_columns(dataset: Dataset, rows: pl.DataFrame) -> list[pl.Expr]:
    """The class and the tax area by which a row's dollars are totalled; null where the source has no such column."""
    columns = []
    for name, alias in (("property_class", CLASS), ("tax_code_area", AREA)):
        column = next((own for own in (f"controls.{name}", f"properties.{name}") if own in rows.columns), None)
        value = pl.lit(None, dtype=pl.String) if column is None else pl.col(column).cast(pl.String)
        columns.append(value.alias(alias))
    return columns


def _parcel_counts(rows: pl.DataFrame, plan: Plan) -> pl.Series:
    counts = plan.tied().group_by("sale_id").len("parcel_count")
    joined = rows.select(pl.col("sales.sale_id").alias("sale_id")).join(
        counts, on="sale_id", how="left", maintain_order="left"
    )
    return joined["parcel_count"].fill_null(1).cast(pl.Int64)


def _names(model: type[models.Model]) -> set[str]:
    return {column.name for column in model._meta.concrete_fields}


def warned(line: int, key: str, reason: str, rule: str) -> Finding:
    return Finding(line, "property_id", key, reason, rule, Level.WARN)
