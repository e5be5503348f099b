"""Demand 1: kill -9 at random moments of any process of the worker tree, the supervisor included."""

import random
import time
from collections import Counter

import psutil
import pytest

from terrafusion.jobs.models import Job
from tests.chaos.harness import (
    FULL,
    ServiceManager,
    faults_of_results,
    record,
    result_files,
    submit_probes,
    wait_until_none_is_open,
)
from tests.factories import a_county
from tests.processes import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.workers, pytest.mark.timeout(600)]

JOBS, KILLS, SEEDS = (200, 20, 5) if FULL else (60, 6, 1)
RECOVERY_SECONDS = 240  # everything dead at once takes 30 s of silence, and backoff 10 s and 60 s


def kill_run(seed, *, jobs, kills):
    """Runs the jobs under fire; what is wrong afterwards, and what was done."""
    county, pick = a_county("demo", max_running_jobs=4), random.Random(seed)
    before, victims = result_files(), Counter()
    submit_probes(county, jobs, "sleep_briefly")
    started = time.monotonic()
    with ServiceManager() as manager:
        time.sleep(2.5)
        for _ in range(kills):
            time.sleep(pick.uniform(0.3, 1.9))
            manager.ensure_running()
            try:
                victims[manager.kill_something(pick)] += 1
            except psutil.NoSuchProcess:
                continue
        wait_until_none_is_open(RECOVERY_SECONDS, manager.ensure_running)
        done = {
            "seed": seed,
            "jobs": jobs,
            "kills": dict(sorted(victims.items())),
            "seconds": round(time.monotonic() - started, 1),
            "starts": sum(Job.objects.values_list("attempt", flat=True)),
        }
    return faults_of_results(jobs, before), done


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_whatever_is_killed_every_job_ends_once(seed):
    faults, done = kill_run(seed, jobs=JOBS, kills=KILLS)

    record(1, **done, faults=len(faults))
    assert sum(done["kills"].values()) > 0
    assert not faults


def test_the_harness_notices_when_nobody_rescues():
    county, before = a_county("demo", max_running_jobs=4), result_files()
    submit_probes(county, 4, "sleep", seconds=3)
    with ServiceManager(TERRAFUSION_SABOTAGE="rescue"):
        victim = until(Job.objects.filter(status="RUNNING", pid__isnull=False).first)
        psutil.Process(victim.pid).kill()
        wait_until_none_is_open(10)
        faults = faults_of_results(4, before)

    record(1, without="rescue of dead workers' jobs", faults=len(faults))
    assert faults
