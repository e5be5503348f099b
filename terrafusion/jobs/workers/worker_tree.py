"""One django-q2 cluster as a tree of processes, in a session of its own so that it can be ended whole."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass

import psutil
from django.conf import settings

# A job has one core; a numeric library that takes them all would slow its neighbours.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


@dataclass(frozen=True)
class Members:
    """The processes of the tree alive at one moment. Zombies count as dead."""

    parent: bool
    sentinel: int | None
    pool: frozenset[int]  # children of the sentinel: workers, pusher, monitor
    everyone: frozenset[int]


class WorkerTree:
    """Starts, watches and ends one `qcluster`."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.boot_id = uuid.uuid4().hex
        self.started = time.monotonic()
        read_end, self._write_end = os.pipe()
        # The child gets our whole environment; this does not read settings from it.
        environment = os.environ | _ONE_THREAD
        environment |= {
            "TERRAFUSION_WORKER_BOOT": self.boot_id,
            "TERRAFUSION_WORKER_LIFELINE": str(read_end),
            "TERRAFUSION_WORKERS": str(workers),
            "PYTHONPATH": os.pathsep.join([str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")]),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "django", "qcluster"],
            env=environment,
            cwd=settings.BASE_DIR,
            pass_fds=[read_end],
            start_new_session=True,
        )
        os.close(read_end)

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.started

    def members(self) -> Members:
        """Looks at every process of our session, so that orphans of a dead sentinel are seen too."""
        parents = {}
        for pid in psutil.pids():
            try:
                if os.getsid(pid) == self.process.pid:
                    process = psutil.Process(pid)
                    if process.status() != psutil.STATUS_ZOMBIE:
                        parents[pid] = process.ppid()
            except (ProcessLookupError, psutil.NoSuchProcess):
                continue
        root = self.process.pid
        sentinel = next((pid for pid, parent in parents.items() if parent == root), None)
        pool = frozenset(pid for pid, parent in parents.items() if parent == sentinel and sentinel)
        return Members(root in parents, sentinel, pool, frozenset(parents))

    def refuse_new_jobs(self) -> None:
        """Cuts the lifeline: workers finish what they run and claim nothing more."""
        if self._write_end >= 0:
            os.close(self._write_end)
            self._write_end = -1

    def ask_to_end(self) -> None:
        """SIGTERM to the parent alone: to the whole group it would hang for ever."""
        if self.process.poll() is None:
            self.process.terminate()

    def kill(self) -> None:
        """Ends every process of the tree, orphans included, and waits until they are gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.refuse_new_jobs()
        deadline = time.monotonic() + 5
        while self.members().everyone and time.monotonic() < deadline:
            time.sleep(0.02)


def kill_worker(pid: int) -> None:
    """Ends one worker and whatever it started."""
    try:
        worker = psutil.Process(pid)
        for process in [*worker.children(recursive=True), worker]:
            process.kill()
    except psutil.NoSuchProcess:
        pass


def memory_mb(pid: int) -> float:
    """Resident memory of a worker and what it started, in MB; 0 when it is gone."""
    try:
        worker = psutil.Process(pid)
        processes = [worker, *worker.children(recursive=True)]
        return sum(process.memory_info().rss for process in processes) / 2**20
    except psutil.NoSuchProcess:
        return 0.0
