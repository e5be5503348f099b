"""Two hosts, as containers are: process numbers mean nothing to each other, and are the same ones."""

import subprocess
import time

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

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.workers, pytest.mark.timeout(300)]

NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
JOBS = 60
TRIES = 3


@pytest.fixture(autouse=True)
def _namespaces():
    if subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode:
        pytest.skip("A PID namespace needs root.")


def test_two_supervisors_in_separate_pid_namespaces_share_a_database():
    """Tried until the numbers coincide: how many processes a host has started before its workers differs a little."""
    county = a_county("demo", max_running_jobs=4)
    assert any(_share_a_database(county) for _ in range(TRIES)), "the same numbers on both hosts"


def _share_a_database(county):
    """Runs the jobs on two hosts. True when a process number stood on both."""
    Job.objects.all().delete()
    before = result_files()
    with ServiceManager(2, before=NAMESPACE) as sound, ServiceManager(2, before=NAMESPACE) as struck:
        for each in (sound, struck):
            each.wait_for_workers()
        submit_probes(county, JOBS, "sleep_briefly")
        done = Job.objects.filter(status="COMPLETED").values("worker", "pid").distinct()
        until(lambda: done.count() == 4)  # every worker has done one: what follows has something to compare
        struck.tree()["worker"][0].kill()
        if FULL:  # a dead host is noticed after 30 s
            time.sleep(2)
            struck.kill_everything()
        wait_until_none_is_open(step=struck.ensure_running)

    hosts = Job.objects.values_list("worker", "pid").distinct()
    pids = [{pid for worker, pid in hosts if worker == each} for each in {worker for worker, _ in hosts}]
    faults = faults_of_results(JOBS, before)
    charged = Job.objects.filter(charged__gt=0).count()
    record("namespaces", jobs=JOBS, hosts=len(pids), charged=charged, faults=len(faults))
    assert not faults
    assert len(pids) >= 2, "both hosts took part"
    assert charged <= 1 + (2 if FULL else 0), "the killed worker's job, and those of the host that died"
    return bool(pids[0] & pids[1])
