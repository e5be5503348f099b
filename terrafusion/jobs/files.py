"""Accepting a job's files: fsynced, hashed, and moved into the results storage under the fence."""

import hashlib
import logging
import mimetypes
import os
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.utils import timezone

from .models import Job, JobArtifact
from .outcome import OutputFile

logger = logging.getLogger(__name__)


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
    """Flushes the file to disk and takes its digest. Raises OSError when the disk refuses."""
    with file.path.open("rb") as stream:
        os.fsync(stream.fileno())
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return SealedFile(file, file.path.stat().st_size, digest)


def publish(job: Job, sealed: SealedFile) -> JobArtifact:
    """Moves the file to its place and returns its row (not saved).

    The place holds the attempt's number, so no late attempt can touch it; publishing again is harmless.
    """
    storage, place = results_storage(), f"{_attempt_folder(job)}/{sealed.file.name}"
    if not storage.exists(place):
        with sealed.file.path.open("rb") as stream:
            storage.save(place, FinishedFile(stream, name=str(sealed.file.path)))
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


def guess_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def discard_workspace(job: Job) -> None:
    """Removes what this attempt wrote and nobody accepted."""
    shutil.rmtree(Path(settings.WORKSPACE_DIR) / str(job.pk) / str(job.attempt), ignore_errors=True)


def discard_attempt(job: Job) -> None:
    """Removes every file of an attempt that was refused. Call it only after the fence let the refusal pass.

    A storage that does not answer leaves them behind, out of everyone's reach; the refusal stands.
    """
    discard_workspace(job)
    storage, folder = results_storage(), _attempt_folder(job)
    try:
        if storage.exists(folder):
            for name in storage.listdir(folder)[1]:
                storage.delete(f"{folder}/{name}")
            storage.delete(folder)
    except OSError:
        logger.warning("Files of job %s, attempt %s, could not be removed.", job.pk, job.attempt)


def purge_expired() -> int:
    """Deletes the files past their time; their rows stay and answer 410. Returns how many."""
    expired = JobArtifact.objects.filter(purged_at__isnull=True, expires_at__lt=timezone.now())
    purged = 0
    for artifact in expired.iterator():
        try:
            results_storage().delete(artifact.path)
        except OSError:
            logger.warning("Expired file %s could not be removed; trying again later.", artifact.path)
            continue
        purged += JobArtifact.objects.filter(pk=artifact.pk).update(purged_at=timezone.now())
    return purged


def _attempt_folder(job: Job) -> str:
    return f"{job.kind}/{job.pk}/{job.attempt}"
