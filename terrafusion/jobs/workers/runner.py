"""Runs one job: the function behind every wake-up token."""

from __future__ import annotations

import logging
import os
import signal

from django.conf import settings
from django.db import Error, connection

from terrafusion.database_faults import Fault, fault_of

from ..endings import Ending, ending_after
from ..files import discard_workspace, seal, send_ahead
from ..finish import finish_completed, give_back
from ..models import Job
from ..outcome import Outcome
from ..registry import any_kind_named
from ..rights import check_still_permitted
from . import lifeline
from .database import patiently
from .queue import claim_next

logger = logging.getLogger(__name__)


def run_next_job() -> None:
    """Claims one due job and brings it to its end. Never raises: the row says how it went."""
    if lifeline.is_cut():
        return
    try:
        patiently(_return_leftovers)
        job = patiently(claim_next)
    except Error as error:
        logger.exception("No job was claimed. %s", (fault_of(error) or Fault.OTHER).value)
        return
    if job is None:
        return  # A surplus token: another worker was faster.
    try:
        ending, went_well = _work(job)
        if not went_well:
            _close_reads()
        _end(job, ending)
    except Error:
        # Alive with a row it cannot end, this process would keep the job from being rescued.
        logger.exception("Job %s: its end could not be written; ending this worker.", job.pk)
        os.kill(os.getpid(), signal.SIGKILL)
    finally:
        discard_workspace(job)


def perform(job: Job) -> Outcome:
    """Runs the work of the job's kind. Raises SimulatedFailure where a drill was asked for, PermissionWithdrawn."""
    kind = any_kind_named(job.kind)
    check_still_permitted(job)
    if kind.drill is not None:
        kind.drill.run(job)
    return kind.work(job)


def _work(job: Job) -> tuple[Ending, bool]:
    """Does the work. Gives how the job is to end, and whether the work went well.

    The work's frames, and with them its open reads, are gone then.
    """
    try:
        outcome = perform(job)
        files = [seal(file) for file in outcome.files]
        send_ahead(job, files)
    except Exception as error:
        return ending_after(job, error), False
    return (lambda: finish_completed(job, outcome, files)), True


def _end(job: Job, ending: Ending) -> None:
    """Should a read outlive the work, SQLite refuses the end; `patiently` then writes it on a fresh connection."""
    try:
        patiently(ending)
        return
    except Exception as error:  # the outcome could not be stored
        ending = ending_after(job, error)
    _close_reads()
    patiently(ending)


def _close_reads() -> None:
    """On SQLite a read left open would refuse every write (journal.py says why), so the end gets a fresh connection."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        connection.close()


def _return_leftovers() -> None:
    """Gives back what this very process still holds: a claim whose answer was lost on the way."""
    if not settings.WORKER_BOOT_ID:
        return
    leftovers = Job.objects.filter(status=Job.Status.RUNNING, worker=settings.WORKER_BOOT_ID, pid=os.getpid())
    for job in leftovers:
        give_back(job, "The worker lost its claim.", charge=False)
