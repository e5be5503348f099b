"""Demand 6: a cancelled job that waits never starts, and one that runs ends within ten seconds and leaves nothing."""

import pytest

from terrafusion.jobs import finish
from terrafusion.jobs.files import results_storage
from terrafusion.jobs.models import Job, JobArtifact, JobLog
from tests.chaos.harness import FULL, ServiceManager, record, submit_probes, wait_until_none_is_open
from tests.factories import a_county
from tests.processes import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.workers, pytest.mark.timeout(300)]

WAITING = 100
AHEAD = 40  # two seconds of work and more for the four workers
RUNNING = 12 if FULL else 4  # of each behaviour
SECONDS = 10
ROWS_STORED = 40


def cancel_waiting(number):
    """Cancels from the end of a queue that real workers eat from its head: (cancelled while waiting, faults).

    The head is kept long enough that the workers never come so far, however slow the machine makes the cancelling.
    """
    county, cancelled = a_county("demo", max_running_jobs=4), []
    queue = submit_probes(county, number, "sleep_briefly", priority=200)
    ahead = Job.objects.exclude(pk__in=queue)
    submit_probes(county, AHEAD, "sleep_briefly")
    with ServiceManager():
        until(ahead.filter(status="COMPLETED").exists)
        for key in reversed(queue):
            if (missing := AHEAD - ahead.filter(status="PENDING").count()) > AHEAD / 4:
                submit_probes(county, missing, "sleep_briefly")
            job = Job.objects.get(pk=key)
            if finish.cancel(job) and not Job.objects.filter(pk=key, status="RUNNING").exists():
                cancelled.append(key)
        wait_until_none_is_open()
    started = Job.objects.filter(pk__in=cancelled).exclude(status="CANCELLED", attempt=0, started_at=None)
    return len(cancelled), [f"job {job.pk} started all the same" for job in started]


def cancel_running(number, sabotage=""):
    """Cancels jobs that heed, jobs that are deaf and jobs that store: (longest wait in seconds, faults)."""
    county, longest, faults = a_county("demo", max_running_jobs=4), 0.0, []
    with ServiceManager(TERRAFUSION_SABOTAGE=sabotage) as manager:
        manager.wait_for_workers()
        for behaviour in ("sleep_long", "sleep_deaf", "store_slowly"):
            for first in range(0, number, 4):
                keys = submit_probes(county, min(4, number - first), behaviour)
                jobs = Job.objects.filter(pk__in=keys)
                until(lambda jobs=jobs, keys=keys: jobs.exclude(status="PENDING").count() == len(keys))
                for job in jobs:
                    finish.cancel(job)
                wait_until_none_is_open(SECONDS + 2)
                if jobs.filter(status__in=Job.OPEN).exists():
                    faults.append(f"{behaviour}: not within {SECONDS + 2} s")
                    jobs.update(time_limit=1)
                    wait_until_none_is_open()
                    continue
                seconds = max([_seconds_to_end(job) for job in jobs.exclude(cancel_at=None)], default=0)
                longest = max(longest, seconds)
                if seconds > SECONDS:
                    faults.append(f"{behaviour}: {seconds:.1f} s")
    return round(longest, 1), faults + _leftovers()


def _seconds_to_end(job):
    """From the request to the end, as the rows have it."""
    return (job.completed_at - job.cancel_at).total_seconds()


def _leftovers():
    """Rows and files there should not be: a cancelled job's, or part of a completed one's."""
    faults = []
    for job in Job.objects.all():
        rows = JobLog.objects.filter(job=job, message__startswith="row ").count()
        artifacts = JobArtifact.objects.filter(job=job).count()
        folder = f"{job.kind}/{job.pk}"
        files = sum(
            len(results_storage().listdir(f"{folder}/{attempt}")[1])
            for attempt in (results_storage().listdir(folder)[0] if results_storage().exists(folder) else ())
        )
        whole = (ROWS_STORED, 2, 2) if job.status == "COMPLETED" else (0, 0, 0)
        if (rows, artifacts, files) != whole:
            faults.append(f"{job.status} with {rows} rows, {artifacts} artifacts and {files} files")
    return faults


def test_a_hundred_waiting_jobs_are_cancelled_and_none_starts():
    cancelled, faults = cancel_waiting(WAITING)

    record(6, cancelled_while_waiting=cancelled, started_all_the_same=len(faults))
    assert cancelled == WAITING
    assert not faults


def test_running_jobs_are_cancelled_in_time_and_leave_nothing():
    longest, faults = cancel_running(RUNNING)

    record(6, cancelled_while_running=3 * RUNNING, longest_seconds=longest, faults=len(faults))
    assert not faults


def test_the_harness_notices_when_a_cancel_does_not_reach_the_queue(monkeypatch):
    monkeypatch.setattr(finish, "cancel", lambda job: True)

    _, faults = cancel_waiting(20)

    record(6, without="cancel of waiting jobs", faults=len(faults))
    assert faults


def test_the_harness_notices_when_nothing_ends_a_deaf_job():
    _, faults = cancel_running(1, sabotage="cancel_deadline")

    record(6, without="deadline of a cancelled job", faults=len(faults))
    assert faults
