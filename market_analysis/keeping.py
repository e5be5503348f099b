"""What an analysis leaves on the roll, for the other parts to use: stored with its result, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from terrafusion.roll.models import LayerFeature, Sale, SaleReview, TimeIndex
from terrafusion.roll.series_names import SeriesName

from .answer import Answer
from .indices.price_index import REPEAT_SALES
from .indices.repeat_sales import SHORTEST_HOLDING_DAYS
from .models import MarketAnalysisJob
from .parameters import DWELLINGS, FILTERS, selection_of, window
from .selection import Selection

BATCH = 1000


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


def keep_layer(job: MarketAnalysisJob, answer: Answer) -> Kept:
    """The surface takes the place of the last one: a layer like any other, which the GIS export delivers."""
    layer, surface = answer.numbers["layer"], answer.kept

    def forget_the_last() -> None:
        LayerFeature.objects.filter(county=job.county, layer=layer).delete()

    rows = [
        LayerFeature(
            county=job.county,
            layer=layer,
            feature_id=code[:64],
            name=f"{job.parameters['area'].replace('_', ' ')} {code}",
            geometry=geometry,
            attributes={**attributes, "job_id": str(job.pk)},
        )
        for code, geometry, attributes in zip(
            surface["area"],
            surface.geometry,
            surface.drop(columns=["area", "geometry"]).to_dict("records"),
            strict=True,
        )
    ]
    return Kept(rows, forget_the_last)


def keep_suggestions(job: MarketAnalysisJob, answer: Answer) -> Kept:
    """Suggestions for staff. A review that someone has decided is never touched; an open one goes when the screening
    looked at its sale and found nothing."""
    flagged: dict[int, list[dict[str, str]]] = dict(answer.kept)
    selection = selection_of(job.parameters)

    def store() -> None:
        _forget_open(job, selection, flagged)
        for keys in _batches(sorted(flagged)):
            on_roll = (
                Sale.objects.in_county(job.county).current().filter(pk__in=keys)
            )  # since the snapshot one may be gone
            decided = SaleReview.objects.filter(sale__in=keys).exclude(decision=SaleReview.Decision.UNDECIDED)
            open_keys = set(on_roll.values_list("pk", flat=True)) - set(decided.values_list("sale_id", flat=True))
            SaleReview.objects.bulk_create(
                [SaleReview(sale_id=key, suggested_reasons=flagged[key]) for key in sorted(open_keys)],
                update_conflicts=True,
                unique_fields=["sale"],
                update_fields=["suggested_reasons"],
            )

    return Kept(store=store)


def _forget_open(job: MarketAnalysisJob, selection: Selection, flagged: dict[int, list[dict[str, str]]]) -> None:
    if selection.filters:
        return
    still_open = {"decision": SaleReview.Decision.UNDECIDED, "reason": ""}
    looked_at = SaleReview.objects.filter(sale__county=job.county, sale__sale_price__gt=0, **still_open)
    looked_at = looked_at.exclude(suggested_reasons=[])
    if not job.parameters["include_invalid"]:
        looked_at = looked_at.filter(sale__is_valid=True)
    if selection.first is not None:
        looked_at = looked_at.filter(sale__sale_date__gte=selection.first)
    if selection.last is not None:
        looked_at = looked_at.filter(sale__sale_date__lte=selection.last)
    gone = [pk for pk, sale in looked_at.values_list("pk", "sale_id") if sale not in flagged]
    for keys in _batches(gone):
        # Still open: someone may have decided since the line above.
        SaleReview.objects.filter(pk__in=keys, **still_open).delete()


def _batches(keys: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(keys), BATCH):
        yield keys[start : start + BATCH]


def series_name(job: MarketAnalysisJob) -> str:
    """What valuation and ratio studies name, for example hedonic/county/quarter; everything that shapes the index."""
    asked = job.parameters
    filters = {
        name: tuple(asked[name])
        for name in FILTERS
        if asked.get(name) and not (name == "property_types" and asked[name] == list(DWELLINGS))
    }
    held = asked["shortest_holding_days"]
    unusual = asked["method"] == REPEAT_SALES and held != SHORTEST_HOLDING_DAYS
    return str(SeriesName(asked["method"], asked["period"], filters, *window(asked), held if unusual else None))
