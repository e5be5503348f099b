"""The system on one machine (`make demo`, `make run`): it runs once in a folder, and its processes end with it."""

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
    """The folder is already in use; the sentence says by which command, and what to do."""


@contextmanager
def sole_use(folder: Path, command: str, *, inherited: int = -1) -> Iterator[int]:
    """Locks the folder while the block runs, and gives the descriptor that holds the lock.

    The kernel releases the lock when the last process with the descriptor ends, however it ends. A child process has
    the descriptor only if it is passed on (`pass_fds`); the child gives its number as `inherited`.

    command: the name under which a second command is told who uses the folder.
    Raises FolderInUse at once if the folder is locked.
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
    """Starts a program that gets SIGTERM when this process ends, even if it is killed. options: those of Popen."""
    return subprocess.Popen(command, preexec_fn=_end_with_parent, **options)  # noqa: S603 - our own programs


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
