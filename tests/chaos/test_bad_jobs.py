"""Demand 5: jobs that kill their worker, eat its memory or never end, alone and beside 600 good ones."""

import statistics

import pytest

from terrafusion.jobs.finish import BACKOFF_SECONDS
from terrafusion.jobs.models import FailureReason, Job, JobLog
from tests.chaos.harness import FULL, ServiceManager, record, submit_probes, wait_until_none_is_open
from tests.factories import a_county
from tests.processes import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.workers, pytest.mark.timeout(3600)]

SLEEPERS, REPETITIONS = 600, 5
TIME_LIMIT, MEMORY_LIMIT = 20, 300


# What ends each, and the well-behaved job that would hold the same slot for as long.
BAD = {
    "segfault": ({}, {"seconds": 0.3}),
    "eat_memory": ({"memory_limit": MEMORY_LIMIT}, {"seconds": 1}),
    "spin": ({"time_limit": TIME_LIMIT}, {"seconds": TIME_LIMIT}),
    "sleep_deaf": ({"time_limit": TIME_LIMIT}, {"seconds": TIME_LIMIT}),
}
LIMITS = {
    "eat_memory": (FailureReason.MEMORY, f"memory limit of {MEMORY_LIMIT} MB"),
    "spin": (FailureReason.TIMEOUT, "time limit of 3 s"),
    "sleep_deaf": (FailureReason.TIMEOUT, "time limit of 3 s"),
}


def test_a_job_that_always_kills_its_worker_fails_after_three_spaced_attempts():
    county = a_county("demo", max_running_jobs=4)
    with ServiceManager(workers=2) as manager:
        manager.wait_for_workers()
        (key,) = submit_probes(county, 1, "segfault")
        waits = []
        for charged in (1, 2):
            until(lambda charged=charged: Job.objects.get(pk=key).charged == charged)
            given_back = Job.objects.get(pk=key)
            waits.append((given_back.run_at - given_back.updated_at).total_seconds())
            if not FULL:  # the short form does not sit the backoff out
                Job.objects.filter(pk=key).update(run_at=given_back.updated_at)
        job = until(lambda: Job.objects.filter(pk=key, status="FAILED").first())
    record(5, bad="segfault", attempts=job.attempt, backoff_seconds=[round(wait) for wait in waits])
    assert (job.attempt, job.failure_reason) == (3, FailureReason.WORKER_LOST)
    assert waits == pytest.approx(BACKOFF_SECONDS, abs=0.1)
    assert JobLog.objects.filter(job_id=key, message__contains="Its worker died").count() == 3


@pytest.mark.parametrize("bad", LIMITS)
def test_a_job_past_a_limit_fails_at_once_and_names_it(bad):
    county = a_county("demo", max_running_jobs=4)
    reason, named = LIMITS[bad]
    with ServiceManager(workers=2) as manager:
        manager.wait_for_workers()
        (key,) = submit_probes(
            county, 1, bad, time_limit=3 if reason == FailureReason.TIMEOUT else 60, memory_limit=MEMORY_LIMIT
        )
        wait_until_none_is_open()
    job = Job.objects.get(pk=key)
    took = (job.completed_at - job.started_at).total_seconds()
    record(5, bad=bad, attempts=job.attempt, failed_after_seconds=round(took, 1), message=job.message)
    assert (job.status, job.attempt, job.failure_reason) == ("FAILED", 1, reason)
    assert named in job.message
    assert took <= 10


@pytest.mark.skipif(not FULL, reason="Half an hour; `make chaos` runs it.")
def test_good_jobs_hardly_notice_a_bad_one_beside_them():
    county = a_county("demo", max_running_jobs=4)
    rates = {}
    for _ in range(REPETITIONS):
        beside_good = {}
        for bad, (limits, good) in BAD.items():
            if good["seconds"] not in beside_good:
                beside_good[good["seconds"]] = throughput(county, "sleep", **good)
            rates.setdefault(bad, []).append(throughput(county, bad, **limits) / beside_good[good["seconds"]])

    lost = {bad: round(100 * (1 - statistics.median(ratios)), 1) for bad, ratios in rates.items()}
    spread = {
        bad: [round(100 * (1 - ratio), 1) for ratio in sorted(ratios, reverse=True)] for bad, ratios in rates.items()
    }
    record(5, sleepers=SLEEPERS, percent_of_throughput_lost=lost, each=spread)
    assert max(lost.values()) <= 10


def throughput(county, beside, **of_it):
    """Sleepers of 0.3 s completed per second on 4 workers, beside one job of another kind."""
    Job.objects.all().delete()
    with ServiceManager(workers=4) as manager:
        manager.wait_for_workers()
        submit_probes(county, 1, beside, priority=1, **of_it)
        sleepers = Job.objects.filter(pk__in=submit_probes(county, SLEEPERS, "sleep_briefly"))
        wait_until_none_is_open(300)
    assert set(sleepers.values_list("status", flat=True)) == {"COMPLETED"}
    first, last = sleepers.earliest("started_at").started_at, sleepers.latest("completed_at").completed_at
    return SLEEPERS / (last - first).total_seconds()
