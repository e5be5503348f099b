"""When a county's roll was last loaded and last changed, and the announcement that a load has changed it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.dispatch import Signal

from county_configs.models import County

from .models import LastLoad, Property, Sale

# Sent with `county` once a load that changed the county's roll is committed. A receiver that fails is logged, and the
# load stands.
roll_changed = Signal()


def record_load(county: County, loaded_at: datetime, *, changed: bool) -> None:
    """Call it inside the transaction of a load. changed: whether any record of the roll is not as it was."""
    last, created = LastLoad.objects.get_or_create(county=county, defaults={"loaded_at": loaded_at})
    if not created and last.loaded_at < loaded_at:
        LastLoad.objects.filter(county=county).update(loaded_at=loaded_at)
    if changed:
        transaction.on_commit(lambda: _announce(county), robust=True)


def _announce(county: County) -> None:
    roll_changed.send_robust(County, county=county)


def last_change(county: County) -> datetime | None:
    """When the county's roll last changed; None for an empty roll.

    The last load counts besides the rows: values, owners and layers have no time of their own.
    """
    moments = [
        model._default_manager.filter(county=county).aggregate(last=Max("updated_at"))["last"]
        for model in (Property, Sale)
    ]
    moments += LastLoad.objects.filter(county=county).values_list("loaded_at", flat=True)
    return max((moment for moment in moments if moment is not None), default=None)
