"""Querysets of the roll where a statement is written by hand, or where a whole table is read as columns."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import QuerySet


def compiled(queryset: QuerySet[Any, Any]) -> tuple[str, tuple[Any, ...]]:
    """The queryset's SELECT with %s for each parameter, and the parameters: to stand inside a larger statement."""
    sql, parameters = queryset.query.get_compiler(connection=connection).as_sql()
    return sql, tuple(parameters)


def stored_rows(queryset: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """Rows of a `values_list` as the database's driver gives them, in half the time Django's converters take.

    On SQLite a date is its ISO text, a boolean 0 or 1 and JSON its text; numpy takes dates and booleans of either kind.
    """
    sql, parameters = compiled(queryset)
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
