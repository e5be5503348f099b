"""The tables and columns in a legacy database's own catalogue, and the names of a mapping that are not among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import DatabaseError, connections

from ingestion.transforms.mapper import Dataset, FieldMapping
from ingestion.transforms.near_names import did_you_mean
from ingestion.transforms.queries import Query

from .faults import asking, is_missing_right
from .typed_values import SQL_SERVER, SQLITE

Catalogue = Mapping[str, Mapping[str, str]]  # the type of each column of each table, all in lower case
WhyAbsent = Callable[[str, str | None], str | None]  # what hides a table, or a column of it, in words

# One statement for all the tables wanted, in every schema. The login's own schema is chosen afterwards.
_COLUMNS = {
    SQL_SERVER: (
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, "
        "DATETIME_PRECISION, TABLE_SCHEMA, SCHEMA_NAME() AS OWN_SCHEMA FROM INFORMATION_SCHEMA.COLUMNS "
        "WHERE TABLE_NAME IN ({marks}) ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION"
    ),
    "postgresql": (
        "SELECT table_name, column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, "
        "datetime_precision, table_schema, current_schema() FROM information_schema.columns "
        "WHERE lower(table_name) IN ({marks}) AND table_schema = ANY (current_schemas(false)) "
        "ORDER BY array_position(current_schemas(false), table_schema::name), table_name, ordinal_position"
    ),
    SQLITE: (
        "SELECT m.name, c.name, c.type, NULL, NULL, NULL, NULL, '', '' "
        "FROM sqlite_master m, pragma_table_info(m.name) c "
        "WHERE m.type IN ('table', 'view') AND lower(m.name) IN ({marks}) ORDER BY m.name, c.cid"
    ),
}
_TABLES = {
    SQL_SERVER: "SELECT TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA.TABLES",
    "postgresql": "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema <> 'pg_catalog'",
    SQLITE: "SELECT '', name FROM sqlite_master WHERE type IN ('table', 'view')",
}
_WITH_SCALE = ("decimal", "numeric")  # types written with precision and scale


class LiveTables:
    """The catalogue of one database. Each table is looked up once, together with the others wanted at that moment."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._known: dict[str, dict[str, str]] = {}
        self._looked_up: set[str] = set()
        self._names: list[tuple[str, str]] | None = None

    def of(self, tables: Iterable[str]) -> dict[str, dict[str, str]]:
        """Those of the tables that exist, by name in lower case, with their columns. Raises UnreadableSource."""
        wanted = {table.lower(): table for table in tables if table.lower() not in self._looked_up}
        if wanted:
            self._read(sorted(wanted.values()))
            self._looked_up |= set(wanted)
        return self._known

    def _read(self, tables: list[str]) -> None:
        with asking(self.alias):
            connection = connections[self.alias]
            marks = ", ".join(["%s"] * len(tables))
            statement = _COLUMNS[connection.vendor].format(marks=marks)
            # On SQL Server the collation of the database decides whether case matters.
            names = tables if connection.vendor == SQL_SERVER else [table.lower() for table in tables]
            with connection.cursor() as cursor:
                cursor.execute(statement, names)
                rows = cursor.fetchall()
        schemas: dict[str, set[str]] = {}
        for table, *_, schema, own in rows:
            if connection.vendor != SQL_SERVER or schema in (own, "dbo"):  # the server looks names up in these two
                schemas.setdefault(table.lower(), set()).add(schema)
        for table, column, name, length, precision, scale, fraction, schema, own in rows:
            of_table = schemas.get(table.lower(), set())
            if schema == (own if own in of_table else min(of_table, default=None)):
                kind = type_name(name, length, precision, scale, fraction, connection.vendor)
                self._known.setdefault(table.lower(), {})[column.lower()] = kind

    def why_absent(self, table: str, column: str | None) -> str | None:
        """Why the catalogue does not show a table or column; None when the database does not have it.

        A server lists only what the login may read, and looks names up in only two schemas.
        """
        if column is None and (others := sorted({schema for schema, name in self._tables() if _same(name, table)})):
            return (
                f"table {table} stands in schema {', '.join(others)}, where this login's names are not looked up; "
                f"make {others[0]} the login's default schema"
            )
        if self._is_forbidden(table, column):
            what = f"column {column} of table {table}" if column else f"table {table}"
            return f"the login may not read {what}; grant it SELECT"
        if column is None and not self._tables():
            return f"there is no table {table} that the login may see: it sees no table at all; grant it SELECT"
        return None

    def near(self, table: str) -> str:
        return did_you_mean(table, [name for _, name in self._tables()])

    def _tables(self) -> list[tuple[str, str]]:
        if self._names is None:
            with asking(self.alias):
                connection = connections[self.alias]
                with connection.cursor() as cursor:
                    cursor.execute(_TABLES[connection.vendor])
                    self._names = [(schema, name) for schema, name in cursor.fetchall()]
        return self._names

    def _is_forbidden(self, table: str, column: str | None) -> bool:
        """Whether the server refuses the name for want of permission, shown by a query for no rows."""
        connection = connections[self.alias]
        if connection.vendor != SQL_SERVER:
            return False
        quote = connection.ops.quote_name
        wanted = quote(column) if column else "*"
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT TOP (0) {wanted} FROM {quote(table)}")
        except DatabaseError as error:
            return is_missing_right(error)
        return False


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def type_name(name: str, length: Any, precision: Any, scale: Any, fraction: Any, vendor: str) -> str:
    """A column's type as people write it: numeric(14,2), char(5), datetime2(7)."""
    name = name.lower()
    if vendor == SQL_SERVER and name == "timestamp":
        return "rowversion"  # a timestamp of SQL Server is a counter, not a moment
    if name in _WITH_SCALE and precision is not None:
        return f"{name}({precision},{scale})" if scale else f"{name}({precision})"
    if length is not None and name not in ("text", "ntext", "image", "xml"):
        return f"{name}(max)" if int(length) < 0 else f"{name}({length})"
    if name in ("datetime2", "datetimeoffset") and fraction is not None:
        return f"{name}({fraction})"
    return name


