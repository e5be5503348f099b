"""Demands 8, 10 and 12: many clients, many jobs, several counties, through a real web server and real workers."""

import random
import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from terrafusion.jobs.models import Job
from tests.chaos.harness import FULL, ServiceManager, record, submit_probes, wait_until_none_is_open
from tests.factories import PASSWORD, a_county, a_user
from tests.probe import locks
from tests.processes import ApiClient, until, web_server
from tests.valuation.roll import VALUATION_DATE, a_subject

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.workers, pytest.mark.timeout(600)]

OPERATIONS = 10_000 if FULL else 600
CLIENTS = 8
QUEUED = 500 if FULL else 120

of_sqlite = pytest.mark.skipif(
    not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"), reason="A demand on SQLite alone."
)


@pytest.fixture
def signed_in():
    """A running web server and a client that may run valuations of county demo."""
    county = a_county("demo", max_running_jobs=4)
    a_subject(county, 1)
    a_user("clerk", county, role="appraiser")
    with web_server() as address:
        yield ApiClient(address, "clerk", PASSWORD)


def body(**parameters):
    parameters = {"valuation_date": VALUATION_DATE.isoformat(), **parameters}
    return {"county_id": "demo", "property_id": "1", "parameters": parameters}


def test_fifty_simultaneous_submits_with_one_key_are_one_job(signed_in):
    headers, barrier = {"Idempotency-Key": "night-run"}, threading.Barrier(50)

    def post(_):
        barrier.wait()
        return signed_in.post("/api/v1/valuation/run", json=body(), headers=headers)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(post, range(50)))
    other = signed_in.post("/api/v1/valuation/run", json=body(number_of_comparables=7), headers=headers)

    codes = dict(Counter(answer.status_code for answer in answers))
    record(8, answers=codes, jobs=Job.objects.count(), other_body=other.status_code)
    assert codes == {202: 50}
    assert len({answer.content for answer in answers}) == 1
    assert Job.objects.count() == 1
    assert other.status_code == 422


def test_a_county_that_queues_much_does_not_keep_another_waiting():
    ours, theirs = a_county("demo", max_running_jobs=6), a_county("benton", max_running_jobs=6)
    with ServiceManager(workers=8) as manager:
        manager.wait_for_workers()
        # The first six last long enough to be seen side by side, however busy the machine is.
        submit_probes(ours, 6, "sleep", seconds=3, priority=1)
        submit_probes(ours, QUEUED - 6, "sleep_briefly")
        until(lambda: Job.objects.filter(status="RUNNING").count() >= 6)
        (key,) = submit_probes(theirs, 1, "sleep_briefly")
        wait_until_none_is_open(180)
    single = Job.objects.get(pk=key)
    jobs = Job.objects.filter(county=ours)
    waited = (single.started_at - single.created_at).total_seconds()
    most = _most_at_once(jobs)

    record(10, queued_by_a=QUEUED, b_started_after_seconds=round(waited, 2), limit=6, most_of_a_at_once=most)
    assert waited <= 60
    assert jobs.filter(completed_at__gt=single.started_at).count() > QUEUED / 2, "B did not wait for A's queue"
    assert most == 6


def _most_at_once(jobs):
    """The largest number of these jobs that ran at one moment."""
    moments = [(job.started_at, 1) for job in jobs] + [(job.completed_at, -1) for job in jobs]
    running = most = 0
    for _, step in sorted(moments, key=lambda moment: (moment[0], moment[1])):
        running += step
        most = max(most, running)
    return most


@of_sqlite
def test_clients_and_workers_together_never_meet_a_locked_database(signed_in):
    locks.counted().unlink(missing_ok=True)
    codes, slowest = Counter(), []

    def work(client_number):
        pick, mine = random.Random(client_number), []
        for _ in range(OPERATIONS // CLIENTS):
            what = pick.choices(["submit", "poll", "cancel"], [1, 3 if mine else 0, 1 if mine else 0])[0]
            started = time.monotonic()
            if what == "submit":
                answer = signed_in.post("/api/v1/valuation/run", json=body())
                mine.append(answer.json()["job_id"])
            elif what == "poll":
                answer = signed_in.get(f"/api/v1/valuation/status/{pick.choice(mine)}")
            else:
                answer = signed_in.post(f"/api/v1/valuation/jobs/{pick.choice(mine)}/cancel")
            slowest.append(time.monotonic() - started)
            codes[what, answer.status_code] += 1

    with ServiceManager(workers=4) as manager:
        manager.wait_for_workers()
        started = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(work, range(CLIENTS)))
        seconds = time.monotonic() - started
        wait_until_none_is_open(180)

    record(
        12,
        operations=sum(codes.values()),
        answers={f"{what} {code}": number for (what, code), number in sorted(codes.items())},
        seconds=round(seconds, 1),
        slowest_seconds=round(max(slowest), 2),
        database_is_locked=locks.number(),
    )
    assert set(codes) <= {("submit", 202), ("poll", 200), ("cancel", 202), ("cancel", 409)}
    assert locks.number() == 0
    assert not Job.objects.filter(status__in=Job.OPEN).exists()


@of_sqlite
def test_a_locked_database_would_be_counted():
    locks.counted().unlink(missing_ok=True)
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    connection.ensure_connection()
    connection.connection.execute("PRAGMA busy_timeout = 50")
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError):
            Job.objects.update(message="")
    finally:
        other.close()
        connection.close()
    assert locks.number() == 1
    locks.counted().unlink()
