"""kill -9 at random moments of any process of the worker tree, the supervisor included.

The harness plays the service manager: it starts `runworkers` again when that was the victim. TERRAFUSION_CHAOS_SEEDS,
_JOBS and _KILLS make it longer (`make chaos`); what a run did is in its log line.
"""

import contextlib
import logging
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.db import connection

from terrafusion.jobs.files import results_storage
from terrafusion.jobs.models import Job, JobArtifact
from terrafusion.jobs.registry import kind_named
from terrafusion.jobs.submit import submit
from tests.factories import a_county

logger = logging.getLogger(__name__)
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.workers, pytest.mark.timeout(600)]

JOBS = int(os.environ.get("TERRAFUSION_CHAOS_JOBS", "60"))
KILLS = int(os.environ.get("TERRAFUSION_CHAOS_KILLS", "6"))
SEEDS = range(1, 1 + int(os.environ.get("TERRAFUSION_CHAOS_SEEDS", "1")))
ROLES = ("worker", "pusher or monitor", "sentinel", "parent", "supervisor")
RECOVERY_SECONDS = 120  # everything dead at once takes 30 s of silence, and backoff 10 s and 60 s


class ServiceManager:
    """Keeps one `runworkers` running and kills processes of its tree on request."""

    def __init__(self):
        self.process = None
        self.ensure_running()

    def ensure_running(self):
        if self.process is None or self.process.poll() is not None:
            environment = os.environ | {
                "DJANGO_SETTINGS_MODULE": "terrafusion.settings.test",
                "TERRAFUSION_TEST_DATABASE": str(connection.settings_dict["NAME"]),
            }
            command = [sys.executable, "manage.py", "runworkers", "--workers", "4"]
            self.process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stderr=subprocess.DEVNULL)

    def kill_something(self, pick):
        """One process by role, each role as likely but a worker twice; the role."""
        role = pick.choice(["worker", "worker", "pusher or monitor", "sentinel", "parent", "supervisor"])
        deadline = time.monotonic() + 10
        while len(tree := self.tree()) < len(ROLES) and time.monotonic() < deadline:
            time.sleep(0.1)
        victim = pick.choice(tree.get(role) or tree["supervisor"])
        victim.kill()
        if victim.pid == self.process.pid:
            self.process.wait()
        return role

    def tree(self):
        """The living processes by role, as far as the tree stands."""
        supervisor = psutil.Process(self.process.pid)
        found = {"supervisor": [supervisor]}
        with contextlib.suppress(psutil.NoSuchProcess, ValueError):
            (parent,) = supervisor.children()
            found["parent"] = [parent]
            (sentinel,) = parent.children()
            found["sentinel"] = [sentinel]
            for each in sentinel.children():
                title = " ".join(each.cmdline())
                role = "pusher or monitor" if title.endswith(("pusher", "monitor")) else "worker"
                found.setdefault(role, []).append(each)
        return found

    def stop(self):
        self.ensure_running()
        self.process.terminate()
        self.process.wait(timeout=40)


def submit_some(county, number):
    for _ in range(number):
        parameters = {"valuation_date": "2026-01-01", "probe": "sleep_briefly"}
        submit(kind_named("valuation"), county, None, own_fields={"property_id": "1"}, parameters=parameters, digest="")


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_killed_every_job_ends_once(seed):
    county, pick = a_county("demo", max_running_jobs=4), random.Random(seed)
    before = set(all_result_files())
    submit_some(county, JOBS)
    manager, started, victims = ServiceManager(), time.monotonic(), Counter()
    try:
        time.sleep(2.5)
        for _ in range(KILLS):
            time.sleep(pick.uniform(0.3, 1.9))
            manager.ensure_running()
            try:
                victims[manager.kill_something(pick)] += 1
            except psutil.NoSuchProcess:
                continue
        deadline = time.monotonic() + RECOVERY_SECONDS
        while Job.objects.filter(status__in=Job.OPEN).exists() and time.monotonic() < deadline:
            manager.ensure_running()
            time.sleep(0.25)
    finally:
        manager.stop()
    report = (
        f"seed {seed}: {JOBS} jobs, kills {dict(victims)}, {time.monotonic() - started:.1f} s, "
        f"{sum(Job.objects.values_list('attempt', flat=True))} starts, "
        f"statuses {dict(Counter(Job.objects.values_list('status', flat=True)))}"
    )
    logger.warning(report)
    assert sum(victims.values()) > 0, report
    assert Job.objects.filter(status=Job.Status.COMPLETED).count() == JOBS, report
    assert JobArtifact.objects.count() == JOBS, report
    # One file each, the accepted attempt's, whole.
    files = {path for path in all_result_files() if path not in before}
    accepted = {Path(results_storage().path(path)) for path in JobArtifact.objects.values_list("path", flat=True)}
    assert accepted <= files, report
    for artifact in JobArtifact.objects.select_related("job"):
        with results_storage().open(artifact.path) as stream:
            assert stream.read().decode() == f"job {artifact.job_id} attempt {artifact.job.attempt}"
    orphans = files - accepted
    assert not orphans, f"{report}: {len(orphans)} files nobody accepted"


def all_result_files():
    return [path for path in Path(results_storage().path("")).rglob("*") if path.is_file()]
