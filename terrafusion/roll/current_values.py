"""The values a property has on the current roll: of its county's latest tax year, by the latest supplement."""

from __future__ import annotations

from collections.abc import Collection
from functools import reduce
from operator import or_

from django.db import connection
from django.db.models import Q

from .models import AssessedValue, Property

# From the newest year on the roll of any county down to the first in which this county has a value: each step is a look
# into an index, where a maximum over the county would read all its values. LIMIT 1 instead of EXISTS, which PostgreSQL
# turns into a join over all of them.
_LATEST = """
    WITH RECURSIVE tried(county_id, tax_year) AS (
        SELECT c.county_id, (SELECT max(tax_year) FROM roll_assessedvalue)
          FROM counties c
         WHERE c.county_id IN ({counties})
           AND (SELECT v.id FROM properties_operational p
                  JOIN roll_assessedvalue v ON v.roll_property_id = p.id
                 WHERE p.county_id = c.county_id LIMIT 1) IS NOT NULL
        UNION ALL
        SELECT t.county_id, (SELECT max(v.tax_year) FROM roll_assessedvalue v WHERE v.tax_year < t.tax_year)
          FROM tried t
         WHERE (SELECT v.id FROM properties_operational p
                  JOIN roll_assessedvalue v ON v.roll_property_id = p.id AND v.tax_year = t.tax_year
                 WHERE p.county_id = t.county_id LIMIT 1) IS NULL
    )
    SELECT county_id, min(tax_year) FROM tried GROUP BY county_id
"""


def latest_tax_years(county_ids: Collection[str]) -> dict[str, int]:
    """The newest tax year with a value on each county's roll; without the counties that have none. One query."""
    if not county_ids:
        return {}
    statement = _LATEST.format(counties=", ".join(["%s"] * len(county_ids)))
    with connection.cursor() as cursor:
        cursor.execute(statement, list(county_ids))
        return dict(cursor.fetchall())


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
