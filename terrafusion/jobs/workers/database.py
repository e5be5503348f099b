"""The database's clock, and patience with a database that is away, or locked by another writer, for a moment."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from django.utils import timezone

from terrafusion.database_faults import PASSING, Fault, fault_of

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")

# A load of a whole county holds SQLite's only write lock while it switches; work that is done waits for it.
BUSY_SECONDS = 600


def database_now() -> datetime:
    """The time by the clock that all hosts share: the database server's. SQLite has none but this machine's."""
    if connection.vendor == "sqlite":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        (now,) = cursor.fetchone()
    return cast(datetime, now)


def patiently(
    step: Callable[[], Answer],
    *,
    seconds: float = 60,
    busy_seconds: float = BUSY_SECONDS,
    using: str = DEFAULT_DB_ALIAS,
) -> Answer:
    """Calls `step`, again with a fresh connection when the connection was lost or the database is busy.

    `step` must be safe to repeat: a commit whose answer was lost may have happened.
    Waits 0.1 s, doubling to 2 s. Raises the database's error after `seconds`, or after `busy_seconds` of a busy one.
    """
    database, begun, pause = connections[using], time.monotonic(), 0.1
    while True:
        try:
            return step()
        except Error as error:
            fault = fault_of(error)
            if fault not in PASSING or database.in_atomic_block:
                raise
            patience = busy_seconds if fault is Fault.BUSY else seconds
            if time.monotonic() + pause > begun + patience:
                raise
            logger.warning("%s Trying again in %.1f s.", fault.value, pause)
            database.close()
            time.sleep(pause)
            pause = min(2.0, 2 * pause)
