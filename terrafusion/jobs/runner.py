"""Runs one job: the function behind every wake-up token."""

from __future__ import annotations

import logging
import os
import signal

from django.conf import settings

from terrafusion.errors import JobStopped, TerraFusionError

from . import lifeline
from .database import LOST_CONNECTION, patiently
from .files import discard_workspace, seal, send_ahead
from .finish import finish_cancelled, finish_completed, finish_failed, give_back
from .models import FailureReason, Job
from .queue import claim_next

logger = logging.getLogger(__name__)


def run_next_job() -> None:
    """Claims one due job and brings it to its end. Never raises: the row says how it went."""
    if lifeline.is_cut():
        return
    try:
        patiently(_return_leftovers)
        job = patiently(claim_next)
    except LOST_CONNECTION:
        logger.exception("No job claimed: the database does not answer.")
        return
    if job is None:
        return  # A surplus token: another worker was faster.
    try:
        _run(job)
    except LOST_CONNECTION:
        # Alive with a row it cannot end, this process would keep the job from being rescued.
        logger.exception("Job %s: the database stayed away; ending this worker.", job.pk)
        os.kill(os.getpid(), signal.SIGKILL)


def _run(job: Job) -> None:
    try:
        outcome = job.perform()
        files = [seal(file) for file in outcome.files]
        send_ahead(job, files)
        patiently(lambda: finish_completed(job, outcome, files))
    except JobStopped:
        patiently(lambda: finish_cancelled(job))
    except TerraFusionError as error:
        sentence, reason = str(error), error.failure_reason
        patiently(lambda: finish_failed(job, reason, sentence))
    except LOST_CONNECTION:
        patiently(lambda: give_back(job, "The database connection was lost.", charge=True))
    except MemoryError:
        patiently(lambda: finish_failed(job, FailureReason.MEMORY, "The job ran out of memory."))
    except OSError as error:
        sentence = f"The result could not be stored: {error.strerror or 'the storage failed'}."
        patiently(lambda: finish_failed(job, FailureReason.STORAGE, sentence))
    except Exception:
        logger.exception("Job %s failed", job.pk)
        patiently(
            lambda: finish_failed(
                job,
                FailureReason.PROCESSING_EXCEPTION,
                "The job failed unexpectedly; the server's log has the details.",
            )
        )
    finally:
        discard_workspace(job)


def _return_leftovers() -> None:
    """Gives back what this very process still holds: a claim whose answer was lost on the way."""
    if not settings.WORKER_BOOT_ID:
        return
    leftovers = Job.objects.filter(status=Job.Status.RUNNING, worker=settings.WORKER_BOOT_ID, pid=os.getpid())
    for job in leftovers:
        give_back(job, "The worker lost its claim.", charge=False)
