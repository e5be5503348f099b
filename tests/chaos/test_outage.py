"""Demand 4: database sessions terminated and the server restarted while jobs run and clients ask.

Needs the server to itself: `scripts/private_postgres.py run -- pytest -m outage`.
"""

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
import requests
from django.conf import settings
from django.db import connection
from django.utils import timezone

from terrafusion.jobs.models import Job
from terrafusion.jobs.workers.database import patiently
from tests.chaos.harness import (
    FULL,
    ServiceManager,
    faults_of_results,
    record,
    result_files,
    submit_probes,
    wait_until_none_is_open,
)
from tests.factories import PASSWORD, a_county, a_user
from tests.processes import ApiClient, web_server

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.workers,
    pytest.mark.outage,
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        "TERRAFUSION_PRIVATE_POSTGRES" not in os.environ, reason="No PostgreSQL server of our own to take away."
    ),
]

JOBS, TERMINATIONS, RESTARTS = (200, 15, 3) if FULL else (40, 4, 1)
DOWN_SECONDS = 4
RECOVERY_SECONDS = 30


def test_an_outage_of_the_database_needs_no_hand():
    county, pick, before = a_county("demo", max_running_jobs=4), random.Random(4), result_files()
    a_user("clerk", county, role="appraiser")
    submit_probes(county, JOBS, "sleep", seconds=1)
    events = [terminate_sessions] * TERMINATIONS + [restart_server] * RESTARTS
    pick.shuffle(events)
    started, back_at = time.monotonic(), []
    with web_server() as address, Poller(address) as poller, ServiceManager() as manager:
        manager.wait_for_workers()
        for event in events:
            time.sleep(pick.uniform(1.0, 2.5))
            back_at += event()
        wait_until_none_is_open(120)
        seconds = time.monotonic() - started
        supervisor_lived = manager.process.poll() is None

    recoveries = [_first_result_after(moment) for moment in back_at]
    faults = faults_of_results(JOBS, before)
    record(
        4,
        jobs=JOBS,
        terminations=TERMINATIONS,
        restarts=RESTARTS,
        seconds=round(seconds, 1),
        starts=sum(Job.objects.values_list("attempt", flat=True)),
        longest_recovery_seconds=round(max(recoveries), 1),
        answers=dict(sorted(poller.codes.items())),
        faults=len(faults),
    )
    assert not faults
    assert supervisor_lived
    assert max(recoveries) <= RECOVERY_SECONDS
    assert set(poller.codes) == {"200", "503"}
    assert poller.told_when_to_retry


def terminate_sessions():
    """Every session of the database but this one."""

    def step():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    patiently(step)
    return []


def restart_server():
    """Away as after a crash; the moment it was back."""
    _server("stop")
    time.sleep(DOWN_SECONDS)
    _server("start")
    return [timezone.now()]


def _server(what):
    subprocess.run([sys.executable, "scripts/private_postgres.py", what], cwd=settings.BASE_DIR, check=True)


def _first_result_after(moment):
    """Seconds until a job was completed again."""
    job = Job.objects.filter(completed_at__gt=moment).order_by("completed_at").first()
    return (job.completed_at - moment).total_seconds() if job else float("inf")


class Poller:
    """Asks for the list of jobs ten times a second and counts the answers by status code."""

    def __init__(self, address):
        self.client = ApiClient(address, "clerk", PASSWORD)
        self.codes, self.told_when_to_retry = Counter(), True
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._poll)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def _poll(self):
        while not self.over.wait(0.1):
            try:
                answer = self.client.get("/api/v1/valuation/jobs")
            except requests.ConnectionError:
                self.codes["none"] += 1
                continue
            self.codes[str(answer.status_code)] += 1
            if answer.status_code == 503:
                plain = answer.headers["Content-Type"] == "application/problem+json"
                self.told_when_to_retry &= plain and int(answer.headers["Retry-After"]) > 0
