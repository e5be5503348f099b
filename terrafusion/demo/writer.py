"""Writes the demo county to the roll, whole or not at all, and only when it is not there yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.db import models, transaction
from tqdm import tqdm

from county_configs.models import County
from terrafusion.errors import TerraFusionError
from terrafusion.roll.boundary import BOUNDARY_LAYER
from terrafusion.roll.models import (
    AssessedValue,
    Improvement,
    LayerFeature,
    Owner,
    Property,
    Sale,
    SaleParcel,
    SaleReview,
    ValueEstimate,
)

from . import rows
from .county import DemoCounty

DEMO_COUNTY_ID = "demo"
BATCH_ROWS = 2000


class NotTheDemoCounty(TerraFusionError):
    """The county is a real one, whose roll must never get invented parcels."""


def write_demo_county(demo: DemoCounty, county: County, *, show_progress: bool = False) -> bool:
    """Gives true when rows were written, and false when the same county was already there.

    Everything else the demo county holds is replaced, including estimates and sale reviews.
    """
    if county.county_id != DEMO_COUNTY_ID:
        raise NotTheDemoCounty(
            f"The demo county is written to {DEMO_COUNTY_ID!r} only; {county.county_id!r} is left as it is."
        )
    mark = {"parcels": demo.parcels, "seed": demo.seed, "as_of": str(demo.as_of), "digest": demo.digest()}
    with transaction.atomic():
        if _is_up_to_date(county, mark):
            return False
        _remove(county)
        _write(demo, county, mark, show_progress)
    return True


def _is_up_to_date(county: County, mark: dict[str, Any]) -> bool:
    boundary = LayerFeature.objects.filter(county=county, layer=BOUNDARY_LAYER).first()
    if boundary is None or boundary.attributes != mark:
        return False
    return Property.objects.in_county(county).count() == mark["parcels"]


def _remove(county: County) -> None:
    """Removes the county. Rows that belong to a parcel go first, in one statement per table, or Django would look them
    up parcel by parcel."""
    for model in (Improvement, Owner, AssessedValue, ValueEstimate, SaleParcel):
        model._default_manager.filter(roll_property__county=county).delete()
    SaleReview.objects.filter(sale__county=county).delete()
    Sale.objects.in_county(county).delete()
    Property.objects.in_county(county).delete()
    LayerFeature.objects.filter(county=county).delete()


def _write(demo: DemoCounty, county: County, mark: dict[str, Any], show_progress: bool) -> None:
    parcels, rolls = len(demo.fabric), len(demo.rolls)
    deeds, conveyed = len(demo.sales), len(demo.owners.parcel_sale)
    improved = int(demo.dwellings.is_improved.sum())
    total = parcels * (1 + 2 * rolls) + improved + deeds + conveyed + len(demo.fabric.areas)
    with tqdm(total=total, unit=" rows", desc="Demo county", disable=None if show_progress else True) as bar:
        keys = _insert(Property, rows.properties(demo, county), bar)
        _insert(Improvement, rows.improvements(demo, keys), bar)
        _insert(AssessedValue, rows.assessed_values(demo, keys), bar)
        _insert(Owner, rows.owners(demo, keys), bar)
        sale_keys = _insert(Sale, rows.sales(demo, county), bar)
        _insert(SaleParcel, rows.sale_parcels(demo, sale_keys, keys), bar)
        _insert(LayerFeature, rows.layer_features(demo, county, mark), bar)


def _insert(model: type[models.Model], instances: Iterable[models.Model], bar: tqdm) -> list[int]:
    """Inserts the instances and gives their primary keys, in the same order."""
    keys: list[int] = []
    for batch in _batches(instances):
        keys.extend(instance.pk for instance in model._default_manager.bulk_create(batch))
        bar.update(len(batch))
    return keys


def _batches(instances: Iterable[models.Model]) -> Iterator[list[models.Model]]:
    remaining = iter(instances)
    while batch := list(islice(remaining, BATCH_ROWS)):
        yield batch
