"""Reads the roll of a tax year, parcel by parcel in the order of parcel numbers, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, Sum

from accounts.models import User
from county_configs.models import County
from terrafusion.roll.models import AssessedValue, Owner, Property
from terrafusion.roll.querysets import AssessedValueQuerySet
from terrafusion.roll.tax_years import TaxYear

from ..ratio_study.sales_from_roll import property_filter
from .listing import AMOUNTS, ControlTotals, RollEntry

BATCH = 4000  # properties read at a time
DESCRIBED = (
    "property_id", "parcel_number", "situs_address", "situs_city", "zip_code", "legal_description", "tax_code_area",
    "use_code", "property_class", "acres",
)  # fmt: skip


def values_of_year(county: County, tax_year: int, filters: Mapping[str, str]) -> AssessedValueQuerySet:
    """The values on the year's roll whose property matches the filters."""
    return TaxYear(county, tax_year).values().filter(property_filter(filters, "roll_property__"))


def totals_in_database(county: County, tax_year: int, filters: Mapping[str, str]) -> ControlTotals:
    """Summed by the database itself, to hold the listing against."""
    totals = ControlTotals()
    grouped = values_of_year(county, tax_year, filters).values_list(
        "roll_property__property_class", "roll_property__tax_code_area"
    )
    sums = {f"sum_{amount}": Sum(amount) for amount in AMOUNTS}
    for property_class, area, number, *amounts in grouped.order_by().annotate(number=Count("pk"), **sums):
        totals.add(property_class, area, number, amounts)
    return totals


def roll_entries(
    county: County, tax_year: int, filters: Mapping[str, str], *, with_owner: bool = False, reader: User | None = None
) -> Iterator[RollEntry]:
    """Every property on the year's roll. One batch is in memory at a time.

    reader: to whom the owners are shown; None is the system itself.
    """
    on_roll = TaxYear(county, tax_year).properties()
    properties = on_roll.filter(property_filter(filters)).order_by("parcel_number", "pk")
    after: tuple[str, int] | None = None
    while True:
        page = properties
        if after is not None:
            # The first condition lets the index on parcel numbers find the place.
            beyond = Q(parcel_number__gt=after[0]) | Q(pk__gt=after[1])
            page = properties.filter(beyond, parcel_number__gte=after[0])
        rows = list(page.values_list("pk", *DESCRIBED)[:BATCH])
        if not rows:
            return
        keys = [row[0] for row in rows]
        yield from _entries_of(rows, tax_year, _owners(keys, tax_year, reader) if with_owner else {})
        after = (rows[-1][1 + DESCRIBED.index("parcel_number")], rows[-1][0])


def _entries_of(rows: Sequence[tuple[Any, ...]], tax_year: int, owners: Mapping[int, str]) -> Iterator[RollEntry]:
    keys = [row[0] for row in rows]
    now, before = _amounts(keys, tax_year), _amounts(keys, tax_year - 1)
    total, taxable = AMOUNTS.index("market_total"), AMOUNTS.index("taxable_value")
    for key, *described in rows:
        amounts = now.get(key)
        if amounts is None:
            continue  # counted by properties_without_value
        prior = before.get(key)
        yield RollEntry(
            described=dict(zip(DESCRIBED, described, strict=True)),
            amounts=dict(zip(AMOUNTS, amounts, strict=True)),
            prior_total=prior[total] if prior else None,
            prior_taxable=prior[taxable] if prior else None,
            owner=owners.get(key, ""),
        )


def _amounts(keys: Sequence[int], tax_year: int) -> dict[int, tuple[int, ...]]:
    values = AssessedValue.objects.of_year(tax_year).filter(roll_property__in=keys)
    return {key: tuple(amounts) for key, *amounts in values.values_list("roll_property_id", *AMOUNTS)}


def _owners(keys: Sequence[int], tax_year: int, reader: User | None) -> dict[int, str]:
    """The year's current owners by property, the largest share first."""
    names: dict[int, list[str]] = {}
    owners: Any = Owner.objects.current().filter(roll_property__in=keys, tax_year=tax_year).by_share().shown_to(reader)
    for key, name in owners.values_list("roll_property_id", "shown_name"):
        names.setdefault(key, []).append(name or "")
    return {key: names_in_one(of_property) for key, of_property in names.items()}


def names_in_one(names: Iterable[str]) -> str:
    """Each name once, as one text."""
    return "; ".join(dict.fromkeys(name for name in names if name))


def properties_without_value(county: County, tax_year: int, filters: Mapping[str, str]) -> int:
    """On the roll today, but with no assessed value in the year."""
    valued = AssessedValue.objects.filter(roll_property=OuterRef("pk"), tax_year=tax_year)
    current = Property.objects.in_county(county).current().filter(property_filter(filters))
    return int(current.filter(~Exists(valued)).count())
