"""The job table as a queue: which row is next, and the one statement that claims it.

Counties take turns: the one with the fewest running jobs, then the one that waited longest since its
last start, and never more than its `max_running_jobs`. Times are the database's, so that workers on hosts
with different clocks agree.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from ..models import Job
from ..registry import every_kind

# Serialises claims on PostgreSQL, so that two claimers cannot both see a county one below its limit.
# SQLite serialises writers anyway.
_CLAIM_LOCK = 7_403_301

# Statements below are put together from these constants only; every value is a parameter (S608).
_NOW = {
    "postgresql": "statement_timestamp()",
    # SQLite's clock stops at milliseconds, our rows at microseconds: the end of this millisecond, so that a row just
    # written is due.
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f999', 'now')",
}

_TURNS = """
    WITH turn AS (
        SELECT c.county_id,
               c.max_running_jobs - (
                   SELECT count(*) FROM jobs r WHERE r.county_id = c.county_id AND r.status = 'RUNNING'
               ) AS free,
               c.max_running_jobs,
               (SELECT max(s.started_at) FROM jobs s WHERE s.county_id = c.county_id) AS last_start,
               (SELECT n.job_id FROM jobs n
                 WHERE n.county_id = c.county_id AND n.status = 'PENDING' AND n.run_at <= {now}
                 ORDER BY n.priority, n.created_at, n.job_id LIMIT 1) AS next_job
          FROM counties c
    ), ready AS (
        SELECT * FROM turn WHERE next_job IS NOT NULL AND free > 0
    )
"""
_IN_TURN = "ORDER BY max_running_jobs - free, last_start NULLS FIRST, county_id"


@dataclass(frozen=True)
class Waiting:
    """What could start now, were a worker free."""

    slots: int  # sum of the free slots of counties with a due job
    next_job: str | None


def _sql(statement: str) -> str:
    return statement.format(now=_NOW[connection.vendor])


def waiting() -> Waiting:
    """One query: may anything be claimed, and which row would be next?"""
    with connection.cursor() as cursor:
        cursor.execute(_sql(_TURNS + f"SELECT free, next_job FROM ready {_IN_TURN}"), [])  # noqa: S608
        rows = cursor.fetchall()
    return Waiting(sum(free for free, _ in rows), str(rows[0][1]) if rows else None)


def claim_next() -> Job | None:
    """Claims the next due job for this process: RUNNING, `attempt` one higher. None when nothing is due."""
    statement = _sql(
        _TURNS  # noqa: S608
        + f"""UPDATE jobs
                 SET status = 'RUNNING', attempt = attempt + 1, worker = %s, pid = %s,
                     started_at = {{now}}, heartbeat_at = {{now}}, updated_at = {{now}}, message = %s
               WHERE job_id = (SELECT next_job FROM ready {_IN_TURN} LIMIT 1) AND status = 'PENDING'
           RETURNING job_id, kind"""  # noqa: S608
    )
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CLAIM_LOCK])
        cursor.execute(statement, [settings.WORKER_BOOT_ID, os.getpid(), "Running."])
        claimed = cursor.fetchone()
        if claimed is None:
            return None
        job_id, kind = claimed
        # A kind nobody registered here stays a plain Job, whose work fails it in a sentence.
        model = next((known.model for known in every_kind() if known.name == kind), Job)
        return model.objects.select_related("county", "submitted_by").get(pk=job_id)
