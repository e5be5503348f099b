"""A full disk, however the library that met it says so."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import TerraFusionError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# polars, Arrow, DuckDB and GDAL give the operating system's sentence, SQLite and PostgreSQL their own.
_SENTENCES = ("no space left on device", "disk is full", "disk quota exceeded", "file too large", "os error 28")


def is_disk_full(error: BaseException) -> bool:
    """Whether the error, or what it came from, is that there is no more room."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _FULL:
            return True
        # A sentence of ours may quote what a county wrote, so only the error behind it tells.
        if not isinstance(seen, TerraFusionError) and any(words in str(seen).lower() for words in _SENTENCES):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def raise_if_disk_is_full(error: BaseException) -> None:
    """Raises OSError(ENOSPC), which ends a job as `storage`, for every library's word for it."""
    if is_disk_full(error):
        raise OSError(errno.ENOSPC, "No space left on device") from error


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Around calls that write files through a library: a full disk is OSError(ENOSPC), whoever wrote."""
    try:
        yield
    except Exception as error:
        raise_if_disk_is_full(error)
        raise
