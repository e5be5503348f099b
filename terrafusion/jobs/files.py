"""Accepting a job's files: fsynced, hashed, and moved into the results storage under the fence."""

import contextlib
import hashlib
import logging
import mimetypes
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Thread

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.utils import timezone

from terrafusion.errors import TerraFusionError

from .models import FailureReason, Job, JobArtifact
from .outcome import OutputFile

logger = logging.getLogger(__name__)

PURGED_AT_A_TIME = 1000


class NotStored(TerraFusionError):
    """The results storage, or the disk under the workspace, did not take a file."""

    failure_reason = FailureReason.STORAGE

    def __init__(self, error: OSError) -> None:
        super().__init__(f"The result could not be stored: {error.strerror or 'the storage failed'}.")


class FinishedFile(File):
    """A file on disk that a local storage may rename into place instead of copying."""

    def temporary_file_path(self) -> str:
        return str(self.name)


@dataclass(frozen=True)
class SealedFile:
    """A file that will not change any more, with its size and digest."""

    file: OutputFile
    size_bytes: int
    sha256: str


def results_storage() -> Storage:
    return storages["results"]


def seal(file: OutputFile) -> SealedFile:
    """Flushes the file to disk and takes its digest. Raises NotStored when the disk refuses."""
    with file.path.open("rb") as stream:
        try:
            os.fsync(stream.fileno())
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise NotStored(error) from error
    return SealedFile(file, file.path.stat().st_size, digest)


def send_ahead(job: Job, files: Sequence[SealedFile]) -> None:
    """Copies the files to a storage that is a network away; call it before the transaction that ends the job.

    A rename takes no time; an upload may take minutes, which no locked row should wait for. Until the transaction
    names them nobody can reach the files, and a refused attempt's are discarded.
    """
    if not isinstance(results_storage(), FileSystemStorage):
        for file_name in files:
            _put(job, file_name)


def publish(job: Job, sealed: SealedFile) -> JobArtifact:
    """Moves the file to its place and returns its row (not saved).

    The place holds the attempt's number, so no late attempt can touch it; publishing again is harmless.
    """
    place = _put(job, sealed)
    return JobArtifact(
        job_id=job.pk,
        name=sealed.file.name,
        friendly_name=sealed.file.friendly_name,
        path=place,
        content_type=sealed.file.content_type or guess_type(sealed.file.name),
        size_bytes=sealed.size_bytes,
        sha256=sealed.sha256,
        expires_at=timezone.now() + timedelta(days=settings.RESULTS_KEPT_DAYS),
    )


def _put(job: Job, sealed: SealedFile) -> str:
    storage, place = results_storage(), f"{_attempt_folder(job)}/{sealed.file.name}"
    try:
        if not storage.exists(place):
            with sealed.file.path.open("rb") as stream:
                storage.save(place, FinishedFile(stream, name=str(sealed.file.path)))
    except OSError as error:
        raise NotStored(error) from error
    return place


def guess_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def discard_workspace(job: Job) -> None:
    """Removes what this attempt wrote and nobody accepted, and the job's folder with its last attempt."""
    of_job = Path(settings.WORKSPACE_DIR) / str(job.pk)
    shutil.rmtree(of_job / str(job.attempt), ignore_errors=True)
    with contextlib.suppress(OSError):  # not there, or another attempt works in it
        of_job.rmdir()


def discard_attempt(job: Job) -> None:
    """Removes every file of an attempt that was refused. Call it only after the fence let the refusal pass.

    Those in a storage that is a network away go in a thread: the supervisor, which ends jobs between two heartbeats,
    cannot wait for one that is slow. A storage that does not answer leaves them behind, out of everyone's reach; the
    refusal stands.
    """
    discard_workspace(job)
    if isinstance(results_storage(), FileSystemStorage):
        _discard_stored(job)
    else:
        Thread(target=_discard_stored, args=(job,), name=f"discard {job.pk}").start()


def _discard_stored(job: Job) -> None:
    storage, folder = results_storage(), _attempt_folder(job)
    try:
        for name in storage.listdir(folder)[1]:
            storage.delete(f"{folder}/{name}")
        storage.delete(folder)
    except FileNotFoundError:
        return  # a folder that was never made; a bucket has none and lists nothing
    except OSError:
        logger.warning("Files of job %s, attempt %s, could not be removed.", job.pk, job.attempt)


def purge_expired() -> int:
    """Deletes the files past their time; their rows stay and answer 410. Returns how many."""
    expired = JobArtifact.objects.filter(purged_at__isnull=True, expires_at__lt=timezone.now())
    purged = 0
    for artifact in list(expired.order_by("expires_at")[:PURGED_AT_A_TIME]):  # read to the end before the first write
        try:
            results_storage().delete(artifact.path)
        except OSError:
            logger.warning("Expired file %s could not be removed; trying again later.", artifact.path)
            continue
        purged += JobArtifact.objects.filter(pk=artifact.pk).update(purged_at=timezone.now())
    return purged


def _attempt_folder(job: Job) -> str:
    return f"{job.kind}/{job.pk}/{job.attempt}"
