"""The only place where a job ends or goes back to the queue.

Every change is fenced: it happens only while the row is RUNNING under the attempt that asks for it. A late
attempt therefore changes no row, and its work is thrown away.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Any, cast

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.dispatch import Signal

from .files import SealedFile, discard_attempt, publish
from .models import FailureReason, Job, JobArtifact, JobLog
from .outcome import Outcome
from .rights import PermissionWithdrawn, check_still_permitted
from .workers.database import database_now

logger = logging.getLogger(__name__)

# Sent with `job` and `message` inside the transaction in which a job ends FAILED or CANCELLED.
job_ended_without_result = Signal()

ROWS_AT_A_TIME = 1000
MAX_CHARGED = 3
MAX_ATTEMPTS = 20  # ends a job that takes the whole worker tree down every time
BACKOFF_SECONDS = (10, 60)  # before the second and the third charged attempt


class Superseded(Exception):
    """This attempt is not the job's current one any more."""


def finish_completed(job: Job, outcome: Outcome, files: Sequence[SealedFile]) -> None:
    """Stores the outcome and ends the job, in one transaction. Discards all if the attempt is superseded.

    Safe to repeat after a lost connection. Raises NotStored when a file cannot be stored; no row is then.
    """
    try:
        check_still_permitted(job)
    except PermissionWithdrawn as error:
        finish_failed(job, error.failure_reason, str(error))
        return
    try:
        with transaction.atomic():
            _end(job, Job.Status.COMPLETED, f"{job.product} completed successfully.", progress=100)
            if outcome.store is not None:
                outcome.store()
            _store_rows(outcome)
            job.store_result(outcome.result)
            _store_own_fields(job)
            JobArtifact.objects.bulk_create([publish(job, file) for file in files])
    except Superseded:
        if _cancel_requested(job):
            finish_cancelled(job)
        elif not _is_completed_by_this_attempt(job):
            _log(job, "This attempt came back after the job had gone on without it; its work was discarded.", "warning")
            discard_attempt(job)


def finish_failed(job: Job, reason: str, message: str, on_failure: Callable[[], None] | None = None) -> bool:
    """Ends the job FAILED. False when the attempt was superseded.

    on_failure: what else is written in the same transaction.
    """
    return _end_quietly(job, Job.Status.FAILED, message, on_failure, failure_reason=reason)


def finish_cancelled(job: Job) -> bool:
    """Ends a running job CANCELLED. False when the attempt was superseded."""
    return _end_quietly(job, Job.Status.CANCELLED, "Cancelled while running.")


def cancel(job: Job) -> bool:
    """Asks for the end of a job: at once if it waits, within seconds if it runs. False if it had ended."""
    waiting = Job.objects.filter(pk=job.pk, status=Job.Status.PENDING)
    with transaction.atomic():
        if waiting.update(
            status=Job.Status.CANCELLED,
            message="Cancelled before it started.",
            cancel_at=Now(),
            completed_at=Now(),
            updated_at=Now(),
        ):
            _log(job, "Cancelled before it started.")
            job_ended_without_result.send(Job, job=job, message="Cancelled before it started.")
            return True
        running = Job.objects.filter(pk=job.pk, status=Job.Status.RUNNING)
        if running.filter(cancel_at__isnull=True).update(cancel_at=Now(), updated_at=Now()):
            _log(job, "Cancel requested.")
            return True
        return running.exists() or Job.objects.filter(pk=job.pk, status=Job.Status.CANCELLED).exists()


def give_back(job: Job, why: str, *, charge: bool) -> bool:
    """Puts a running job back into the queue; FAILED instead at the third charged attempt.

    charge: whether the interruption counts against the job. A restart or shutdown does not.
    """
    if _cancel_requested(job):
        return finish_cancelled(job)
    charged = job.charged + charge
    if charged >= MAX_CHARGED or job.attempt >= MAX_ATTEMPTS:
        return finish_failed(job, FailureReason.WORKER_LOST, f"{why} {charged} of {MAX_CHARGED} attempts were used.")
    delay = timedelta(seconds=BACKOFF_SECONDS[charged - 1] if charge else 0)
    with transaction.atomic():
        given = _mine(job).update(
            status=Job.Status.PENDING,
            charged=F("charged") + int(charge),
            run_at=Now() + delay if delay else Now(),
            worker="",
            pid=None,
            heartbeat_at=None,
            updated_at=Now(),
            message=f"{why} It will be tried again.",
            processing_seconds=_seconds_until(job, database_now()),
        )
        if given:
            _log(
                job,
                f"{why} Back in the queue, {charged} of {MAX_CHARGED} attempts used.",
                "warning",
            )
    if given:
        discard_attempt(job)
    return bool(given)


def _mine(job: Job) -> Any:
    return Job.objects.filter(pk=job.pk, attempt=job.attempt, status=Job.Status.RUNNING)


def _cancel_requested(job: Job) -> bool:
    return _mine(job).filter(cancel_at__isnull=False).exists()


def _is_completed_by_this_attempt(job: Job) -> bool:
    """A commit whose answer was lost had happened: the outcome is stored, and nothing is left to do."""
    return Job.objects.filter(pk=job.pk, attempt=job.attempt, status=Job.Status.COMPLETED).exists()


def _end(job: Job, status: Job.Status, message: str, **fields: Any) -> None:
    """The fenced UPDATE. A job asked to cancel can only end CANCELLED or FAILED. Raises Superseded."""
    mine = _mine(job)
    if status is Job.Status.COMPLETED:
        mine = mine.filter(cancel_at__isnull=True)
    now = database_now()
    if not mine.update(
        status=status,
        message=message,
        completed_at=now,
        updated_at=now,
        processing_seconds=_seconds_until(job, now),
        **fields,
    ):
        raise Superseded
    _log(job, message, "info" if status is Job.Status.COMPLETED else "warning")


def _seconds_until(job: Job, now: datetime) -> float | None:
    """Seconds the current run has taken."""
    return max(0.0, (now - job.started_at).total_seconds()) if job.started_at else None


def _end_quietly(
    job: Job, status: Job.Status, message: str, also: Callable[[], None] | None = None, **fields: Any
) -> bool:
    try:
        with transaction.atomic():
            _end(job, status, message, **fields)
            job_ended_without_result.send(Job, job=job, message=message)
            if also is not None:
                also()
    except Superseded:
        return False
    discard_attempt(job)
    return True


def _store_rows(outcome: Outcome) -> None:
    rows = iter(outcome.rows)
    while batch := list(islice(rows, ROWS_AT_A_TIME)):
        for model, of_model in groupby(batch, key=lambda row: cast(Any, type(row))):
            model.objects.bulk_create(of_model)


def _store_own_fields(job: Job) -> None:
    own = [field.attname for field in type(job)._meta.local_fields if not field.primary_key]
    type(job).objects.filter(pk=job.pk).update(**{name: getattr(job, name) for name in own})


def _log(job: Job, message: str, level: str = "info") -> None:
    JobLog.objects.create(job_id=job.pk, attempt=job.attempt, level=level, message=message)
