"""How a report was made: the facts a reader needs to make it again and get the same numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Max

from county_configs.models import County
from terrafusion import __version__
from terrafusion.digests import json_digest
from terrafusion.roll.models import Property, Sale, SaleReview

from .document import Fact


def data_as_of(county: County) -> str | None:
    """When the county's properties, sales or sale reviews last changed: UTC, RFC 3339. None when it has none."""
    changes = [
        model._default_manager.filter(**{path: county}).aggregate(at=Max(field))["at"]
        for model, path, field in (
            (Property, "county", "updated_at"),
            (Sale, "county", "updated_at"),
            (SaleReview, "sale__county", "decided_at"),
        )
    ]
    known = [change for change in changes if change is not None]
    return max(known).strftime("%Y-%m-%dT%H:%M:%SZ") if known else None


def filters_in_words(filters: Mapping[str, Any]) -> str:
    return "; ".join(f"{name.replace('_', ' ')} = {value}" for name, value in filters.items()) or "none"


def facts_of(
    county: County,
    tax_year: int | None,
    filters: Mapping[str, Any],
    input_digest: str,
    *,
    trim_rule: str = "not applied",
    seed: int | str = "no random numbers used",
    more: Mapping[str, tuple[str, Any]] | None = None,
) -> list[Fact]:
    """The facts every report carries. more: facts of this report alone, (label, value) by name."""
    return [
        Fact("county_id", "County", county.pk),
        *([] if tax_year is None else [Fact("tax_year", "Tax year", str(tax_year))]),
        Fact("data_as_of", "Data as of", data_as_of(county)),
        Fact("filters", "Filters", filters_in_words(filters)),
        Fact("trim_rule", "Trim rule", trim_rule),
        *(Fact(name, label, value) for name, (label, value) in (more or {}).items()),
        Fact("seed", "Seed", seed),
        Fact("config_digest", "Configuration digest (SHA-256)", json_digest(county.settings_json)),
        Fact("input_digest", "Input digest (SHA-256)", input_digest),
        Fact("software", "Software", f"TerraFusion {__version__}"),
    ]
