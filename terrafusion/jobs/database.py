"""Patience with a database that is away, or locked by another writer, for a moment."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, Error, connections

from terrafusion.database_faults import PASSING, Fault, fault_of

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")

# A load of a whole county holds SQLite's only write lock while it switches; work that is done waits for it.
BUSY_SECONDS = 600


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
    connection, begun, pause = connections[using], time.monotonic(), 0.1
    while True:
        try:
            return step()
        except Error as error:
            fault = fault_of(error)
            if fault not in PASSING or connection.in_atomic_block:
                raise
            patience = busy_seconds if fault is Fault.BUSY else seconds
            if time.monotonic() + pause > begun + patience:
                raise
            logger.warning("%s Trying again in %.1f s.", fault.value, pause)
            connection.close()
            time.sleep(pause)
            pause = min(2.0, 2 * pause)
