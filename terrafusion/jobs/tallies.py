"""How many jobs have ended how, without a look at every job there ever was.

Job rows are never deleted, so counting them all costs more each day. A schedule adds the ended ones to `JobTally` and
marks them, in one transaction; what is counted at a moment is the tallies and the few rows that are not marked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum

from .models import Job, JobTally
from .registry import Kind, every_kind

TALLIED_AT_A_TIME = 10_000  # jobs; the transaction is short, so that nothing waits for it


class Ending(NamedTuple):
    """What jobs that are counted together have in common. label: empty for a kind without one."""

    county_id: str
    label: str
    status: str
    failure_reason: str


@dataclass
class Tally:
    """within: by the bound in seconds, how many of those that ran took no longer."""

    number: int = 0
    timed: int = 0
    seconds: float = 0.0
    within: dict[float, int] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        self.number += other.number
        self.timed += other.timed
        self.seconds += other.seconds
        for bound, number in other.within.items():
            self.within[bound] = self.within.get(bound, 0) + number


def tallies_of(kind: Kind) -> dict[Ending, Tally]:
    """Every job of the kind, open ones too, counted by its county, label, status and failure reason."""
    totals: dict[Ending, Tally] = defaultdict(Tally)
    for stored in JobTally.objects.filter(kind=kind.name):
        ending = Ending(stored.county_id, stored.label, stored.status, stored.failure_reason)
        totals[ending].add(_read(stored, kind))
    for ending, tally in _count(kind, kind.model._default_manager.filter(kind=kind.name, is_tallied=False)):
        totals[ending].add(tally)
    return totals


def tally_ended() -> int:
    """Adds ended jobs to the tallies, at most 10,000 of each kind. Returns how many. Safe to run anywhere."""
    return sum(_tally_kind(kind) for kind in every_kind())


@transaction.atomic
def _tally_kind(kind: Kind) -> int:
    _forget_other_bounds(kind)
    # Locked, so that a second supervisor waits here and then finds these rows marked.
    ended = Job.objects.filter(kind=kind.name, is_tallied=False).exclude(status__in=Job.OPEN)
    keys = list(ended.select_for_update().order_by("pk").values_list("pk", flat=True)[:TALLIED_AT_A_TIME])
    if not keys:
        return 0
    for ending, tally in _count(kind, kind.model._default_manager.filter(pk__in=keys)):
        stored, _created = JobTally.objects.select_for_update().get_or_create(kind=kind.name, **ending._asdict())
        tally.add(_read(stored, kind))
        stored.number, stored.timed, stored.seconds = tally.number, tally.timed, tally.seconds
        stored.within = {str(bound): number for bound, number in tally.within.items()}
        stored.save()
    Job.objects.filter(pk__in=keys).update(is_tallied=True)
    return len(keys)


def _forget_other_bounds(kind: Kind) -> None:
    """Where a release has other bounds for the histogram than the tallies were made with, all jobs count anew."""
    bounds = {str(float(bound)) for bound in kind.metrics.buckets}
    tallies = JobTally.objects.filter(kind=kind.name)
    if any(stored.within.keys() != bounds for stored in tallies):
        tallies.delete()
        Job.objects.filter(kind=kind.name, is_tallied=True).update(is_tallied=False)


def _read(stored: JobTally, kind: Kind) -> Tally:
    """With the kind's own bounds; for one that the tally lacks, those under the next lower bound."""
    within = {float(bound): number for bound, number in stored.within.items()}
    own = {
        float(bound): max((number for lower, number in within.items() if lower <= bound), default=0)
        for bound in kind.metrics.buckets
    }
    return Tally(stored.number, stored.timed, stored.seconds, own)


def _count(kind: Kind, jobs: QuerySet[Any]) -> Iterator[tuple[Ending, Tally]]:
    """The jobs counted by the database, in one query. Only runs of ended jobs are timed."""
    ran = Q(processing_seconds__isnull=False) & ~Q(status__in=Job.OPEN)
    within = {
        f"within_{number}": Count("pk", filter=ran & Q(processing_seconds__lte=bound))
        for number, bound in enumerate(kind.metrics.buckets)
    }
    names = ["county_id", *_label(kind), "status", "failure_reason"]
    groups = jobs.order_by().values(*names).annotate(
        number=Count("pk"), timed=Count("pk", filter=ran), seconds=Sum("processing_seconds", filter=ran), **within
    )  # fmt: skip
    for group in groups:
        label = "".join(group[name] for name in _label(kind))
        bounds = {float(bound): group[f"within_{number}"] for number, bound in enumerate(kind.metrics.buckets)}
        ending = Ending(group["county_id"], label, group["status"], group["failure_reason"])
        yield ending, Tally(group["number"], group["timed"], group["seconds"] or 0.0, bounds)


def _label(kind: Kind) -> Iterable[str]:
    return [kind.metrics.label] if kind.metrics.label else []
