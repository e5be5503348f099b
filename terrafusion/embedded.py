"""The system on one machine (`make demo`, `make run`): one start at a time in one folder, and nothing outlives it."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from terrafusion.errors import TerraFusionError

LOCK_FILE = "in-use.lock"
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


class FolderInUse(TerraFusionError):
    """Another start works in the folder; the sentence says which and what to do."""


@contextmanager
def sole_use(folder: Path, command: str, *, inherited: int = -1) -> Iterator[int]:
    """Keeps other starts out of the folder while the block runs. Gives the descriptor that holds the lock.

    The kernel lets go of the lock when the last process that has the descriptor ends, however it ends. A child has it
    only where it is passed on (`pass_fds`), and then gives its number as `inherited`.

    command: what is told to whoever comes second.
    Raises FolderInUse at once.
    """
    if inherited >= 0:
        yield inherited
        return
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / LOCK_FILE, "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "another start"
            raise FolderInUse(
                f"{folder} is in use by {holder}; stop that first, or set TERRAFUSION_VAR to another folder."
            ) from None
        lock.truncate(0)
        lock.write(f"{command} (process {os.getpid()})\n")
        lock.flush()
        yield lock.fileno()


def start(command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
    """Starts a program of ours that gets SIGTERM when this process is gone, killed or not. options: Popen's."""
    return subprocess.Popen(command, preexec_fn=_end_with_parent, **options)  # noqa: S603 - our own programs


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
