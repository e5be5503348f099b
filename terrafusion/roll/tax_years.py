"""The tax years of a county's roll: which is the newest, and what stands on the roll of each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from county_configs.models import County

from .models import AssessedValue, CertifiedRoll, Property
from .querysets import AssessedValueQuerySet, PropertyQuerySet

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


@dataclass(frozen=True)
class TaxYear:
    """One year's roll of a county.

    The newest roll is open until it is certified, and holds current properties alone. A property that a load retired
    stays on the rolls before it and on a certified one: that it is gone today changes nothing about them.
    """

    county: County
    year: int

    @staticmethod
    def latest(county: County) -> int | None:
        """The newest tax year with a value on the county's roll."""
        return latest_tax_years([county.pk]).get(county.pk)

    @property
    def is_open(self) -> bool:
        certified = CertifiedRoll.objects.filter(county=self.county, tax_year=self.year)
        return (self.latest(self.county) or 0) <= self.year and not certified.exists()

    def properties(self) -> PropertyQuerySet:
        """Properties that may stand on the roll; those without a value in the year do not."""
        of_county = Property.objects.in_county(self.county)
        return of_county.current() if self.is_open else of_county

    def values(self) -> AssessedValueQuerySet:
        """The values on the roll, each by its latest supplement."""
        of_county = AssessedValue.objects.of_year(self.year).filter(roll_property__county=self.county)
        return of_county.filter(roll_property__retired_at__isnull=True) if self.is_open else of_county
