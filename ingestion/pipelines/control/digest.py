"""A digest of a county's whole roll. The same rows give the same digest, in whatever order they were loaded."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import shapely
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from county_configs.models import County
from ingestion.transforms.roll_fields import TARGETS
from terrafusion.roll.models import SaleParcel

# Our own keys and timestamps differ from load to load, so they are left out. Everything a county knows is included.
_APART = {"id", "county", "roll_property", "created_at", "updated_at", "lineage", "west", "south", "east", "north"}
_MODULUS = 1 << 256


def roll_digest(county: County) -> str:
    """The sum of the SHA-256 digests of all rows, retired ones included. Reads the whole roll.

    The digest of a row covers its natural key and its values.
    """
    total = 0
    for target in TARGETS.values():
        path = "roll_property__county" if target.hangs_on_property else "county"
        names = [field.name for field in target.model._meta.concrete_fields if field.name not in _APART]
        names.append("roll_property__property_id" if target.hangs_on_property else "county_id")
        total += _sum(target.model._default_manager.filter(**{path: county}), names)
    ties = SaleParcel.objects.filter(sale__county=county)
    total += _sum(ties, ["sale__sale_id", "roll_property__property_id"])
    return f"{total % _MODULUS:064x}"


def _sum(rows: models.QuerySet[Any], names: list[str]) -> int:
    table = rows.model._meta.db_table
    total = 0
    for row in rows.order_by().values_list(*names).iterator(chunk_size=5000):
        text = json.dumps([table, *map(_plain, row)], cls=DjangoJSONEncoder, sort_keys=True)
        total += int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    return total


def _plain(value: Any) -> Any:
    if hasattr(value, "strftime") and hasattr(value, "hour"):
        return "set"  # retired_at: whether it is set counts, the time does not
    return shapely.to_wkb(value, hex=True) if hasattr(value, "geom_type") else value
