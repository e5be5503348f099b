"""The values a property has on the current roll: of its county's latest tax year, by the latest supplement."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db.models import Q

from .models import AssessedValue, Property
from .tax_years import latest_tax_years


def with_current_values(properties: list[Property]) -> list[Property]:
    """The same properties, each with its `current_value`: None where it has none in that year. Two queries."""
    values = _values_of(properties)
    for row in properties:
        row.current_value = values.get(row.pk)  # type: ignore[attr-defined]
    return properties


def _values_of(properties: list[Property]) -> dict[int, AssessedValue]:
    by_county: dict[str, list[int]] = {}
    for row in properties:
        by_county.setdefault(row.county_id, []).append(row.pk)
    wanted = [
        Q(roll_property__in=by_county[county_id], tax_year=year)
        for county_id, year in latest_tax_years(by_county).items()
    ]
    if not wanted:
        return {}
    values = AssessedValue.objects.filter(reduce(or_, wanted)).of_latest_supplements()
    return {value.roll_property_id: value for value in values}
