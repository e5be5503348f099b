"""Results and uploads in an S3 bucket, by django-storages.

Files are read by ranges, so a download starts at once, and a map tile is read without the rest of its file. Every
failure is an OSError with a sentence, like that of a disk, so that other code need not know where a file is stored.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from django.core.files import File
from storages.backends.s3 import S3Storage

BUFFER_BYTES = 256 * 1024


class BucketStorage(S3Storage):
    """The storage. terrafusion/settings/storage.py makes its options, without keys: boto3 reads AWS_ACCESS_KEY_ID."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            client_config=Config(
                signature_version="s3v4",
                # Servers other than Amazon's rarely have a host name for every bucket.
                s3={"addressing_style": "path" if options.get("endpoint_url") else "auto"},
                # Older servers do not know the newer checksums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                connect_timeout=5,
                read_timeout=30,
                retries={"mode": "standard", "max_attempts": 3},
            ),
            **options,
        )

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        if mode != "rb":
            raise ValueError("A file in the bucket is read as bytes; write it with save().")
        with _bucket_faults():
            size = self.size(name)
        return File(io.BufferedReader(_Object(self, name, size), BUFFER_BYTES), name)

    def read_from(self, name: str, position: int) -> Any:
        """A stream of the file's bytes from this position on."""
        with _bucket_faults():
            key = self._normalize_name(name)
            return self.bucket.Object(key).get(Range=f"bytes={position}-")["Body"]

    def _save(self, name: str, content: Any) -> str:
        with _bucket_faults():
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        with _bucket_faults():
            super().delete(name)

    def exists(self, name: str) -> bool:
        with _bucket_faults():
            return bool(super().exists(name))

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        with _bucket_faults():
            folders, files = super().listdir(name)
            return folders, files


class _Object(io.RawIOBase):
    """A file in the bucket. Bytes that are read one after another take one request; a seek needs another."""

    def __init__(self, storage: BucketStorage, name: str, size: int) -> None:
        self._storage, self._name, self._size = storage, name, size
        self._position = 0
        self._stream: Any = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if position != self._position:
            self._drop_stream()
        self._position = max(0, position)
        return self._position

    def readinto(self, buffer: Any) -> int:
        if self._position >= self._size:
            return 0
        with _bucket_faults():
            if self._stream is None:
                self._stream = self._storage.read_from(self._name, self._position)
            view = memoryview(buffer)
            chunk = self._stream.read(len(view))
        view[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)

    def close(self) -> None:
        self._drop_stream()
        super().close()

    def _drop_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


@contextmanager
def _bucket_faults() -> Iterator[None]:
    """Turns errors of the S3 client into FileNotFoundError or OSError, whose sentences hold no key."""
    try:
        yield
    except (NoConnection, HTTPClientError) as error:
        raise OSError(errno.EIO, "the bucket cannot be reached; check AWS_ENDPOINT_URL and the network") from error
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = error.response.get("Error", {}).get("Code", status)
        if code == "NoSuchBucket":
            raise OSError(errno.EIO, "there is no bucket of the name in TERRAFUSION_FILES") from error
        if status == 404:
            raise FileNotFoundError(errno.ENOENT, "the file is not in the bucket") from error
        if status in (400, 401, 403):
            raise OSError(errno.EIO, f"the bucket refuses the access key ({code})") from error
        raise OSError(errno.EIO, f"the bucket failed ({code})") from error
    except (BotoCoreError, Boto3Error) as error:
        raise OSError(errno.EIO, _cause(error)) from error


def _cause(error: Exception) -> str:
    """A sentence for the error. That of an upload has the server's refusal only in its text."""
    text = str(error)
    if "NoSuchBucket" in text:
        return "there is no bucket of the name in TERRAFUSION_FILES"
    if "InvalidAccessKeyId" in text or "AccessDenied" in text or "SignatureDoesNotMatch" in text:
        return "the bucket refuses the access key"
    return f"the bucket failed ({type(error).__name__})"
