"""What a probed job does."""

import ctypes
import dataclasses
import os
import signal
import time
from pathlib import Path

from terrafusion.errors import TerraFusionError
from terrafusion.jobs import registry
from terrafusion.jobs.models import JobLog
from terrafusion.jobs.outcome import Outcome, OutputFile


def wrap_registered_kinds():
    for name, kind in list(registry._kinds.items()):
        registry._kinds[name] = dataclasses.replace(kind, work=probed(kind.work))


def probed(work):
    def work_or_probe(job):
        probe = job.parameters.get("probe")
        return BEHAVIOURS[probe](job) if probe else work(job)

    return work_or_probe


def nothing(job):
    return Outcome({"probe": "done"})


def complete(job):
    path = job.workspace / "probe.txt"
    path.write_text(f"job {job.pk} attempt {job.attempt}")
    return Outcome({"probe": "done"}, files=[OutputFile(path, "probe.txt", "probe.txt", "text/plain")])


def sleep_briefly(job):
    time.sleep(0.3)
    return complete(job)


def sleep(job):
    """As long as the job says."""
    time.sleep(job.parameters["seconds"])
    return complete(job)


def wait_at_gate(job):
    """The first attempt says that it has begun and waits for the gate's file; a later one finds it open."""
    gate = Path(job.parameters["gate"])
    if job.attempt == 1:
        gate.with_suffix(".reached").touch()
        while not gate.exists():
            time.sleep(0.02)
    return complete(job)


def count(job):
    """Reports fifty steps over five seconds; the first attempt dies on the way."""
    for step in range(50):
        job.report(step, 50, f"Step {step} of 50.")
        if step == 30 and job.attempt == 1:
            die(job)
        time.sleep(0.1)
    return complete(job)


def hold_interpreter(job):
    """A C call that never lets another thread of the process run, several times."""
    for _ in range(job.parameters["times"]):
        ctypes.PyDLL(None).sleep(job.parameters["seconds"])
    return complete(job)


def store_slowly(job):
    """Rows and files that take most of a second to store."""
    files = []
    for name in ("first.txt", "second.txt"):
        path = job.workspace / name
        path.write_text(f"job {job.pk} attempt {job.attempt}")
        files.append(OutputFile(path, name, name, "text/plain"))
    return Outcome({"probe": "done"}, rows=_SlowRows(job), files=files)


class _SlowRows:
    NUMBER = 40

    def __init__(self, job):
        self.job = job

    def __iter__(self):
        for number in range(self.NUMBER):
            time.sleep(0.02)
            yield JobLog(job_id=self.job.pk, attempt=self.job.attempt, message=f"row {number}")


def sleep_long(job):
    """Heeds cancel, as good work does."""
    for second in range(600):
        job.report(second, 600, "Sleeping.")
        time.sleep(0.1)
    return complete(job)


def sleep_deaf(job):
    """Never looks up, as a C call does."""
    ctypes.CDLL(None).sleep(600)
    return complete(job)


def spin(job):
    while True:
        pass


def eat_memory(job):
    hoard = []
    while True:
        hoard.append(b"x" * 20_000_000)
        time.sleep(0.05)


def die(job):
    os.kill(os.getpid(), signal.SIGKILL)


def segfault(job):
    ctypes.string_at(0)


def die_once(job):
    return complete(job) if job.attempt > 1 else die(job)


def refuse(job):
    raise TerraFusionError("Neighborhood 1040 has 3 valid sales; at least 5 are needed.")


def crash(job):
    raise ZeroDivisionError("a secret detail")


def fill_disk(job):
    """The kernel's own refusal."""
    (job.workspace / "result.txt").symlink_to("/dev/full")
    return big_file(job)


def big_file(job):
    path = job.workspace / "result.txt"
    path.write_bytes(b"0" * 1_000_000)
    return Outcome({"probe": "done"}, files=[OutputFile(path, "result.txt", "result.txt", "text/plain")])


BEHAVIOURS = {name: each for name, each in globals().items() if getattr(each, "__module__", "") == __name__}
