"""How a job ends whose work raised an error: the reason it is counted under, and the sentence for the user."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable

from terrafusion.database_faults import PASSING, STORAGE, fault_of
from terrafusion.errors import JobStopped, TerraFusionError
from terrafusion.full_disk import is_disk_full

from .finish import finish_cancelled, finish_failed, give_back
from .models import FailureReason, Job

logger = logging.getLogger(__name__)

# A step that ends the job; safe to repeat. It holds no error, whose frames would keep reads of the work open.
Ending = Callable[[], object]

DISK_FULL = f"The result could not be stored: {os.strerror(errno.ENOSPC)}."
UNEXPECTED = "The job failed unexpectedly; the server's log has the details."

# What a disk, a share or a bucket answers when it does not work. Other OSErrors are faults of ours.
_STORAGE_ERRNOS = frozenset(
    {errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.ESTALE, errno.ENXIO, errno.ENODEV}
)


def ending_after(job: Job, error: Exception) -> Ending:
    """The ending for an error of the work, or of storing its outcome. Logs what is not meant for the user."""
    if isinstance(error, JobStopped):
        return lambda: finish_cancelled(job)
    if isinstance(error, TerraFusionError):
        sentence, reason, on_failure = str(error), error.failure_reason, error.on_failure
        return lambda: finish_failed(job, reason, sentence, on_failure)
    if is_disk_full(error):
        logger.error("Job %s: a disk is full. %s", job.pk, error)
        return lambda: finish_failed(job, FailureReason.STORAGE, DISK_FULL)
    if (fault := fault_of(error)) in PASSING:
        logger.warning("Job %s: %s", job.pk, error)
        return lambda: give_back(job, fault.value, charge=True)
    if fault in STORAGE:
        logger.error("Job %s: %s", job.pk, error)
        return lambda: finish_failed(job, FailureReason.STORAGE, fault.value)
    if isinstance(error, MemoryError):
        return lambda: finish_failed(job, FailureReason.MEMORY, "The job ran out of memory.")
    if isinstance(error, OSError) and error.errno in _STORAGE_ERRNOS:
        logger.exception("Job %s: the storage failed.", job.pk)
        words = f"A file could not be read or written: {error.strerror}."
        return lambda: finish_failed(job, FailureReason.STORAGE, words)
    logger.exception("Job %s failed.", job.pk)
    return lambda: finish_failed(job, FailureReason.PROCESSING_EXCEPTION, UNEXPECTED)
