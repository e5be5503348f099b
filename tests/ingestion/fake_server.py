"""A connection that says it is SQL Server's and answers by a test's function, with the real driver's exceptions."""

from contextlib import contextmanager
from types import SimpleNamespace

import pyarrow as pa
from django.db.utils import DatabaseErrorWrapper
from mssql.operations import DatabaseOperations
from mssql_python import exceptions

from ingestion.connectors.legacy import catalogue as legacy_catalogue
from ingestion.connectors.legacy import rows as legacy_rows
from ingestion.connectors.legacy import sql_statements


class FakeServer:
    """answer: (statement, parameters) -> rows, a pyarrow table, or an exception to raise. asked: every statement."""

    vendor = "microsoft"
    Database = exceptions

    def __init__(self, answer, has_arrow=False):
        self.answer, self.has_arrow, self.asked = answer, has_arrow, []
        self.ops = DatabaseOperations(None)
        self.wrap_database_errors = DatabaseErrorWrapper(self)
        self.errors_occurred = False

    @contextmanager
    def cursor(self):
        yield FakeArrowCursor(self) if self.has_arrow else FakeCursor(self)


class FakeCursor:
    def __init__(self, server):
        self.server = server

    def execute(self, sql, parameters=()):
        self.server.asked.append((sql, tuple(parameters)))
        with self.server.wrap_database_errors:
            self.given = self.server.answer(sql, tuple(parameters))
            if isinstance(self.given, Exception):
                raise self.given

    def fetchall(self):
        if isinstance(self.given, pa.Table):
            return [tuple(row.values()) for row in self.given.to_pylist()]
        return self.given


class FakeArrowCursor(FakeCursor):
    @contextmanager
    def arrow_reader(self, batch_size):
        if not isinstance(self.given, pa.Table):
            raise RuntimeError("Unsupported data type for Arrow batch fetch for column - 1")
        yield self.given.to_reader(batch_size)


def fake_server(monkeypatch, answer, alias="fake_pacs", has_arrow=False, **settings):
    """Puts the server behind the alias for the connectors."""
    server = FakeServer(answer, has_arrow)
    known = {alias: server}
    monkeypatch.setattr(legacy_catalogue, "connections", known)
    monkeypatch.setattr(legacy_rows, "connections", known)
    monkeypatch.setattr(sql_statements, "connections", known)
    from ingestion.connectors.legacy import faults as legacy_faults

    monkeypatch.setattr(legacy_faults, "connections", SimpleNamespace(settings={alias: settings}))
    return server
