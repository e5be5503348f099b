"""Handing out a result file: whole, or the one range a broken download still needs."""

import base64
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from django.http import FileResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from rest_framework.exceptions import NotFound

from terrafusion.web.problems import CONTENT_TYPE, Gone, Unavailable, problem

from ..files import results_storage
from ..models import JobArtifact

logger = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")


@contextmanager
def readable(artifact: JobArtifact) -> Iterator[None]:
    """While its file is read. Raises Gone (410) once it expired, NotFound when the storage lost it, Unavailable (503)
    while the storage does not answer."""
    if artifact.purged_at is not None or artifact.expires_at <= timezone.now():
        raise Gone(f"{artifact.name} expired on {artifact.expires_at:%Y-%m-%d}; retry the job for a new one.")
    try:
        if not results_storage().exists(artifact.path):
            raise NotFound
        yield
    except OSError as error:
        logger.exception("File %s cannot be read.", artifact.path)
        raise Unavailable("The store of result files does not answer at the moment; try again shortly.") from error


def download(artifact: JobArtifact, range_header: str | None) -> HttpResponseBase:
    """Answers 200 with the file, 206 with the requested range, or 416 for a range outside the file; see `readable`."""
    with readable(artifact):
        response = _answer(artifact, range_header)
    digest = base64.b64encode(bytes.fromhex(artifact.sha256)).decode()
    response.headers["Repr-Digest"] = f"sha-256=:{digest}:"
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=artifact.friendly_name) or "attachment"
    )
    return response


def _answer(artifact: JobArtifact, range_header: str | None) -> HttpResponseBase:
    size, kind = artifact.size_bytes, artifact.content_type
    wanted = _RANGE.match(range_header or "")
    if wanted is None or wanted.groups() == ("", ""):
        return FileResponse(results_storage().open(artifact.path), content_type=kind)
    first, last = wanted.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        outside = problem(416, f"The file has {size:,} bytes; the range lies outside.")
        headers = {"Content-Range": f"bytes */{size}"}
        return JsonResponse(outside, status=416, content_type=CONTENT_TYPE, headers=headers)
    stream = results_storage().open(artifact.path)
    stream.seek(start)
    response = StreamingHttpResponse(_read(stream, end - start + 1), status=206, content_type=kind)
    response.headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    response.headers["Content-Length"] = str(end - start + 1)
    return response


def _read(stream: IO[bytes], remaining: int) -> Iterator[bytes]:
    with stream:
        while remaining and (chunk := stream.read(min(CHUNK_BYTES, remaining))):
            remaining -= len(chunk)
            yield chunk
