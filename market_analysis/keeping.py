"""What an analysis writes to the roll, for other parts to use. It is stored with the result, in one transaction."""

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
class RollChanges:
    """The changes that an analysis makes to the roll.

    rows: new rows. store: writes to the database before the rows are inserted.
    """

    rows: Iterable[Any] = ()
    store: Callable[[], None] | None = None


def keep_nothing(job: MarketAnalysisJob, answer: Answer) -> RollChanges:
    """The answer of the analysis is in its result only."""
    return RollChanges()


def keep_time_index(job: MarketAnalysisJob, answer: Answer) -> RollChanges:
    """The chosen index replaces the last one of the same series."""
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
        for start, level, error, volume in answer.for_roll
    ]
    return RollChanges(rows, forget_the_last)


def keep_layer(job: MarketAnalysisJob, answer: Answer) -> RollChanges:
    """The surface replaces the last one. It is an ordinary layer of the roll, which the GIS export can deliver."""
    layer, surface = answer.numbers["layer"], answer.for_roll

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
    return RollChanges(rows, forget_the_last)


def keep_suggestions(job: MarketAnalysisJob, answer: Answer) -> RollChanges:
    """The suggestions replace those of the last screening, in the open reviews of the sales that were screened.

    A review that someone has decided is never changed.
    """
    flagged: dict[int, list[dict[str, str]]] = dict(answer.for_roll)
    selection = selection_of(job.parameters)

    def store() -> None:
        _forget_open(job, selection, flagged)
        for keys in _batches(sorted(flagged)):
            # A sale of the snapshot may have left the roll since.
            on_roll = Sale.objects.in_county(job.county).current().filter(pk__in=keys)
            decided = SaleReview.objects.filter(sale__in=keys).exclude(decision=SaleReview.Decision.UNDECIDED)
            open_keys = set(on_roll.values_list("pk", flat=True)) - set(decided.values_list("sale_id", flat=True))
            SaleReview.objects.bulk_create(
                [SaleReview(sale_id=key, suggested_reasons=flagged[key]) for key in sorted(open_keys)],
                update_conflicts=True,
                unique_fields=["sale"],
                update_fields=["suggested_reasons"],
            )

    return RollChanges(store=store)


def _forget_open(job: MarketAnalysisJob, selection: Selection, flagged: dict[int, list[dict[str, str]]]) -> None:
    """Deletes the open reviews of sales that were screened and not flagged.

    A screening with filters deletes none, because the filters are not applied to the reviews.
    """
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
        # The condition is repeated, because someone may have decided since the keys were read.
        SaleReview.objects.filter(pk__in=keys, **still_open).delete()


def _batches(keys: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(keys), BATCH):
        yield keys[start : start + BATCH]


def series_name(job: MarketAnalysisJob) -> str:
    """The name under which valuation and ratio studies refer to the index, for example hedonic/county/quarter.

    It holds every parameter on which the index depends.
    """
    parameters = job.parameters
    filters = {
        name: tuple(parameters[name])
        for name in FILTERS
        if parameters.get(name) and not (name == "property_types" and parameters[name] == list(DWELLINGS))
    }
    holding_days = parameters["shortest_holding_days"]
    unusual = parameters["method"] == REPEAT_SALES and holding_days != SHORTEST_HOLDING_DAYS
    return str(
        SeriesName(
            parameters["method"], parameters["period"], filters, *window(parameters), holding_days if unusual else None
        )
    )
