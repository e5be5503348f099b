"""What a running job tells of itself, its progress and its log lines, on a database connection of their own.

On SQLite a connection that holds an open read cannot write once another process has written: SQLITE_BUSY_SNAPSHOT, at
once, whatever the timeout. Work reads for minutes on Django's connection, so what it tells never goes through that one.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import Error, connections

from terrafusion.database_faults import PASSING, fault_of
from terrafusion.errors import JobStopped

from .database import patiently

if TYPE_CHECKING:
    from .models import Job

logger = logging.getLogger(__name__)


def record_progress(job: Job, fields: dict[str, Any]) -> None:
    """Writes the fields while the job is this attempt's and not asked to cancel. Raises JobStopped otherwise.

    A database that is away or busy for a moment costs the job nothing: the next call tells again.
    """
    from .models import Job

    database = settings.JOURNAL_DATABASE
    mine = Job.objects.using(database).filter(
        pk=job.pk, attempt=job.attempt, status=Job.Status.RUNNING, cancel_at__isnull=True
    )
    try:
        is_mine = mine.update(**fields)
    except Error as error:
        if (fault := fault_of(error)) not in PASSING:
            raise
        logger.warning("Job %s: its progress was not written. %s", job.pk, fault.value if fault else "")
        connections[database].close()
        return
    if not is_mine:
        raise JobStopped


def record_line(job: Job, level: str, message: str) -> None:
    """Adds a line to the job's log."""
    from .models import JobLog

    lines = JobLog.objects.using(settings.JOURNAL_DATABASE)
    patiently(
        lambda: lines.create(job_id=job.pk, attempt=job.attempt, level=level, message=message),
        using=settings.JOURNAL_DATABASE,
    )
