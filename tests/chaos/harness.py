"""What the chaos tests share: a service manager that kills, what a clean end looks like, and where figures go."""

import contextlib
import json
import logging
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection

from terrafusion.jobs.api.submit import submit
from terrafusion.jobs.files import results_storage
from terrafusion.jobs.models import Job, JobArtifact
from terrafusion.jobs.registry import kind_named
from terrafusion.jobs.workers.database import patiently
from tests.probe import roles
from tests.processes import PATIENCE, start_workers, until

logger = logging.getLogger(__name__)

FULL = os.environ.get("TERRAFUSION_CHAOS") == "full"  # `make chaos`; else the form of a minute for `make test`
ROLES = ("worker", "pusher", "monitor", "sentinel", "parent", "supervisor")
KILLABLE = ("worker", *ROLES)  # a worker twice as often


class ServiceManager:
    """Keeps one `runworkers` running, as systemd would, and kills processes of its tree on request.

    before: a command it is started through, which stays its parent.
    """

    def __init__(self, workers=4, *, before=(), **environment):
        descriptor, self.roles = tempfile.mkstemp(prefix="roles-", dir=Path(settings.WORKSPACE_DIR).parent)
        os.close(descriptor)
        self.workers, self.before = workers, before
        self.environment = environment | {"TERRAFUSION_PROBE_ROLES": self.roles}
        self.process = None
        self.ensure_running()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def ensure_running(self):
        if self.process is None or self.process.poll() is not None:
            self.process = start_workers(self.workers, before=self.before, **self.environment)

    def kill_something(self, pick):
        """One process by role, once the tree stands; the role."""
        role = pick.choice(KILLABLE)
        deadline = time.monotonic() + 10  # then whoever is there: the tree may be on its way down
        while len(tree := self.tree()) < len(ROLES) and time.monotonic() < deadline:
            time.sleep(0.1)
        victim = pick.choice(tree.get(role) or tree["supervisor"])
        victim.kill()
        if role == "supervisor":
            self.process.wait()
        return role

    def kill_everything(self):
        """The whole host at once: nobody is left to tidy up."""
        everyone = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for each in everyone:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        self.process.wait()

    def tree(self):
        """The living processes by role, as far as the tree stands."""
        supervisor = self.supervisor()
        found = {"supervisor": [supervisor]}
        with contextlib.suppress(psutil.NoSuchProcess, ValueError):
            (parent,) = supervisor.children()
            found["parent"] = [parent]
            (sentinel,) = parent.children()
            found["sentinel"] = [sentinel]
            recorded = roles.recorded(self.roles)
            for child in sentinel.children():
                if role := recorded.get(roles.number_inside(child)):  # else it was started this very moment
                    found.setdefault(role, []).append(child)
        return found

    def supervisor(self):
        started = psutil.Process(self.process.pid)
        return until(started.children)[0] if self.before else started

    def wait_for_workers(self):
        """Until the tree stands whole."""

        def stands():
            tree = self.tree()
            return len(tree) == len(ROLES) and len(tree["worker"]) >= self.workers

        until(stands)

    def stop(self):
        self.ensure_running()
        self.supervisor().terminate()
        self.process.wait(timeout=40)


def submit_probes(county, number, probe, *, priority=100, time_limit=None, memory_limit=None, **parameters):
    """Queues jobs whose work is the probe; their ids."""
    submitted = []
    for _ in range(number):
        job = submit(
            kind_named("valuation"),
            county,
            None,
            own_fields={"property_id": "1"},
            parameters={"valuation_date": "2026-01-01", "probe": probe, **parameters},
            digest="",
        )
        submitted.append(job.pk)
    limits = {"time_limit": time_limit, "memory_limit": memory_limit}
    changed = {name: value for name, value in limits.items() if value} | {"priority": priority}
    Job.objects.filter(pk__in=submitted).update(**changed)
    return submitted


def wait_until_none_is_open(seconds=PATIENCE, step=lambda: None):
    """Returns at the end of the last open job, or when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and patiently(Job.objects.filter(status__in=Job.OPEN).exists):
        step()
        time.sleep(0.25)


def statuses():
    return dict(Counter(Job.objects.values_list("status", flat=True)))


def result_files():
    return {path for path in Path(results_storage().path("")).rglob("*") if path.is_file()}


def faults_of_results(completed, before=frozenset()):
    """What is wrong with the ends of all jobs, of which `completed` many should have one whole result of one file.

    before: files that were there before.
    """
    faults = []
    if (found := statuses()) != {Job.Status.COMPLETED.value: completed}:
        faults.append(f"{completed} jobs should be COMPLETED, but they are {found}")
    artifacts = list(JobArtifact.objects.select_related("job"))
    if len(artifacts) != completed:
        faults.append(f"{len(artifacts)} artifacts for {completed} jobs")
    for artifact in artifacts:
        path = Path(results_storage().path(artifact.path))
        expected = f"job {artifact.job_id} attempt {artifact.job.attempt}"
        if not path.exists() or path.read_text() != expected:
            faults.append(f"the file of job {artifact.job_id} is not the one its last attempt wrote")
    accepted = {Path(results_storage().path(each.path)) for each in artifacts}
    if orphans := result_files() - set(before) - accepted:
        faults.append(f"{len(orphans)} files nobody accepted")
    return faults


def record(demand, **figures):
    """A line of the report: what one run of a demand measured."""
    line = {"demand": demand, "database": connection.vendor, **figures}
    logger.warning("chaos %s", json.dumps(line))
    if path := os.environ.get("TERRAFUSION_CHAOS_REPORT"):
        with Path(path).open("a") as report:
            report.write(json.dumps(line) + "\n")
