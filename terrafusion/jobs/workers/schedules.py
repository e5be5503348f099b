"""What happens by the clock. Any supervisor may run it; the fence on the slot makes each slot happen at most once.

A slot is a moment of a schedule, for example 02:30 of a day. Only the latest slot is ever due, so an outage of four
days is followed by one run and not by four. A slot claimed by a supervisor that dies just then is not repeated:
what runs here must be content to run at the next slot.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from threading import Thread
from zoneinfo import ZoneInfo

from django.db import Error, connections, transaction

from county_configs.models import County
from terrafusion.database_faults import PASSING, Fault, fault_of

from ..models import ScheduledSlot

logger = logging.getLogger(__name__)

LatestSlot = Callable[[datetime, ZoneInfo], datetime]


@dataclass(frozen=True)
class Schedule:
    """latest_slot: the last slot at or before a moment, in a time zone.

    run: gets the county when the schedule is per county, in that county's time zone; None otherwise, in UTC.
    inside: runs in the transaction that claims the slot, so that what it inserts and the claim are one.
    """

    name: str
    latest_slot: LatestSlot
    run: Callable[[County | None], object]
    per_county: bool = False
    inside: bool = False


_schedules: dict[str, Schedule] = {}


def register(schedule: Schedule) -> Schedule:
    _schedules[schedule.name] = schedule
    return schedule


def every(seconds: int) -> LatestSlot:
    """Slots at whole multiples of `seconds` since 1970."""

    def latest_slot(now: datetime, zone: ZoneInfo) -> datetime:
        return datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC)

    return latest_slot


def daily(at: time) -> LatestSlot:
    """One slot a calendar day of the zone, whether or not daylight saving skips or repeats that hour."""

    def latest_slot(now: datetime, zone: ZoneInfo) -> datetime:
        today = now.astimezone(zone).date()
        slot = datetime.combine(today, at, zone).astimezone(UTC)
        return slot if slot <= now else datetime.combine(today - timedelta(days=1), at, zone).astimezone(UTC)

    return latest_slot


@dataclass(frozen=True)
class DueSlot:
    """A slot that nobody had claimed when it was looked up."""

    schedule: Schedule
    county: County | None
    key: str
    slot: datetime


def due_slots(now: datetime) -> list[DueSlot]:
    """The latest slot of every schedule, where nobody has claimed it yet.

    now: the caller's clock. Clocks that differ, or go back, cannot run a slot twice: a claim only moves forward.
    """
    claimed = dict(ScheduledSlot.objects.values_list("key", "slot"))
    due = []
    for schedule, county in _with_counties():
        key = f"{schedule.name}:{county.pk}" if county else schedule.name
        slot = schedule.latest_slot(now, ZoneInfo(county.time_zone if county else "UTC"))
        if key not in claimed or claimed[key] < slot:
            due.append(DueSlot(schedule, county, key, slot))
    return due


def run_due(now: datetime) -> list[str]:
    """Runs what is due, one after the other. Returns the keys of the slots that were run here."""
    return [due.key for due in due_slots(now) if _run_once(due.schedule, due.county, due.key, due.slot)]


class ScheduleThreads:
    """Runs schedules beside the supervisor, each in a thread of its own.

    One that takes long, as a purge of a slow storage does, delays neither the heartbeats nor another schedule. While it
    is at work it is not started again. The threads end with the process: what runs here must be content to run at the
    next slot.
    """

    def __init__(self) -> None:
        self.threads: dict[str, Thread] = {}

    def start_due(self, now: datetime) -> None:
        """Starts what is due and returns at once."""
        for name, due in groupby(due_slots(now), key=lambda due: due.schedule.name):
            if name not in self.threads or not self.threads[name].is_alive():
                self.threads[name] = Thread(target=_run_slots, args=(list(due),), name=f"schedule {name}", daemon=True)
                self.threads[name].start()


def _run_slots(slots: list[DueSlot]) -> None:
    try:
        for due in slots:
            _run_once(due.schedule, due.county, due.key, due.slot)
    except Error as error:  # the database is away or busy: the slot, or the next one, comes up again
        logger.warning("A schedule stopped. %s", (fault_of(error) or Fault.OTHER).value)
    finally:
        connections.close_all()


def _with_counties() -> Iterator[tuple[Schedule, County | None]]:
    counties = (
        list(County.objects.order_by("pk")) if any(schedule.per_county for schedule in _schedules.values()) else []
    )
    for schedule in _schedules.values():
        yield from ((schedule, county) for county in (counties if schedule.per_county else [None]))


def _run_once(schedule: Schedule, county: County | None, key: str, slot: datetime) -> bool:
    try:
        with transaction.atomic():
            if not _claim(key, slot):
                return False
            if schedule.inside:
                schedule.run(county)
        if not schedule.inside:
            schedule.run(county)
    except Exception as error:  # one faulty schedule must not end the supervisor, and the jobs with it
        if fault_of(error) in PASSING:
            raise
        logger.exception("The schedule %s failed for its slot %s.", key, slot)
        return False
    return True


def _claim(key: str, slot: datetime) -> bool:
    """One statement: the slot is ours only if it lies after the last one claimed."""
    if ScheduledSlot.objects.filter(key=key, slot__lt=slot).update(slot=slot):
        return True
    _, created = ScheduledSlot.objects.get_or_create(key=key, defaults={"slot": slot})
    return created
