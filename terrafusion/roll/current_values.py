"""The values a property has on the current roll: of its county's latest tax year, by the latest supplement."""

from __future__ import annotations

from collections.abc import Collection
from functools import reduce
from operator import or_

from django.db import connection
from django.db.models import Q

from .models import AssessedValue, Property

# Walks the index of values from the newest year down to the first of the county's; the join's order is written down
# (SQLite keeps that of CROSS JOIN), since from the county's side all its values would be read and sorted.
_LATEST = """
    SELECT c.county_id,
           (SELECT v.tax_year FROM roll_assessedvalue v CROSS JOIN properties_operational p
             WHERE p.id = v.roll_property_id AND p.county_id = c.county_id
             ORDER BY v.tax_year DESC LIMIT 1) AS tax_year
      FROM counties c
     WHERE c.county_id IN ({counties})
"""


def latest_tax_years(county_ids: Collection[str]) -> dict[str, int]:
    """The newest tax year with a value on each county's roll; without the counties that have none. One query."""
    if not county_ids:
        return {}
    statement = _LATEST.format(counties=", ".join(["%s"] * len(county_ids)))
    with connection.cursor() as cursor:
        cursor.execute(statement, list(county_ids))
        return {county_id: tax_year for county_id, tax_year in cursor.fetchall() if tax_year is not None}


def with_current_values(properties: list[Property]) -> list[Property]:
    """The same properties, each with its `current_value`: None where it has none in that year. Two queries."""
    values = _values_of(properties)
    for each in properties:
        each.current_value = values.get(each.pk)  # type: ignore[attr-defined]
    return properties


def _values_of(properties: list[Property]) -> dict[int, AssessedValue]:
    by_county: dict[str, list[int]] = {}
    for each in properties:
        by_county.setdefault(each.county_id, []).append(each.pk)
    wanted = [
        Q(roll_property__in=by_county[county_id], tax_year=year)
        for county_id, year in latest_tax_years(by_county).items()
    ]
    if not wanted:
        return {}
    values = AssessedValue.objects.filter(reduce(or_, wanted)).order_by("supplement")
    return {value.roll_property_id: value for value in values}  # the last supplement stays
