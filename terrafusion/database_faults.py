"""What a database error means for the user: the connection is lost, the database busy or full, or the program wrong.

Django raises an OperationalError for all four. The code of the driver distinguishes them.
"""

from __future__ import annotations

import sqlite3
from enum import Enum

import psycopg
from django.db import InterfaceError


class Fault(Enum):
    """What happened to the database. The value is the sentence for the user."""

    LOST = "The database connection was lost."
    BUSY = "The database was busy: another process held its lock for too long."
    FULL = "The disk of the database is full."
    DISK = "The database cannot read or write its disk."
    OTHER = "The database refused a statement."


# These two may pass by themselves, so a step that can be repeated is repeated after a while.
PASSING = frozenset({Fault.LOST, Fault.BUSY})
STORAGE = frozenset({Fault.FULL, Fault.DISK})

# https://www.sqlite.org/rescode.html; the low byte is the primary code.
_BY_SQLITE_CODE = {
    sqlite3.SQLITE_BUSY: Fault.BUSY,
    sqlite3.SQLITE_LOCKED: Fault.BUSY,
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_IOERR: Fault.DISK,
    sqlite3.SQLITE_READONLY: Fault.DISK,
    sqlite3.SQLITE_CANTOPEN: Fault.DISK,
    sqlite3.SQLITE_CORRUPT: Fault.DISK,
    sqlite3.SQLITE_NOTADB: Fault.DISK,
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html; two characters stand for a whole class of codes.
_BY_SQLSTATE = {
    "08": Fault.LOST,
    "57P01": Fault.LOST,  # the administrator ended the session
    "57P02": Fault.LOST,  # the server crashed
    "57P03": Fault.LOST,  # the server starts or stops
    "57P05": Fault.LOST,  # the session was idle for too long
    "40001": Fault.BUSY,  # serialization failure
    "40P01": Fault.BUSY,  # deadlock
    "53300": Fault.BUSY,  # too many connections
    "55P03": Fault.BUSY,  # lock not available
    "53100": Fault.FULL,
    "58030": Fault.DISK,
}


def fault_of(error: BaseException) -> Fault | None:
    """What happened to the database; None for an error that does not come from one.

    Knows the errors of Django, of the drivers (Django does not wrap those of a COPY) and of ADBC.
    """
    for cause in (error, error.__cause__):
        if isinstance(cause, sqlite3.Error):
            return _BY_SQLITE_CODE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF, Fault.OTHER)
        if isinstance(cause, psycopg.Error):
            return _of_postgresql(cause.sqlstate, lost=isinstance(cause, psycopg.OperationalError))
        if type(cause).__module__.startswith("adbc_driver_manager"):
            return _of_postgresql(getattr(cause, "sqlstate", None), lost=type(cause).__name__ == "OperationalError")
    if isinstance(error, InterfaceError):
        return Fault.LOST  # Django itself raises it when the connection is closed
    return None


def _of_postgresql(sqlstate: str | None, *, lost: bool) -> Fault:
    """The fault for a code. lost: an error without a code means a lost connection, because servers give the codes."""
    if not sqlstate:
        return Fault.LOST if lost else Fault.OTHER
    return _BY_SQLSTATE.get(sqlstate) or _BY_SQLSTATE.get(sqlstate[:2]) or Fault.OTHER
