"""Prometheus metrics read from the job table: right over restarts, over many hosts, and never falling.

Names, labels and buckets are fixed by the contract.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Count, Q, Sum
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


class JobCollector(Collector):
    """Counts the job rows at each scrape, one query a metric family."""

    def collect(self) -> Iterator[Metric]:
        for kind in every_kind():
            yield from _counters(kind)
            yield _durations(kind)
        yield from _queue()


def _labels(kind: Kind) -> list[str]:
    extra = kind.metrics.label
    return ["county_id", *([extra] if extra else [])]


def _counters(kind: Kind) -> Iterator[Metric]:
    prefix, labels = f"{kind.metrics.prefix}_jobs", _labels(kind)
    submitted = CounterMetricFamily(f"{prefix}_submitted", "Jobs accepted.", labels=[*labels, "status_on_submit"])
    completed = CounterMetricFamily(f"{prefix}_completed", "Jobs completed.", labels=labels)
    failed = CounterMetricFamily(f"{prefix}_failed", "Jobs failed.", labels=[*labels, "failure_reason"])
    cancelled = CounterMetricFamily(f"{prefix}_cancelled", "Jobs cancelled.", labels=labels)
    totals: dict[tuple[str, ...], int] = defaultdict(int)
    rows = kind.model.objects.order_by().values_list(*labels, "status", "failure_reason")
    for *where, status, reason, count in rows.annotate(count=Count("pk")):
        totals[tuple(where)] += count
        if status == Job.Status.COMPLETED:
            completed.add_metric(where, count)
        elif status == Job.Status.CANCELLED:
            cancelled.add_metric(where, count)
        elif status == Job.Status.FAILED:
            failed.add_metric([*where, reason], count)
    for labelled, count in totals.items():
        submitted.add_metric([*labelled, Job.Status.PENDING], count)
    yield from (submitted, completed, failed, cancelled)


def _durations(kind: Kind) -> Metric:
    metrics, labels = kind.metrics, _labels(kind)
    family = HistogramMetricFamily(
        f"{metrics.prefix}_processing_duration_seconds",
        "Seconds from the start of a job's last run to its end, however it ended.",
        labels=labels,
    )
    within = {
        f"within_{i}": Count("pk", filter=Q(processing_seconds__lte=bound)) for i, bound in enumerate(metrics.buckets)
    }
    ended = kind.model.objects.exclude(status__in=Job.OPEN).filter(processing_seconds__isnull=False)
    rows = ended.order_by().values(*labels)
    for row in rows.annotate(count=Count("pk"), total=Sum("processing_seconds"), **within):
        buckets = [(f"{float(bound)}", row[f"within_{i}"]) for i, bound in enumerate(metrics.buckets)]
        family.add_metric([row[name] for name in labels], [*buckets, ("+Inf", row["count"])], row["total"] or 0.0)
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
