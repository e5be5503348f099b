"""Demand 7: SIGTERM with 4 jobs running and 20 queued."""

import os
import signal
import time

import psutil
import pytest

from terrafusion.jobs.models import Job
from terrafusion.jobs.workers.supervisor import DRAIN_SECONDS
from tests.chaos.harness import FULL, ServiceManager, record, submit_probes, wait_until_none_is_open
from tests.factories import a_county
from tests.processes import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.workers, pytest.mark.timeout(300)]

EXIT_SECONDS = 30


# Jobs that end within the grace time, and jobs that do not; told to the supervisor alone, or to every process at once
# as a container runtime may.
@pytest.mark.parametrize(
    ("seconds", "told"),
    [(6, "supervisor"), (6, "everyone"), *([(60, "supervisor"), (60, "everyone")] if FULL else [])],
)
def test_sigterm_loses_and_charges_nothing(seconds, told):
    county = a_county("demo", max_running_jobs=4)
    submit_probes(county, 4, "sleep", seconds=seconds)
    submit_probes(county, 20, "sleep", seconds=0.1, priority=200)
    with ServiceManager() as manager:
        until(lambda: Job.objects.filter(status="RUNNING").count() == 4)
        everyone = [manager.process.pid]
        if told == "everyone":
            everyone += [child.pid for child in psutil.Process(manager.process.pid).children(recursive=True)]
        asked = time.monotonic()
        for pid in everyone:
            os.kill(pid, signal.SIGTERM)
        code = manager.process.wait(timeout=40)
        took = time.monotonic() - asked

        left = Job.objects.filter(status="RUNNING").count()
        charged = Job.objects.filter(charged__gt=0).count()
        ended = Job.objects.filter(status="COMPLETED", attempt=1, parameters__seconds=seconds).count()
        Job.objects.filter(status="PENDING", parameters__seconds=60).update(parameters={"probe": "complete"})
        manager.ensure_running()
        wait_until_none_is_open()
        done = Job.objects.filter(status="COMPLETED").count()

    exit_seconds = round(took, 1)
    record(
        7, running_job_seconds=seconds, told=told, exit_seconds=exit_seconds, ended_meanwhile=ended, charged=charged,
        completed=done,
    )  # fmt: skip
    assert code == 0
    assert took <= EXIT_SECONDS
    assert ended == (4 if seconds < DRAIN_SECONDS else 0)
    assert (left, charged, done) == (0, 0, 24)
