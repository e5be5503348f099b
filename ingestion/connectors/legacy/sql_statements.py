"""The statements put to a legacy database, in Transact-SQL or in the SQL of any other database Django knows.

Names come from the mapping, are looked up in the live catalogue first, and are quoted. Values are always parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections

from ingestion.transforms.queries import Condition, Join, Query, is_column

from ..source import UnreadableSource
from .typed_values import FINEST, SQL_SERVER, SQLITE, bound, family, placeholder

PAGE_ROWS = 20_000
NO_KINDS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Dialect:
    """How one database quotes a name, limits the rows of an answer, and takes a parameter."""

    quote: Callable[[str], str]
    has_top: bool  # SELECT TOP (n) of SQL Server; LIMIT n elsewhere
    vendor: str = ""

    @classmethod
    def of(cls, alias: str) -> Dialect:
        connection = connections[alias]
        return cls(connection.ops.quote_name, connection.vendor == SQL_SERVER, connection.vendor)

    @property
    def is_sql_server(self) -> bool:
        return self.has_top


@dataclass(frozen=True)
class Statement:
    sql: str
    parameters: tuple[Any, ...]


@dataclass(frozen=True)
class Since:
    """Selects the rows that changed at this moment or later, and those without a moment, so that none is missed."""

    column: str
    value: Any


def page(
    query: Query,
    columns: Sequence[str],
    dialect: Dialect,
    variables: Mapping[str, Any],
    after: Sequence[Any] | None = None,
    rows: int = PAGE_ROWS,
    kinds: Mapping[str, str] = NO_KINDS,
    since: Since | None = None,
) -> Statement:
    """Selects the next rows of the query in the order of its key: the columns, then the key, then the watermark.

    after: the key of the last row read. SQL Server cannot compare rows of values, so the columns of the key are
    compared one by one. kinds: the types of the columns by `table.column`; values are compared in the column's type.
    """
    return _Compiler(dialect, variables, kinds).page(query, columns, after, rows, since)


def totals(
    query: Query,
    amounts: Sequence[str],
    dialect: Dialect,
    variables: Mapping[str, Any],
    kinds: Mapping[str, str] = NO_KINDS,
    since: Since | None = None,
) -> Statement:
    """Selects the number of the query's rows, and the sum of each of these columns."""
    return _Compiler(dialect, variables, kinds).totals(query, amounts, since)


