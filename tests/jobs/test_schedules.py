"""The clock of the supervisors: each slot at most once, whoever looks and whatever their clocks say."""

import threading
from datetime import UTC, datetime, time, timedelta
from time import monotonic
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from terrafusion.jobs.api.submit import submit
from terrafusion.jobs.models import Job
from terrafusion.jobs.registry import kind_named
from terrafusion.jobs.workers import schedules, supervisor
from terrafusion.jobs.workers.schedules import Schedule, ScheduleThreads, daily, every, run_due
from tests.factories import ValuationJobFactory, a_county

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
HALF_PAST_TWO = daily(time(2, 30))
PACIFIC = ZoneInfo("America/Los_Angeles")


@pytest.fixture
def slots_run(monkeypatch):
    """Registers schedules in place of the product's own; records (name, county) of each run."""
    runs = []

    def register(*, per_county=False, inside=False, name="nightly", latest_slot=HALF_PAST_TWO, step=None):
        def run(county):
            runs.append((name, county and county.pk))
            if step:
                step(county)

        monkeypatch.setitem(schedules._schedules, name, Schedule(name, latest_slot, run, per_county, inside))

    monkeypatch.setattr(schedules, "_schedules", {})
    register.runs = runs
    return register


@pytest.mark.django_db
def test_each_slot_runs_once_over_a_day_seen_by_two_supervisors_whose_clocks_differ(slots_run):
    slots_run()
    slots_run(name="purge", latest_slot=every(3600))
    for minute in range(0, 24 * 60, 5):
        now = MIDNIGHT + timedelta(minutes=minute)
        run_due(now + timedelta(minutes=10))
        run_due(now - timedelta(minutes=10))

    names = [name for name, _ in slots_run.runs]
    # The first look of all finds the slots before midnight unclaimed; then 02:30 once, and each of 24 hours once.
    assert (names.count("nightly"), names.count("purge")) == (1 + 1, 1 + 24)


@pytest.mark.django_db
def test_an_outage_of_four_days_is_followed_by_one_run(slots_run):
    slots_run()
    run_due(MIDNIGHT)
    slots_run.runs.clear()

    for minutes in range(60):
        run_due(MIDNIGHT + timedelta(days=4, hours=5, minutes=minutes))

    assert slots_run.runs == [("nightly", None)]


@pytest.mark.django_db
def test_a_clock_set_back_repeats_nothing(slots_run):
    slots_run(latest_slot=every(600))
    run_due(MIDNIGHT)
    slots_run.runs.clear()

    run_due(MIDNIGHT - timedelta(minutes=10))
    run_due(MIDNIGHT)

    assert slots_run.runs == []


@pytest.mark.django_db
def test_a_nightly_job_is_submitted_for_each_county_at_its_own_half_past_two(slots_run):
    counties = [a_county("benton"), a_county("king")]
    type(counties[1]).objects.filter(pk="king").update(time_zone="America/New_York")

    def submit_one(county):
        submit(kind_named("valuation"), county, None, own_fields={"property_id": "1"}, parameters={}, digest="")

    slots_run(per_county=True, inside=True, step=submit_one)
    run_due(datetime(2026, 3, 1, 12, 0, tzinfo=UTC))  # both have a night behind them
    Job.objects.all().delete()

    run_due(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))  # 03:00 in New York, midnight at the Pacific
    assert [job.county_id for job in Job.objects.all()] == ["king"]
    run_due(datetime(2026, 3, 2, 10, 31, tzinfo=UTC))
    assert sorted(job.county_id for job in Job.objects.all()) == ["benton", "king"]


@pytest.mark.django_db
def test_a_job_and_the_claim_of_its_slot_are_one(slots_run):
    county = a_county("benton")
    broken = [True]

    def fail_once(_):
        submit(kind_named("valuation"), county, None, own_fields={"property_id": "1"}, parameters={}, digest="")
        if broken.pop() if broken else False:
            raise RuntimeError("half way")

    slots_run(inside=True, step=fail_once)

    assert run_due(MIDNIGHT) == []
    assert not Job.objects.exists(), "the job of the failed run is gone with its claim"
    assert run_due(MIDNIGHT) == ["nightly"]
    assert Job.objects.count() == 1


@pytest.mark.django_db
def test_a_faulty_schedule_keeps_none_from_running(slots_run):
    slots_run(name="faulty", step=lambda _: 1 / 0)
    slots_run(name="sound")

    assert run_due(MIDNIGHT) == ["sound"]


@pytest.mark.django_db(transaction=True)
def test_eight_supervisors_at_the_same_moment_run_a_slot_once(slots_run):
    slots_run()
    barrier = threading.Barrier(8)

    def look():
        try:
            barrier.wait()
            run_due(MIDNIGHT)
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert slots_run.runs == [("nightly", None)]


# --- Beside the supervisor ---


@pytest.fixture
def a_slow_schedule(slots_run):
    """A schedule that takes until the test lets it go. Its threads are over when the test is."""
    let_go, threads = threading.Event(), ScheduleThreads()
    slots_run(name="slow", latest_slot=every(5), step=lambda _: let_go.wait(60))
    yield threads
    let_go.set()
    for thread in threads.threads.values():
        thread.join(60)


@pytest.mark.django_db(transaction=True)
def test_a_slow_schedule_holds_up_neither_its_caller_nor_another_schedule_and_is_not_started_twice(
    slots_run, a_slow_schedule
):
    slots_run(name="quick", latest_slot=every(5))

    for seconds in (0, 5, 10):
        begun = monotonic()
        a_slow_schedule.start_due(MIDNIGHT + timedelta(seconds=seconds))
        assert monotonic() - begun < 30, "it did not wait for the slow one"
        a_slow_schedule.threads["quick"].join(60)

    assert sorted(name for name, _ in slots_run.runs) == ["quick", "quick", "quick", "slow"]


@pytest.mark.django_db(transaction=True)
def test_a_slow_schedule_does_not_delay_the_heartbeats(a_slow_schedule, monkeypatch):
    """Without a heartbeat for 30 seconds another host takes the jobs."""
    monkeypatch.setattr(supervisor, "WorkerTree", lambda workers: SimpleNamespace(boot_id="a-worker"))
    one = supervisor.Supervisor(1, clock=lambda: MIDNIGHT)
    one.schedules, one.in_contact_since = a_slow_schedule, 1e-9
    job = ValuationJobFactory(running=True, worker="a-worker")

    def heartbeat():
        one.last_heartbeat = -1e9  # the last one is long ago
        one._beat()
        return Job.objects.get(pk=job.pk).heartbeat_at

    begun = monotonic()
    first = heartbeat()
    assert a_slow_schedule.threads["slow"].is_alive()
    second = heartbeat()

    assert first < second
    assert monotonic() - begun < 30


@given(st.integers(0, 366 * 24 * 60))
def test_a_daily_slot_is_the_last_one_before_now_through_daylight_saving(minutes):
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)

    slot = HALF_PAST_TWO(now, PACIFIC)

    assert slot <= now
    assert now - slot <= timedelta(hours=25)
    assert (slot.astimezone(PACIFIC) - timedelta(hours=1)).date() <= now.astimezone(PACIFIC).date()


def test_a_year_has_one_daily_slot_a_day():
    hours = (datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(hours=hour) for hour in range(365 * 24))

    assert len({HALF_PAST_TWO(now, PACIFIC) for now in hours}) == 365 + 1
