"""What a running job tells of itself, its progress and its log lines, on a database connection of their own.

On SQLite a connection that holds an open read cannot write once another process has written: SQLITE_BUSY_SNAPSHOT, at
once, whatever the timeout. Work reads for minutes on Django's connection, so what it tells never goes through that one.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import Error, connections
from django.db.models import Model, QuerySet

from terrafusion.database_faults import PASSING, fault_of
from terrafusion.errors import JobStopped

from .workers.database import patiently

logger = logging.getLogger(__name__)


def record_progress(name: str, mine: QuerySet[Any], fields: dict[str, Any]) -> None:
    """Writes the fields to the row of a running job. Raises JobStopped when `mine` does not hold it any more.

    name: of the job, for the log. mine: the job while it is this attempt's and not asked to cancel, on the journal's
    database. A database that is away or busy for a moment costs the job nothing: the next call tells again.
    """
    try:
        is_mine = mine.update(**fields)
    except Error as error:
        if (fault := fault_of(error)) not in PASSING:
            raise
        logger.warning("The progress of %s was not written. %s", name, fault.value if fault else "")
        connections[mine.db].close()
        return
    if not is_mine:
        raise JobStopped


def record_line(line: Model, database: str) -> None:
    """Adds a line to a job's log."""
    patiently(lambda: line.save(using=database, force_insert=True), using=database)
