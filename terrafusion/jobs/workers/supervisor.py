"""Keeps one worker tree alive and every job it runs accountable (`manage.py runworkers`).

Twice a second it reads its own RUNNING rows, then the processes, and acts where the two do not agree.
docs/decisions/0002-job-table-over-the-queue.md has the rules and their reasons.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from datetime import datetime
from types import FrameType
from uuid import UUID

from django.db import Error, InterfaceError, OperationalError, connection
from django.db.models.functions import Now
from django.utils import timezone

from terrafusion.database_faults import Fault, fault_of

from ..finish import finish_cancelled, finish_failed, give_back
from ..models import FailureReason, Job
from .database import patiently
from .queue import waiting
from .schedules import ScheduleThreads
from .sweep import DEAD_SECONDS
from .worker_tree import Members, WorkerTree, kill_worker, memory_mb

logger = logging.getLogger(__name__)

Attempt = tuple[UUID, int]

TICK_SECONDS = 0.5
HEARTBEAT_SECONDS = 5
CANCEL_SECONDS = 8  # a cancelled job that does not stop by itself is killed after this
STALL_SECONDS = 10
INCOMPLETE_SECONDS = 5
FIRST_START_SECONDS = 30
DRAIN_SECONDS = 22  # with time to spare for the rest of an exit within 30 s; below lifeline.ORPHAN_SECONDS
FAILED_STARTS = 10  # then it gives up, so that the service manager shows it


class WorkersDoNotStart(Exception):
    """The worker tree died at once, ten times in a row."""


class Stopwatch:
    """Measures how long the same fault has lasted."""

    def __init__(self) -> None:
        self.matter: object = None
        self.since = 0.0

    def seconds(self, matter: object) -> float:
        """Seconds since `matter` was first seen without a break; 0 when it is None."""
        if matter != self.matter:
            self.matter, self.since = matter, time.monotonic()
        return 0.0 if matter is None else time.monotonic() - self.since


class Supervisor:
    """clock: the time for schedules. Limits and silences use the monotonic clock and the clock of the database."""

    def __init__(self, workers: int, clock: Callable[[], datetime] = timezone.now) -> None:
        self.workers = workers
        self.clock = clock
        self.stopping = False
        self.failed_starts = 0
        self.schedules = ScheduleThreads()
        self.tree = self._new_tree()
        self.in_contact_since: float | None = None
        self.last_heartbeat = 0.0

    # --- Life ---

    def run(self) -> None:
        """Supervises until SIGTERM or SIGINT, then drains."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        logger.info("Supervising %d workers.", self.workers)
        while not self.stopping:
            self._tick_patiently()
            time.sleep(TICK_SECONDS)
        self.drain()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _tick_patiently(self) -> None:
        try:
            self.tick()
        except (OperationalError, InterfaceError) as error:
            self.in_contact_since = None
            logger.warning("%s Trying again.", (fault_of(error) or Fault.OTHER).value)
            connection.close()
        else:
            self.in_contact_since = self.in_contact_since or time.monotonic()

    def tick(self) -> None:
        rows = self._running_rows()  # rows first: a worker born after them has no row to be charged for
        members = self.tree.members()
        if why := self._must_restart(rows, members):
            self.restart(why)
            return
        self._rescue(rows, members)
        self._enforce(rows)
        self._beat()

    def drain(self) -> None:
        """Lets running jobs end for a while, gives the others back uncharged, and ends the tree."""
        logger.info("Draining: no new jobs; waiting up to %d s for running ones.", DRAIN_SECONDS)
        self.tree.refuse_new_jobs()
        self.tree.ask_to_end()
        deadline = time.monotonic() + DRAIN_SECONDS
        # The tree's parent may be gone before its workers: a SIGTERM to every process ends it at once.
        while time.monotonic() < deadline and self.tree.members().everyone:
            try:
                rows = self._running_rows()
                self._enforce(rows)
                self._beat()
                if not rows:
                    break
            except Error:
                connection.close()
            time.sleep(TICK_SECONDS / 2)
        self.tree.kill()
        # The time is bounded: the sweep of another supervisor gives back what cannot be given back now.
        self._give_back_all("The workers were stopped.", seconds=3)
        logger.info("Stopped.")

    # --- The tree ---

    def _new_tree(self) -> WorkerTree:
        self.pool_seen: frozenset[int] = frozenset()
        self.expected_dead: set[int] = set()
        self.incomplete, self.stalled = Stopwatch(), Stopwatch()
        # First seen running, and first seen with a cancel request, by (job, attempt): our own monotonic
        # clock, because hosts and database may disagree on the time of day.
        self.running_since: dict[Attempt, float] = {}
        self.cancel_since: dict[Attempt, float] = {}
        return WorkerTree(self.workers)

    def restart(self, why: str) -> None:
        """Kills the whole tree and starts another. Jobs that this interrupts are not charged for it."""
        logger.warning("Restarting the workers: %s", why)
        died_young = not self.pool_seen
        self.failed_starts = self.failed_starts + 1 if died_young else 0
        if self.failed_starts >= FAILED_STARTS:
            raise WorkersDoNotStart(f"{FAILED_STARTS} starts failed; the last: {why}")
        before = self.tree.members()
        self.tree.kill()
        self._give_back_all("The workers were restarted.", dead=before, seconds=60)
        if self.failed_starts:
            time.sleep(min(30, 2 ** (self.failed_starts - 1)))
        self.tree = self._new_tree()

    def _must_restart(self, rows: list[Job], members: Members) -> str:
        """Why the tree must be replaced; empty when it is sound."""
        if self.tree.process.poll() is not None or not members.parent:
            return "its parent process ended."
        if self.pool_seen and members.sentinel is None:
            return "its sentinel ended."
        vanished = self.pool_seen - members.pool - self.expected_dead - {row.pid for row in rows}
        if vanished:
            # It may have died holding the queue's lock, and then nothing would ever run again.
            return f"process {min(vanished)} ended with no job in hand."
        self.pool_seen = members.pool
        missing = members.sentinel is None or len(members.pool) < self.workers + 2
        patience = FIRST_START_SECONDS if self.tree.age < FIRST_START_SECONDS else INCOMPLETE_SECONDS
        if self.incomplete.seconds("missing" if missing else None) > patience:
            return "processes are missing."
        idle = not missing and len(rows) < self.workers  # workers that have not started yet are not stalled
        if self.stalled.seconds(waiting().next_job if idle else None) > STALL_SECONDS:
            return "jobs wait, workers are free, and nothing is claimed."
        return ""

    # --- The rows ---

    def _running_rows(self) -> list[Job]:
        return list(Job.objects.filter(status=Job.Status.RUNNING, worker=self.tree.boot_id))

    def _rescue(self, rows: list[Job], members: Members) -> None:
        """Gives back, charged, the jobs whose worker died. The sentinel replaces the worker."""
        for job in rows:
            if job.pid not in members.everyone:
                logger.warning("Job %s: worker %s died.", job.pk, job.pid)
                give_back(job, "Its worker died.", charge=True)

    def _enforce(self, rows: list[Job]) -> None:
        """Ends the jobs that exceeded a limit or ignored a cancel request: first the row, then the process."""
        now = time.monotonic()
        current = {(job.pk, job.attempt): job for job in rows}
        cancelled = [attempt for attempt, job in current.items() if job.cancel_at is not None]
        self.running_since = {attempt: self.running_since.get(attempt, now) for attempt in current}
        self.cancel_since = {attempt: self.cancel_since.get(attempt, now) for attempt in cancelled}
        for attempt, job in current.items():
            if self._end_if_due(job, attempt, now) and job.pid:
                self.expected_dead.add(job.pid)
                kill_worker(job.pid)

    def _end_if_due(self, job: Job, attempt: Attempt, now: float) -> bool:
        if now - self.cancel_since.get(attempt, now) > CANCEL_SECONDS:
            return finish_cancelled(job)
        if now - self.running_since[attempt] > job.time_limit:
            sentence = f"The job exceeded its time limit of {job.time_limit} s."
            return finish_failed(job, FailureReason.TIMEOUT, sentence)
        if job.pid and memory_mb(job.pid) > job.memory_limit:
            sentence = f"The job exceeded its memory limit of {job.memory_limit} MB."
            return finish_failed(job, FailureReason.MEMORY, sentence)
        return False

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self.last_heartbeat < HEARTBEAT_SECONDS:
            return
        self.last_heartbeat = now
        Job.objects.filter(status=Job.Status.RUNNING, worker=self.tree.boot_id).update(heartbeat_at=Now())
        # Just after an outage the heartbeats of healthy hosts are old, so nothing is swept then.
        if self.in_contact_since and now - self.in_contact_since > DEAD_SECONDS:
            self.schedules.start_due(self.clock())

    def _give_back_all(self, why: str, *, seconds: float, dead: Members | None = None) -> None:
        """Gives back every row of this tree; a job is charged only when its worker had died before that."""

        def step() -> None:
            for job in self._running_rows():
                charge = dead is not None and job.pid not in dead.everyone
                give_back(job, "Its worker died." if charge else why, charge=charge)

        try:
            patiently(step, seconds=seconds, busy_seconds=seconds)
        except Error:
            logger.warning("Running jobs could not be given back; the sweep will rescue them.")
