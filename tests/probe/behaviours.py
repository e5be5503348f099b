"""What a probed job does."""

import ctypes
import dataclasses
import os
import signal
import time

from terrafusion.errors import TerraFusionError
from terrafusion.jobs import registry
from terrafusion.jobs.outcome import Outcome, OutputFile


def wrap_registered_kinds():
    for name, kind in list(registry._kinds.items()):
        registry._kinds[name] = dataclasses.replace(kind, work=probed(kind.work))


def probed(work):
    def work_or_probe(job):
        probe = job.parameters.get("probe")
        return BEHAVIOURS[probe](job) if probe else work(job)

    return work_or_probe


def complete(job):
    path = job.workspace / "probe.txt"
    path.write_text(f"job {job.pk} attempt {job.attempt}")
    return Outcome({"probe": "done"}, files=[OutputFile(path, "probe.txt", "probe.txt", "text/plain")])


def sleep_briefly(job):
    time.sleep(0.3)
    return complete(job)


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


def die_once(job):
    return complete(job) if job.attempt > 1 else die(job)


def refuse(job):
    raise TerraFusionError("Neighborhood 1040 has 3 valid sales; at least 5 are needed.")


def crash(job):
    raise ZeroDivisionError("a secret detail")


def fill_disk(job):
    raise OSError(28, "No space left on device")


BEHAVIOURS = {
    each.__name__: each
    for each in (
        complete, sleep_briefly, sleep_long, sleep_deaf, spin, eat_memory, die, die_once, refuse, crash, fill_disk,
    )
}  # fmt: skip
