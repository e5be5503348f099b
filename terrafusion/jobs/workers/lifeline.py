"""The pipe between supervisor and workers: when its only writer is gone, workers start nothing more."""

import os
import select
import signal
import threading
import time

from django.conf import settings

# Longer than the supervisor's own drain (supervisor.DRAIN_SECONDS), or it would cut that short.
ORPHAN_SECONDS = 27


def is_cut() -> bool:
    """True once the supervisor stopped or died. False where none is set up (a single `run_next_job`)."""
    descriptor = settings.WORKER_LIFELINE_FD
    if descriptor < 0:
        return False
    readable, _, _ = select.select([descriptor], [], [], 0)
    return bool(readable)  # only end-of-file is ever there to read


def watch(**_: object) -> None:
    """Prepares a new worker process: a thread ends it when it is orphaned; SIGTERM does not.

    A service manager may send SIGTERM to every process at once. Ending a worker is the supervisor's business, which
    lets its job finish first.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if settings.WORKER_LIFELINE_FD >= 0:
        threading.Thread(target=_end_orphaned_tree, name="lifeline", daemon=True).start()


def _end_orphaned_tree() -> None:
    os.read(settings.WORKER_LIFELINE_FD, 1)
    time.sleep(ORPHAN_SECONDS)
    os.killpg(0, signal.SIGKILL)
