"""What an analysis leaves on the roll, for the other parts to use: stored with its result, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from terrafusion.roll.models import TimeIndex

from .answer import Answer
from .models import MarketAnalysisJob
from .parameters import DWELLINGS, FILTERS

LONGEST_SERIES = 100


@dataclass(frozen=True)
class Kept:
    """rows: new rows of the roll. store: what the database must do before they come."""

    rows: Iterable[Any] = ()
    store: Callable[[], None] | None = None


def keep_nothing(job: MarketAnalysisJob, answer: Answer) -> Kept:
    return Kept()


def keep_time_index(job: MarketAnalysisJob, answer: Answer) -> Kept:
    """The chosen index takes the place of the last one of the same series."""
    series = series_name(job)

    def forget_the_last() -> None:
        TimeIndex.objects.filter(county=job.county, series=series).delete()

    rows = [
        TimeIndex(
            county=job.county,
            series=series,
            period_start=start,
            level=level,
            standard_error=error,
            sales_volume=volume,
            job_id=job.pk,
        )
        for start, level, error, volume in answer.kept
    ]
    return Kept(rows, forget_the_last)


def series_name(job: MarketAnalysisJob) -> str:
    """Method, area and period, for example hedonic/county/quarter: what valuation and ratio studies name."""
    asked = job.parameters
    parts = [
        f"{name}={'+'.join(asked[name])}"
        for name in FILTERS
        if asked.get(name) and not (name == "property_types" and asked[name] == list(DWELLINGS))
    ]
    name = "/".join([asked["method"], *(parts or ["county"]), asked["period"]])
    return name if len(name) <= LONGEST_SERIES else f"{name[: LONGEST_SERIES - 13]}~{str(job.pk)[:12]}"
