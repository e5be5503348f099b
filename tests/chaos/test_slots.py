"""Demand 9: two supervisors whose clocks differ by up to 20 minutes, and an outage of four days."""

import random
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from tests.chaos.harness import FULL, record
from tests.factories import a_county
from tests.processes import environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.workers, pytest.mark.timeout(300)]

STEP_MINUTES = 1 if FULL else 10
START = datetime(2026, 3, 1, tzinfo=UTC)
OUTAGE_BEGINS, OUTAGE_ENDS, END = START + timedelta(days=2), START + timedelta(days=6), START + timedelta(days=7)
CLOCK_ERROR_SECONDS = 600


def test_each_slot_runs_at_most_once_and_one_run_follows_an_outage():
    a_county("benton")
    a_county("king")
    pick = random.Random(9)
    command = [sys.executable, "-m", "tests.chaos.supervisor_clock"]
    supervisors = [
        subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    runs, after_outage, now, looks = Counter(), Counter(), START, 0
    try:
        while now < END:
            error = pick.uniform(-CLOCK_ERROR_SECONDS, CLOCK_ERROR_SECONDS)
            errors = (error, error if pick.random() < 0.5 else -error)  # equal ones meet at the same slot
            for supervisor, seconds in zip(supervisors, errors, strict=True):
                supervisor.stdin.write((now + timedelta(seconds=seconds)).isoformat() + "\n")
                supervisor.stdin.flush()
            ran = [run for supervisor in supervisors for run in supervisor.stdout.readline().split()]
            runs.update(ran)
            if OUTAGE_ENDS <= now < OUTAGE_ENDS + timedelta(hours=2):  # until the next night's slot
                after_outage.update(run.split("@")[0] for run in ran if run.startswith("nightly"))
            looks += 2
            now += timedelta(minutes=STEP_MINUTES)
            if OUTAGE_BEGINS <= now < OUTAGE_ENDS:
                now = OUTAGE_ENDS
    finally:
        for supervisor in supervisors:
            supervisor.stdin.close()
            supervisor.wait(timeout=30)

    slots = Counter(run.split("@")[0] for run in runs)
    record(9, looks=looks, slots_run=dict(sorted(slots.items())), slots_run_twice=sum(n > 1 for n in runs.values()))
    assert max(runs.values()) == 1
    assert after_outage == {"nightly:benton": 1, "nightly:king": 1}
    # Before the start, two nights, the outage's one, the night after it.
    assert slots["nightly:king"] == 1 + 2 + 1 + 1
    assert slots["sweep"] > looks / 10
    assert slots["purge"] > looks * STEP_MINUTES / 60
