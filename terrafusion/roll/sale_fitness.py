"""Which sales may speak for the property they conveyed, and why each of the others may not.

A sale speaks for a property when its price is the arm's-length price of that property alone, as the roll describes it.
This is the only place for the rule: valuation, ratio studies and market analysis ask here.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, TextChoices, Value, When
from django.db.models.functions import ExtractYear
from django.db.models.lookups import LessThan

VALID, INVALID = "valid", "invalid"  # the decisions of a SaleReview that settle the matter


class LeftOut(TextChoices):
    """Why a sale speaks for no property: the first reason that holds, in this order."""

    RETIRED = "retired", "The sale or its property is no longer on the roll"
    NOT_ARMS_LENGTH = "not_arms_length", "Not an arm's-length sale by code, review or price"
    SEVERAL_PARCELS = "several_parcels", "The deed conveys several parcels"
    BEFORE_BUILT = "before_built", "The land was sold before its house stood"
    DUPLICATE = "duplicate", "The same property, date and price stand on another sale too"


class YearOfDate(ExtractYear):
    """The year of a date column. On SQLite by its text: Django's way calls Python for every row."""

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        sql, parameters = compiler.compile(self.lhs)
        return f"CAST(substr({sql}, 1, 4) AS INTEGER)", parameters


def arms_length(sale: str = "") -> Q:
    """A reviewer's decision where there is one, else the county's validity code; and a price.

    sale: the path to the sale, for example `sale__`.
    """
    confirmed = Q(**{f"{sale}review__decision": VALID})
    rejected = Q(**{f"{sale}review__decision": INVALID})
    return Q(**{f"{sale}sale_price__gt": 0}) & (confirmed | (Q(**{f"{sale}is_valid": True}) & ~rejected))


def reason_left_out(sale: str, parcel: str, every_row: QuerySet[Any]) -> Case:
    """One of LeftOut, or '' for a sale that may speak.

    sale, parcel: the paths to the sale and to the SaleParcel: `sale__` and `` from a SaleParcel, `` and `parcels__`
    from a Sale. every_row: all rows of that model, among which a sale's duplicates are looked for.
    A sale whose parcel the roll does not hold may speak for the market; the roll says nothing against it.
    """
    on_property = f"{parcel}roll_property__"
    retired = Q(**{f"{sale}retired_at__isnull": False}) | Q(**{f"{on_property}retired_at__isnull": False})
    # The roll has the year alone. A house sold in the year it was built is taken as a new house and not as its lot.
    before_built = LessThan(YearOfDate(F(f"{sale}sale_date")), F(f"{on_property}year_built"))
    return Case(
        When(retired, then=Value(LeftOut.RETIRED)),
        When(~arms_length(sale), then=Value(LeftOut.NOT_ARMS_LENGTH)),
        When(Q(**{f"{sale}parcel_count__gt": 1}), then=Value(LeftOut.SEVERAL_PARCELS)),
        When(before_built, then=Value(LeftOut.BEFORE_BUILT)),
        When(_has_earlier_twin(sale, parcel, every_row), then=Value(LeftOut.DUPLICATE)),
        default=Value(""),
        output_field=CharField(),
    )


def _has_earlier_twin(sale: str, parcel: str, every_row: QuerySet[Any]) -> Exists:
    """The deed came in twice: of the sales that could speak, the one loaded first does."""
    alike = (f"{parcel}roll_property", f"{sale}sale_date", f"{sale}sale_price")
    twins = every_row.filter(
        arms_length(sale),
        **{path: OuterRef(path) for path in alike},
        **{f"{sale}parcel_count": 1, f"{sale}retired_at": None, f"{sale}pk__lt": OuterRef(f"{sale}pk")},
    )
    return Exists(twins)
