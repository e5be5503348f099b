"""Reading the roll in the office's words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from terrafusion.errors import TerraFusionError

from .current import CurrentQuerySet
from .geometry import LocatedQuerySet
from .market_levels import MarketLevels, levels_of
from .personal_names import Reader, shown_text
from .sale_fitness import LeftOut, arms_length, reason_left_out
from .series_names import SeriesName
from .statements import stored_rows

SHOWN_SERIES = 20


class UnknownIndex(TerraFusionError):
    """The county has no price index of this name."""


def parcel_number_key(parcel_number: str) -> str:
    """The parcel number in the form that searches compare: upper case, without dashes, dots or spaces."""
    return "".join(character for character in parcel_number if character.isalnum()).upper()


class LayerFeatureQuerySet(LocatedQuerySet):
    def in_county(self, county: Any) -> Self:
        return self.filter(county=county)


class OwnerQuerySet(CurrentQuerySet):
    def of_latest_year(self) -> Self:
        """Current owners of the newest tax year for which their property has any."""
        newer = type(self)(self.model).current()
        newer = newer.filter(roll_property=OuterRef("roll_property"), tax_year__gt=OuterRef("tax_year"))
        return self.current().filter(~Exists(newer))

    def by_share(self) -> Self:
        """The owner with the largest share first."""
        return self.order_by("-share", "pk")

    def shown_to(self, reader: Reader) -> Self:
        """With `shown_name` and `shown_mailing_address`, as the reader may see them: see personal_names.py."""
        county, confidential = "roll_property__county", Q(confidential=True)
        return self.annotate(
            shown_name=shown_text("name", reader, county, confidential),
            shown_mailing_address=shown_text("mailing_address", reader, county, confidential),
        )


class PropertyQuerySet(LocatedQuerySet):
    def in_county(self, county: Any) -> Self:
        return self.filter(county=county)

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


class AssessedValueQuerySet(models.QuerySet):
    def of_year(self, tax_year: int) -> Self:
        """The value of each property in the tax year: that of its latest supplement."""
        return self.filter(tax_year=tax_year).of_latest_supplements()

    def of_latest_supplements(self) -> Self:
        """One value for each property and tax year: a later supplement supersedes the earlier ones."""
        later = type(self)(self.model).filter(
            roll_property=OuterRef("roll_property"),
            tax_year=OuterRef("tax_year"),
            supplement__gt=OuterRef("supplement"),
        )
        return self.filter(~Exists(later))


class SaleQuerySet(CurrentQuerySet):
    def in_county(self, county: Any) -> Self:
        return self.filter(county=county)

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
        return self.annotate(left_out=reason_left_out("", "parcels__", type(self)(self.model)))

    def parties_shown_to(self, reader: Reader) -> Self:
        """With `shown_grantor` and `shown_grantee`, as the reader may see them: see personal_names.py.

        Owners of every year count, former ones too: a deed names those who owned the property when it was made.
        """
        conveyed = type(self)(self.model).filter(pk=OuterRef("pk"))
        confidential = Exists(conveyed.filter(properties__owners__confidential=True))
        return self.annotate(
            shown_grantor=shown_text("grantor", reader, "county", confidential),
            shown_grantee=shown_text("grantee", reader, "county", confidential),
        )


class SaleParcelQuerySet(models.QuerySet):
    def in_county(self, county: Any) -> Self:
        return self.filter(sale__county=county)

    def current(self) -> Self:
        """Of sales that no later load retired; whether their property is current is not looked at."""
        return self.filter(sale__retired_at__isnull=True)

    def judged(self) -> Self:
        """With `left_out`: why the sale does not speak for the property, '' where it may."""
        return self.annotate(left_out=reason_left_out("sale__", "", type(self)(self.model)))

    def fit(self) -> Self:
        """The sales that may speak for the property they conveyed: see sale_fitness.py."""
        return self.judged().filter(left_out="")

    def left_out_as(self, *reasons: LeftOut) -> Self:
        """The sales that do not speak for the property, for one of the reasons."""
        return self.judged().filter(left_out__in=reasons)

    def divided(self, *fields: str, as_stored: bool = False) -> tuple[list[tuple[Any, ...]], dict[LeftOut, int]]:
        """The fields of the sales that may speak, and how many sales do not, by reason; one query.

        Reasons stand in the order of LeftOut; one that holds for no sale is absent.
        as_stored: the fields as `stored_rows` gives them.
        """
        judged = self.judged().values_list("left_out", "sale_id", *fields)
        silent: dict[str, set[int]] = {}
        speaking = []
        for row in stored_rows(judged) if as_stored else judged:
            if row[0]:
                silent.setdefault(row[0], set()).add(row[1])
            else:
                speaking.append(row[2:])
        return speaking, {reason: len(silent[reason]) for reason in LeftOut if reason in silent}


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
