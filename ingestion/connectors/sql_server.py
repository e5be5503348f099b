"""The legacy CAMA database: rows of a mapping's query, page by page, by key.

Production is SQL Server (Harris PACS); the same statements run on any database Django knows, which is how they are
tested. Names come from the mapping and are looked up in the live catalogue before anything is asked; values are always
parameters. Nothing is ever written there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import DatabaseError, connections
from django.db.utils import ConnectionDoesNotExist

from ingestion.transforms.mapper import Dataset
from ingestion.transforms.near_names import did_you_mean
from ingestion.transforms.queries import Condition, Join, Query, is_column

from .source import Batch, UnreadableSource, text_frame

PAGE_ROWS = 20_000
Catalogue = Mapping[str, Mapping[str, str]]  # table: column: type, all in lower case


@dataclass(frozen=True)
class Dialect:
    """How one database writes a name, and how it asks for the first rows of an answer."""

    quote: Callable[[str], str]
    has_top: bool  # SELECT TOP (n) of SQL Server; LIMIT n elsewhere

    @classmethod
    def of(cls, alias: str) -> Dialect:
        connection = connections[alias]
        return cls(connection.ops.quote_name, connection.vendor == "microsoft")


@dataclass(frozen=True)
class Statement:
    sql: str
    parameters: tuple[Any, ...]


def page(
    query: Query,
    columns: Sequence[str],
    dialect: Dialect,
    variables: Mapping[str, Any],
    after: Sequence[Any] | None = None,
    rows: int = PAGE_ROWS,
) -> Statement:
    """The next rows of the query in the order of its key: first the columns, then the key.

    after: key of the last row read. SQL Server compares no rows of values, so the key's columns are compared in turn.
    """
    compiler = _Compiler(dialect, variables)
    return compiler.page(query, columns, after, rows)


class _Compiler:
    def __init__(self, dialect: Dialect, variables: Mapping[str, Any]) -> None:
        self.quote, self.has_top, self.variables = dialect.quote, dialect.has_top, variables
        self.parameters: list[Any] = []

    def page(self, query: Query, columns: Sequence[str], after: Sequence[Any] | None, rows: int) -> Statement:
        totals = {f"{join.name}.{column}": (join, column) for join in query.joins for column in join.totals}
        values = [self._total(*totals[name]) if name in totals else self._column(name) for name in columns]
        wanted = ", ".join(f"{value} AS {self.quote(f'c{at}')}" for at, value in enumerate(values))
        keys = [self._column(name) for name in query.key]
        key_list = ", ".join(f"{key} AS {self.quote(f'k{at}')}" for at, key in enumerate(keys))
        top = f"TOP ({int(rows)}) " if self.has_top else ""
        parts = [f"SELECT {top}{wanted}, {key_list}", f"FROM {self.quote(query.table)} AS {self.quote(query.name)}"]
        parts += [self._join(each) for each in query.joins if not each.totals]
        conditions = [self._condition(each) for each in query.where]
        if after is not None:
            conditions.append(self._after(keys, after))
        if conditions:
            parts.append("WHERE " + " AND ".join(conditions))
        parts.append("ORDER BY " + ", ".join(keys))
        if not self.has_top:
            parts.append(f"LIMIT {int(rows)}")
        return Statement(" ".join(parts), tuple(self.parameters))

    def _column(self, name: str) -> str:
        table, column = name.split(".")
        return f"{self.quote(table)}.{self.quote(column)}"

    def _parameter(self, value: Any) -> str:
        self.parameters.append(self._value(value))
        return "%s"

    def _value(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("$"):
            name = value[1:]
            if name not in self.variables:
                known = ", ".join(f"${each}" for each in self.variables) or "none"
                raise UnreadableSource(f"The query uses {value}, which nothing defines; known: {known}.")
            return self.variables[name]
        return value

    def _side(self, column: str, value: Any) -> str:
        """A column compared with a text is compared without the blanks a CHAR column is padded with."""
        return f"RTRIM({self._column(column)})" if isinstance(self._value(value), str) else self._column(column)

    def _join(self, join: Join) -> str:
        how = "LEFT JOIN" if join.how == "left" else "INNER JOIN"
        conditions = [self._equals(f"{join.name}.{own}", other) for own, other in join.on.items()]
        return f"{how} {self.quote(join.table)} AS {self.quote(join.name)} ON {' AND '.join(conditions)}"

    def _total(self, join: Join, column: str) -> str:
        """One value of several rows, by a subquery: no row of the first table is counted twice, and only the rows of
        this page are looked at."""
        on = " AND ".join(self._equals(f"{join.name}.{own}", other) for own, other in join.on.items())
        total = f"{join.totals[column].upper()}({self._column(f'{join.name}.{column}')})"
        return f"(SELECT {total} FROM {self.quote(join.table)} AS {self.quote(join.name)} WHERE {on})"

    def _equals(self, column: str, other: Any) -> str:
        if is_column(other):
            return f"{self._column(column)} = {self._column(other)}"
        return f"{self._side(column, other)} = {self._parameter(other)}"

    def _condition(self, condition: Condition) -> str:
        column = condition.column
        if condition.is_null is not None:
            return f"{self._column(column)} IS {'' if condition.is_null else 'NOT '}NULL"
        listed = condition.is_in or condition.not_in
        if listed:
            side = self._side(column, listed[0])
            marks = ", ".join(self._parameter(each) for each in listed)
            return f"{side} {'IN' if condition.is_in else 'NOT IN'} ({marks})"
        operators = {"equals": "=", "not_equals": "<>", "at_least": ">=", "at_most": "<="}
        name, operator = next(each for each in operators.items() if getattr(condition, each[0]) is not None)
        value = getattr(condition, name)
        side = self._side(column, value) if name in ("equals", "not_equals") else self._column(column)
        return f"{side} {operator} {self._parameter(value)}"

    def _after(self, keys: list[str], after: Sequence[Any]) -> str:
        """a >= x AND ((a > x) OR (a = x AND b > y) OR ...): for OR alone no index begins at the page."""
        start = f"{keys[0]} >= {self._parameter(after[0])} AND " if len(keys) > 1 else ""
        options = []
        for at, key in enumerate(keys):
            same = [f"{keys[before]} = {self._parameter(after[before])}" for before in range(at)]
            options.append("(" + " AND ".join([*same, f"{key} > {self._parameter(after[at])}"]) + ")")
        return f"{start}({' OR '.join(options)})"


# --- The catalogue ---


def live_catalogue(alias: str, tables: set[str]) -> dict[str, dict[str, str]]:
    """The tables of the database that are asked for, with their columns. Raises UnreadableSource."""
    connection = connections[alias]
    with _asking(alias), connection.cursor() as cursor:
        known = {each.lower(): each for each in connection.introspection.table_names(cursor, include_views=True)}
        found: dict[str, dict[str, str]] = {name: {} for name in known}
        for table in tables:
            if table.lower() in known:
                described = connection.introspection.get_table_description(cursor, known[table.lower()])
                found[table.lower()] = {each.name.lower(): str(each.type_code) for each in described}
    return found


def faults_of_query(dataset: Dataset, catalogue: Catalogue) -> list[tuple[str, str]]:
    """(place in the data set, what is wrong) for each name of the query the catalogue does not have."""
    query = dataset.asked
    faults = []
    tables = query.tables()
    for number, table in enumerate([query.table, *(each.table for each in query.joins)]):
        place = "query.table" if number == 0 else f"query.joins.{number - 1}.table"
        if table.lower() not in catalogue:
            faults.append((place, f"there is no table {table}{did_you_mean(table, catalogue)}"))
    named = [(f"query.{place}", column) for place, column in query.columns()]
    for number, join in enumerate(query.joins):
        named += [(f"query.joins.{number}.totals", f"{join.name}.{column}") for column in join.totals]
    for target, fields in [*dataset.targets().items(), ("controls", dataset.controls)]:
        named += [(f"{target}.{name}", column) for name, each in fields.items() for column in each.source_columns]
    named += [("watermark", dataset.watermark)] if dataset.watermark else []
    for place, column in named:
        if fault := _fault_of_column(column, tables, catalogue, query, place.startswith("query.joins.")):
            faults.append((place, fault))
    return faults


def _fault_of_column(
    column: str, tables: Mapping[str, str], catalogue: Catalogue, query: Query, place_is_join: bool
) -> str | None:
    alias, dot, name = column.partition(".")
    if not dot or alias not in tables:
        return f"{column} names no table of the query; write table.column with one of {', '.join(tables)}"
    columns = catalogue.get(tables[alias].lower())
    if columns is None:
        return None  # the missing table is told once
    if name.lower() not in columns:
        return f"table {tables[alias]} has no column {name}{did_you_mean(name, columns)}"
    join = next((each for each in query.joins if each.name == alias and each.totals), None)
    if join is not None and name not in join.totals and not place_is_join:
        return f"{column} stands on several rows; say under totals how they are taken together"
    return None


# --- Reading ---


@dataclass(frozen=True)
class LegacyQuery:
    """One data set of a legacy database as a source. The position is the key of the last row read."""

    alias: str
    dataset_name: str
    dataset: Dataset
    variables: Mapping[str, Any] = field(default_factory=dict)
    since: str | None = None
    page_rows: int = PAGE_ROWS

    @property
    def name(self) -> str:
        return f"{self.alias} ({self.dataset_name})"

    @property
    def query(self) -> Query:
        query = self.dataset.asked
        if self.since is None:
            return query
        if self.dataset.watermark is None:
            raise UnreadableSource(f"{self.dataset_name} has no watermark in the mapping; load it whole.")
        # The same moment again: what changed in it after the last load must not be missed; a repetition is harmless.
        changed = Condition(column=self.dataset.watermark, at_least=self.since)
        return query.model_copy(update={"where": [*query.where, changed]})

    def digest(self) -> str:
        return ""

    def columns(self) -> list[str]:
        """Checks every name against the live catalogue first. Raises UnreadableSource."""
        catalogue = live_catalogue(self.alias, set(self.query.tables().values()))
        if faults := faults_of_query(self.dataset, catalogue):
            listed = "; ".join(f"{place}: {fault}" for place, fault in faults)
            raise UnreadableSource(f"{self.name} does not fit its mapping; nothing was read. {listed}.")
        return self.dataset.source_columns()

    def shape(self) -> dict[str, Any]:
        catalogue = live_catalogue(self.alias, set(self.query.tables().values()))
        tables = self.query.tables()
        kinds = {}
        for column in self.dataset.source_columns():
            alias, _, name = column.partition(".")
            kinds[column] = catalogue[tables[alias].lower()][name.lower()]
        return {"columns": self.dataset.source_columns(), "kinds": kinds, "encoding": "database", "delimiter": None}

    def batches(self, after: Any = None) -> Iterator[Batch]:
        columns = self.dataset.source_columns()
        dialect = Dialect.of(self.alias)
        key, line = (after["key"], after["line"]) if after else (None, 0)
        mark = columns.index(self.dataset.watermark) if self.dataset.watermark else None
        while True:
            statement = page(self.query, columns, dialect, self.variables, key, self.page_rows)
            with _asking(self.alias), connections[self.alias].cursor() as cursor:
                cursor.execute(statement.sql, statement.parameters)
                rows = cursor.fetchall()
            if not rows:
                return
            texts = [[cell_text(cell) for cell in row[: len(columns)]] for row in rows]
            marks = [] if mark is None else [row[mark] for row in rows if row[mark] is not None]
            latest = max(marks, default=None)
            key = [_plain(each) for each in rows[-1][len(columns) :]]
            lines = list(range(line + 1, line + 1 + len(rows)))
            line += len(rows)
            watermark = None if latest is None else str(_plain(latest))
            yield Batch(text_frame(columns, texts, lines), {"key": key, "line": line}, watermark=watermark)
            if len(rows) < self.page_rows:
                return

    def smaller(self, rows: int) -> LegacyQuery:
        return replace(self, page_rows=rows)


def cell_text(value: Any) -> str:
    """A value of the database as the text a mapping reads; the padding of CHAR columns is taken off there."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S").removesuffix(" 00:00:00")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _plain(value: Any) -> Any:
    """A key as JSON keeps it and the database takes it back."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else value


class _asking:  # noqa: N801 - reads as a word in a with statement
    """The faults of the legacy database in a sentence; neither address nor password leave."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ConnectionDoesNotExist):
            raise UnreadableSource(
                f"The legacy database {self.alias} is not configured; set {self.alias.upper()}_URL."
            ) from error
        if isinstance(error, DatabaseError):
            raise UnreadableSource(
                f"The legacy database {self.alias} does not answer: {plain_reason(error)}. "
                "Nothing was written; the load can be resumed."
            ) from error


_NO_CONNECTION = (
    "refused", "could not connect", "establish connection", "tcp provider", "not accessible", "network", "unreachable",
    "unable to open",
)  # fmt: skip


def plain_reason(error: BaseException) -> str:
    """What kind of fault it is, without what the driver says of servers, users and statements."""
    text = str(error).lower()
    for words, reason in (
        (("login failed", "password"), "the login was refused"),
        (("certificate", "ssl", "tls"), "its certificate is not trusted"),
        (("timeout", "timed out"), "it took too long"),
        (_NO_CONNECTION, "no connection could be made"),
        (("permission", "denied"), "the permission to read is missing"),
    ):  # fmt: skip
        if any(word in text for word in words):
            return reason
    return "it refused the question"