class _Compiler:
    def __init__(self, dialect: Dialect, variables: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
        self.dialect, self.quote = dialect, dialect.quote
        self.variables, self.kinds = variables, kinds
        self.parameters: list[Any] = []

    def page(
        self, query: Query, columns: Sequence[str], after: Sequence[Any] | None, rows: int, since: Since | None
    ) -> Statement:
        wanted = self._wanted(query, columns)
        keys = [self._column(name) for name in query.key]
        wanted += [f"{self._key(name)} AS {self.quote(f'k{at}')}" for at, name in enumerate(query.key)]
        if since is not None:
            wanted.append(f"{self._column(since.column)} AS {self.quote('w')}")
        top = f"TOP ({int(rows)}) " if self.dialect.has_top else ""
        parts = [f"SELECT {top}{', '.join(wanted)}", *self._from(query, since, after)]
        parts.append("ORDER BY " + ", ".join(keys))
        if not self.dialect.has_top:
            parts.append(f"LIMIT {int(rows)}")
        return Statement(" ".join(parts), tuple(self.parameters))

    def totals(self, query: Query, amounts: Sequence[str], since: Since | None) -> Statement:
        count = "COUNT_BIG(*)" if self.dialect.is_sql_server else "COUNT(*)"
        if not amounts:
            return Statement(" ".join([f"SELECT {count}", *self._from(query, since)]), tuple(self.parameters))
        # SQL Server refuses a sum over a subquery (Msg 130), but not over the rows of an inner query.
        wanted = self._wanted(query, amounts)
        names = [f"{self.quote('q')}.{self.quote(f'c{at}')}" for at in range(len(amounts))]
        sums = ", ".join(f"SUM(CAST({name} AS decimal(38, 4)))" for name in names)
        inner = " ".join([f"SELECT {', '.join(wanted)}", *self._from(query, since)])
        return Statement(f"SELECT {count}, {sums} FROM ({inner}) AS {self.quote('q')}", tuple(self.parameters))

    def _wanted(self, query: Query, columns: Sequence[str]) -> list[str]:
        taken = {f"{join.name}.{column}": (join, column) for join in query.joins for column in join.totals}
        values = [self._total(*taken[name]) if name in taken else self._shown(name) for name in columns]
        return [f"{value} AS {self.quote(f'c{at}')}" for at, value in enumerate(values)]

    def _from(self, query: Query, since: Since | None, after: Sequence[Any] | None = None) -> list[str]:
        """FROM, joins and WHERE. Their parameters are collected in the order of the placeholders."""
        parts = [f"FROM {self.quote(query.table)} AS {self.quote(query.name)}"]
        parts += [self._join(join) for join in query.joins if not join.totals]
        conditions = [self._condition(condition) for condition in query.where]
        if since is not None and since.value is not None:
            column = self._column(since.column)
            conditions.append(f"({column} >= {self._typed(since.column, since.value)} OR {column} IS NULL)")
        if after is not None:
            conditions.append(self._after(query.key, after))
        return [*parts, "WHERE " + " AND ".join(conditions)] if conditions else parts

    def _column(self, name: str) -> str:
        table, column = name.split(".")
        return f"{self.quote(table)}.{self.quote(column)}"

    def _key(self, name: str) -> str:
        """A key column with all its digits, because its value becomes a parameter of the next statement."""
        column, kind = self._column(name), self.kinds.get(name, "").lower()
        if self.dialect.vendor == SQLITE and family(kind) in ("moment", "date"):
            return f"CAST({column} AS text)"  # SQLite compares moments as the texts in which they are stored
        if not self.dialect.is_sql_server or kind not in FINEST:
            return column
        moment = f"SWITCHOFFSET({column}, '+00:00')" if family(kind) == "zoned" else column
        return f"CONVERT(nvarchar(34), {moment}, 121)"

    def _shown(self, name: str) -> str:
        """A column to select. A moment with a zone keeps its local time: in UTC, as the Arrow reader gives it, the date
        could differ."""
        column = self._column(name)
        if self.dialect.is_sql_server and family(self.kinds.get(name, "")) == "zoned":
            return f"CAST({column} AS datetime2)"
        return column

    def _parameter(self, value: Any) -> str:
        self.parameters.append(self._value(value))
        return "%s"

    def _typed(self, column: str, value: Any) -> str:
        vendor = SQL_SERVER if self.dialect.is_sql_server else self.dialect.vendor
        self.parameters.append(bound(value, vendor))
        return placeholder(self.kinds.get(column, ""), vendor)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("$"):
            name = value[1:]
            if name not in self.variables:
                known = ", ".join(f"${variable}" for variable in self.variables) or "none"
                raise UnreadableSource(f"The query uses {value}, which nothing defines; known: {known}.")
            return self.variables[name]
        return value

    def _side(self, column: str, value: Any) -> str:
        """A column for a comparison. Compared with a text, it loses the blanks that pad a CHAR column."""
        return f"RTRIM({self._column(column)})" if isinstance(self._value(value), str) else self._column(column)

    def _join(self, join: Join) -> str:
        how = "LEFT JOIN" if join.how == "left" else "INNER JOIN"
        conditions = [self._equals(f"{join.name}.{own}", other) for own, other in join.on.items()]
        return f"{how} {self.quote(join.table)} AS {self.quote(join.name)} ON {' AND '.join(conditions)}"

    def _total(self, join: Join, column: str) -> str:
        """One value of several joined rows, by a subquery, which repeats no row of the first table and reads only the
        joined rows of this page."""
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
            marks = ", ".join(self._parameter(value) for value in listed)
            return f"{side} {'IN' if condition.is_in else 'NOT IN'} ({marks})"
        operators = {"equals": "=", "not_equals": "<>", "at_least": ">=", "at_most": "<="}
        name, operator = next(pair for pair in operators.items() if getattr(condition, pair[0]) is not None)
        value = getattr(condition, name)
        side = self._side(column, value) if name in ("equals", "not_equals") else self._column(column)
        return f"{side} {operator} {self._parameter(value)}"

    def _after(self, names: Sequence[str], after: Sequence[Any]) -> str:
        """a >= x AND ((a > x) OR (a = x AND b > y) OR ...). The first condition lets an index begin at the page."""
        keys = [self._column(name) for name in names]

        def value(at: int) -> str:
            return self._typed(names[at], after[at])

        start = f"{keys[0]} >= {value(0)} AND " if len(keys) > 1 else ""
        options = []
        for at, key in enumerate(keys):
            same = [f"{keys[before]} = {value(before)}" for before in range(at)]
            options.append("(" + " AND ".join([*same, f"{key} > {value(at)}"]) + ")")
        return f"{start}({' OR '.join(options)})"
