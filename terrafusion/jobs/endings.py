"""How a job ends whose work raised an error: the reason it is counted under, and the sentence for the user."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from terrafusion.database_faults import PASSING, STORAGE, fault_of
from terrafusion.errors import JobStopped, TerraFusionError
from terrafusion.full_disk import is_disk_full

from .finish import finish_cancelled, finish_failed, give_back
from .models import FailureReason, Job

logger = logging.getLogger(__name__)

# A step that ends the job; safe to repeat. It holds no error, whose frames would keep reads of the work open.
Ending = Callable[[], object]

DISK_FULL = f"The result could not be stored: {os.strerror(errno.ENOSPC)}."
_OF_OURS = (FailureReason.PROCESSING_EXCEPTION, "The job failed unexpectedly; the server's log has the details.")

# What a disk or a share answers when it does not work, whether it was read or written.
_DEVICE_FAILS = frozenset({errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV})
# A path that cannot be opened. Where a result is written it is the storage's fault; else it is a file the job reads.
_NOT_WRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NOT_READABLE = frozenset({errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR})


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
    logger.exception("Job %s failed.", job.pk)
    reason, sentence = _of_the_system(error) if isinstance(error, OSError) else _OF_OURS
    return lambda: finish_failed(job, reason, sentence)


def _of_the_system(error: OSError) -> tuple[FailureReason, str]:
    """What the operating system's refusal means for the job."""
    if error.errno in _DEVICE_FAILS:
        return FailureReason.STORAGE, f"A file could not be read or written: {error.strerror}."
    if _is_of_the_result(error):
        if error.errno in _NOT_WRITABLE:
            return FailureReason.STORAGE, f"The result could not be stored: {error.strerror}."
    elif error.filename is not None and error.errno in _NOT_READABLE:
        words = f"A file that the job reads could not be opened: {error.strerror}."
        return FailureReason.PROCESSING_EXCEPTION, words
    return _OF_OURS


def _is_of_the_result(error: OSError) -> bool:
    """Whether the path is where jobs write."""
    written = [Path(settings.WORKSPACE_DIR).resolve(), Path(settings.STAGING_DIR).resolve()]
    paths = [Path(os.fsdecode(path)).resolve() for path in (error.filename, error.filename2) if _is_path(path)]
    return any(path.is_relative_to(folder) for path in paths for folder in written)


def _is_path(path: object) -> bool:
    """A file that was opened by its number has none."""
    return isinstance(path, str | bytes | os.PathLike)
