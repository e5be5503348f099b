"""Reading the roll in the office's words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Self

from django.db import models
from django.db.models import Count, Q

from terrafusion.errors import TerraFusionError

from .geometry import LocatedQuerySet
from .market_levels import MarketLevels, levels_of
from .sale_fitness import LeftOut, arms_length, reason_left_out
from .series_names import SeriesName

SHOWN_SERIES = 20


class UnknownIndex(TerraFusionError):
    """The county has no price index of this name."""


def parcel_number_key(parcel_number: str) -> str:
    """The parcel number as it is searched: no dashes, dots or spaces, upper case."""
    return "".join(each for each in parcel_number if each.isalnum()).upper()


class PropertyQuerySet(LocatedQuerySet):
    def in_county(self, county: Any) -> Self:
        return self.filter(county=county)

    def current(self) -> Self:
        """On the roll today: not retired by a later load."""
        return self.filter(retired_at__isnull=True)

    def in_neighborhood(self, neighborhood: str) -> Self:
        return self.filter(neighborhood=neighborhood)

    def in_scope(self, scope: Mapping[str, Any]) -> Self:
        """`{"neighborhood": code}`, or `{"county": true}` for every current property."""
        if "neighborhood" in scope:
            return self.current().in_neighborhood(scope["neighborhood"])
        return self.current()

    def matching(self, text: str) -> Self:
        """Parcel numbers that begin with the text, or situs addresses that hold it."""
        by_situs = Q(situs_address__icontains=text.strip())
        key = parcel_number_key(text)
        return self.filter(Q(parcel_number_key__startswith=key) | by_situs if key else by_situs)


class SaleQuerySet(models.QuerySet):
    def in_county(self, county: Any) -> Self:
        return self.filter(county=county)

    def current(self) -> Self:
        """Not retired by a later load, arm's length or not."""
        return self.filter(retired_at__isnull=True)

    def valid(self) -> Self:
        """Arm's-length sales: a reviewer's decision where there is one, else the county's validity code."""
        return self.current().filter(arms_length())

    def of_one_parcel(self) -> Self:
        """Sales whose deed conveys a single parcel: its price is that parcel's price."""
        return self.filter(parcel_count=1)

    def before(self, day: date) -> Self:
        """Sold before the day; the day itself is not included."""
        return self.filter(sale_date__lt=day)

    def since(self, day: date) -> Self:
        """Sold on the day or later."""
        return self.filter(sale_date__gte=day)

    def judged(self) -> Self:
        """With `left_out`: why the sale speaks for none of its properties, '' where it may. One row for each parcel."""
        return self.annotate(left_out=reason_left_out("", "parcels__"))


class SaleParcelQuerySet(models.QuerySet):
    def in_county(self, county: Any) -> Self:
        return self.filter(sale__county=county)

    def judged(self) -> Self:
        """With `left_out`: why the sale does not speak for the property, '' where it may."""
        return self.annotate(left_out=reason_left_out("sale__", ""))

    def fit(self) -> Self:
        """The sales that may speak for the property they conveyed: see sale_fitness.py."""
        return self.judged().filter(left_out="")

    def left_out_counts(self) -> dict[LeftOut, int]:
        """How many sales do not speak, under each reason that holds for one at least."""
        counted = self.judged().exclude(left_out="").order_by().values_list("left_out")
        found = dict(counted.annotate(number=Count("sale", distinct=True)))
        return {reason: found[reason] for reason in LeftOut if reason in found}


class TimeIndexQuerySet(models.QuerySet):
    def levels(self, county: Any, series: str) -> MarketLevels:
        """The county's index of this name. Raises UnknownIndex naming those it has."""
        of_county = self.filter(county=county)
        periods = list(of_county.filter(series=series, level__gt=0).values_list("period_start", "level"))
        if not periods:
            names = of_county.order_by("series").values_list("series", flat=True).distinct()[:SHOWN_SERIES]
            raise UnknownIndex(f"{county.pk} has no price index {series!r}. It has: {', '.join(names) or 'none'}.")
        name = SeriesName.parse(series)
        return levels_of(periods, name.days_a_period if name else None)