def live_faults(dataset: Dataset, live: LiveTables) -> list[tuple[str, str]]:
    """`faults_of_query` against the live database. The faults also say what hides a name that exists."""
    return faults_of_query(dataset, live.of(dataset.database_query.tables().values()), live.why_absent, live.near)


def _nothing_hides(table: str, column: str | None) -> str | None:
    return None


def faults_of_query(
    dataset: Dataset,
    catalogue: Catalogue,
    why_absent: WhyAbsent = _nothing_hides,
    near: Callable[[str], str] | None = None,
) -> list[tuple[str, str]]:
    """(place in the data set, fault) for each name of the query that the catalogue does not have."""
    query = dataset.database_query
    faults = []
    tables = query.tables()
    for number, table in enumerate([query.table, *(join.table for join in query.joins)]):
        place = "query.table" if number == 0 else f"query.joins.{number - 1}.table"
        if table.lower() not in catalogue:
            guess = near(table) if near is not None else did_you_mean(table, catalogue)
            faults.append((place, why_absent(table, None) or f"there is no table {table}{guess}"))
    columns = [(f"query.{place}", column) for place, column in query.columns()]
    for number, join in enumerate(query.joins):
        columns += [(f"query.joins.{number}.totals", f"{join.name}.{column}") for column in join.totals]
    fields_by_target: dict[str, Mapping[Any, FieldMapping]] = {**dataset.targets(), "controls": dataset.controls}
    for target, fields in fields_by_target.items():
        columns += [
            (f"{target}.{name}", column) for name, mapping in fields.items() for column in mapping.source_columns
        ]
    columns += [("watermark", dataset.watermark)] if dataset.watermark else []
    for place, column in columns:
        if fault := _fault_of_column(column, tables, catalogue, query, place.startswith("query.joins."), why_absent):
            faults.append((place, fault))
    return faults


def _fault_of_column(
    column: str,
    tables: Mapping[str, str],
    catalogue: Catalogue,
    query: Query,
    place_is_join: bool,
    why_absent: WhyAbsent,
) -> str | None:
    alias, dot, name = column.partition(".")
    if not dot or alias not in tables:
        return f"{column} names no table of the query; write table.column with one of {', '.join(tables)}"
    columns = catalogue.get(tables[alias].lower())
    if columns is None:
        return None  # the missing table has a fault of its own
    if name.lower() not in columns:
        hidden = why_absent(tables[alias], name)
        return hidden or f"table {tables[alias]} has no column {name}{did_you_mean(name, columns)}"
    join = next((join for join in query.joins if join.name == alias and join.totals), None)
    if join is not None and name not in join.totals and not place_is_join:
        return f"{column} has several rows; write under totals how to combine them"
    return None
