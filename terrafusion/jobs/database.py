"""Patience with a database that is away for a moment."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")

LOST_CONNECTION = (OperationalError, InterfaceError)


def patiently(step: Callable[[], Answer], *, seconds: float = 60) -> Answer:
    """Calls `step`, again with a fresh connection when the connection is lost.

    `step` must be safe to repeat: a commit whose answer was lost may have happened.
    Waits 0.1 s, doubling to 2 s; raises the database's error after `seconds`.
    """
    deadline = time.monotonic() + seconds
    pause = 0.1
    while True:
        try:
            return step()
        except LOST_CONNECTION:
            if connection.in_atomic_block or time.monotonic() + pause > deadline:
                raise
            logger.warning("Lost the database; trying again in %.1f s.", pause)
            connection.close()
            time.sleep(pause)
            pause = min(2.0, 2 * pause)
