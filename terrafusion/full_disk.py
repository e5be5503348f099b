"""Recognising a full disk in the errors of many libraries."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import TerraFusionError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# polars, Arrow, DuckDB and GDAL repeat the sentence of the operating system; SQLite and PostgreSQL have their own.
_SENTENCES = ("no space left on device", "disk is full", "disk quota exceeded", "file too large", "os error 28")


def is_disk_full(error: BaseException) -> bool:
    """Whether the error, or an error that caused it, means a full disk."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return True
        # Our own sentences may quote a county's texts, so only the errors that caused them count.
        if not isinstance(cause, TerraFusionError) and any(words in str(cause).lower() for words in _SENTENCES):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def raise_if_disk_is_full(error: BaseException) -> None:
    """Raises OSError(ENOSPC), with which a job fails as `storage`, if the error means a full disk."""
    if is_disk_full(error):
        raise OSError(errno.ENOSPC, "No space left on device") from error


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Around calls by which a library writes files: a full disk becomes OSError(ENOSPC), whatever the library."""
    try:
        yield
    except Exception as error:
        raise_if_disk_is_full(error)
        raise
