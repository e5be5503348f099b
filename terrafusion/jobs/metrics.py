"""Prometheus metrics read from the job table: right over restarts, over many hosts, and never falling.

Names, labels and buckets are fixed by the contract.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Iterator, Mapping

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from .models import Job
from .registry import Kind, every_kind
from .tallies import Ending, Tally, tallies_of


class JobCollector(Collector):
    """Counts the jobs at each scrape: their tallies, and the rows that are not tallied yet."""

    def collect(self) -> Iterator[Metric]:
        for kind in every_kind():
            tallies = tallies_of(kind)
            yield from _counters(kind, tallies)
            yield _durations(kind, tallies)
        yield from _queue()


def _labels(kind: Kind) -> list[str]:
    extra = kind.metrics.label
    return ["county_id", *([extra] if extra else [])]


def _values(kind: Kind, ending: Ending) -> tuple[str, ...]:
    return (ending.county_id, ending.label) if kind.metrics.label else (ending.county_id,)


def _counters(kind: Kind, tallies: Mapping[Ending, Tally]) -> Iterator[Metric]:
    prefix, labels = f"{kind.metrics.prefix}_jobs", _labels(kind)
    submitted = CounterMetricFamily(f"{prefix}_submitted", "Jobs accepted.", labels=[*labels, "status_on_submit"])
    completed = CounterMetricFamily(f"{prefix}_completed", "Jobs completed.", labels=labels)
    failed = CounterMetricFamily(f"{prefix}_failed", "Jobs failed.", labels=[*labels, "failure_reason"])
    cancelled = CounterMetricFamily(f"{prefix}_cancelled", "Jobs cancelled.", labels=labels)
    totals: dict[tuple[str, ...], int] = defaultdict(int)
    for ending, tally in tallies.items():
        where = _values(kind, ending)
        totals[where] += tally.number
        if ending.status == Job.Status.COMPLETED:
            completed.add_metric(where, tally.number)
        elif ending.status == Job.Status.CANCELLED:
            cancelled.add_metric(where, tally.number)
        elif ending.status == Job.Status.FAILED:
            failed.add_metric([*where, ending.failure_reason], tally.number)
    for where, number in totals.items():
        submitted.add_metric([*where, Job.Status.PENDING], number)
    yield from (submitted, completed, failed, cancelled)


def _durations(kind: Kind, tallies: Mapping[Ending, Tally]) -> Metric:
    family = HistogramMetricFamily(
        f"{kind.metrics.prefix}_processing_duration_seconds",
        "Seconds from the start of a job's last run to its end, however it ended.",
        labels=_labels(kind),
    )
    totals: dict[tuple[str, ...], Tally] = defaultdict(Tally)
    for ending, tally in tallies.items():
        totals[_values(kind, ending)].add(tally)
    for where, total in totals.items():
        if total.timed:
            buckets = [(f"{bound}", total.within[bound]) for bound in map(float, kind.metrics.buckets)]
            family.add_metric(where, [*buckets, ("+Inf", total.timed)], total.seconds)
    return family


def _queue() -> Iterator[Metric]:
    open_jobs = GaugeMetricFamily(
        "terrafusion_jobs_open", "Jobs waiting or running now.", labels=["county_id", "status"]
    )
    rows = Job.objects.filter(status__in=Job.OPEN).order_by().values_list("county_id", "status")
    for county_id, status, count in rows.annotate(count=Count("pk")):
        open_jobs.add_metric([county_id, status], count)
    yield open_jobs


def metrics_view(request: HttpRequest) -> HttpResponse:
    """GET /metrics. Needs `Authorization: Bearer <TERRAFUSION_METRICS_TOKEN>` unless METRICS_OPEN."""
    expected = f"Bearer {settings.METRICS_TOKEN}"
    given = request.headers.get("Authorization", "")
    open_to_all = settings.METRICS_OPEN and not settings.METRICS_TOKEN
    if not open_to_all and (not settings.METRICS_TOKEN or not hmac.compare_digest(given.encode(), expected.encode())):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry(auto_describe=False)
    registry.register(JobCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
