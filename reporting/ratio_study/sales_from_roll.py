"""Reads the sales of a ratio study from the roll, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.models import Q, QuerySet

from county_configs.models import County
from terrafusion.errors import TerraFusionError
from terrafusion.roll.models import AssessedValue, Property, SaleParcel
from terrafusion.roll.tax_years import TaxYear

from .study_sales import DERIVED_STRATA, LeftOut, StudySales

FILTERS = ("property_class", "property_type", "neighborhood", "zip_code", "use_code", "tax_code_area")
ATTRIBUTE = "attributes."
_NOT_STRATA = {
    "id", "county", "geometry", "west", "south", "east", "north", "attributes", "parcel_number_key", "property_id",
    "parcel_number", "legal_description", "created_at", "updated_at", "retired_at",
}  # fmt: skip
PROPERTY_STRATA = tuple(field.name for field in Property._meta.concrete_fields if field.name not in _NOT_STRATA)
STRATA = (*PROPERTY_STRATA, *DERIVED_STRATA)


class NothingSelected(TerraFusionError):
    """The selection is empty; the sentence says what could be selected."""


@dataclass(frozen=True)
class ReadSales:
    """The sales of the window that a study can use.

    keys: the keys of their properties, (n,). left_out: the number of other sales by the reason to leave them out.
    """

    sales: StudySales
    keys: npt.NDArray[np.int64]
    left_out: tuple[LeftOut, ...]


def latest_tax_year(county: County) -> int:
    """The latest tax year with values. Raises NothingSelected when the roll has no assessed value."""
    latest = TaxYear.latest(county)
    if latest is None:
        raise NothingSelected(f"The roll of {county.pk} holds no assessed value; load them first.")
    return latest


def require_tax_year(county: County, tax_year: int) -> None:
    """Raises NothingSelected, with the years of the roll, when the roll has no value of this year."""
    of_county = AssessedValue.objects.filter(roll_property__county=county)
    if of_county.filter(tax_year=tax_year).exists():
        return
    years = of_county.order_by("tax_year").values_list("tax_year", flat=True).distinct()
    known = ", ".join(map(str, years)) or "none"
    raise NothingSelected(f"The roll of {county.pk} has no assessed values of tax year {tax_year}. It has: {known}.")


def property_filter(filters: Mapping[str, str], path: str = "") -> Q:
    """A condition that ignores case, because source systems differ in upper and lower case."""
    return Q(**{f"{path}{name}__iexact": value for name, value in filters.items()})


def require_filters(county: County, filters: Mapping[str, str]) -> None:
    """Raises NothingSelected, with the values of the roll, when no property matches a filter.

    Retired properties are included, because the rolls of earlier years hold them.
    """
    for name, value in filters.items():
        of_county = Property.objects.in_county(county)
        if not of_county.filter(property_filter({name: value})).exists():
            known = of_county.order_by(name).values_list(name, flat=True).distinct()[:30]
            raise NothingSelected(
                f"{name}: no property of {county.pk} has {value!r}. Allowed: {', '.join(map(str, known)) or 'none'}."
            )


def require_attributes(county: County, strata: Sequence[str]) -> None:
    """Raises NothingSelected when no property has the attribute of a stratum `attributes.x`."""
    for name in strata:
        key = name.removeprefix(ATTRIBUTE)
        if (
            name.startswith(ATTRIBUTE)
            and not Property.objects.in_county(county).current().filter(attributes__has_key=key).exists()
        ):
            raise NothingSelected(f"stratify_by: no property of {county.pk} has the attribute {key!r}.")


def read_sales(
    county: County,
    tax_year: int,
    first: date,
    last: date,
    filters: Mapping[str, str],
    strata: Sequence[str],
) -> ReadSales:
    """Reads the sales from the first day to the last, both included. Raises NothingSelected when there is none."""
    in_window = SaleParcel.objects.in_county(county).filter(sale__sale_date__gte=first, sale__sale_date__lte=last)
    conveyed = in_window.filter(property_filter(filters, "roll_property__"))
    described = [stratum for stratum in strata if stratum not in DERIVED_STRATA]
    rows, silent = conveyed.order_by("pk").divided(*_columns(described))
    left_out = tuple(LeftOut(reason.label, number) for reason, number in silent.items())
    if not rows:
        others = "; ".join(f"{group.reason.lower()}: {group.sales}" for group in left_out)
        raise NothingSelected(
            f"No valid sale of one parcel from {first} to {last} matches the filters"
            f"{f' ({others})' if others else ''}. Widen start_date, end_date or the filters."
        )
    columns = list(zip(*rows, strict=True))
    values = _values_of(conveyed.fit(), tax_year)
    keys = np.array(columns[0], dtype=np.int64)
    sales = StudySales(
        sale_id=_texts(columns[1]),
        property_id=_texts(columns[2]),
        parcel_number=_texts(columns[3]),
        property_class=_texts(columns[4]),
        sale_date=np.array(columns[5], dtype="datetime64[D]"),
        sale_price=np.array(columns[6], dtype=np.float64),
        assessed_value=np.array([values.get(key, np.nan) for key in columns[0]], dtype=np.float64),
        year_built=np.array([np.nan if year is None else year for year in columns[7]], dtype=np.float64),
        described={name: _texts(columns[8 + at]) for at, name in enumerate(described)},
    )
    return ReadSales(sales, keys, left_out)


def _columns(described: Sequence[str]) -> list[str]:
    fields = ("property_id", "parcel_number", "property_class")
    of_property = [f"roll_property__{stratum.replace('.', '__')}" for stratum in described]
    return [
        "roll_property_id", "sale__sale_id", *(f"roll_property__{field}" for field in fields),
        "sale__sale_date", "sale__sale_price", "roll_property__year_built", *of_property,
    ]  # fmt: skip


def _values_of(selected: QuerySet[SaleParcel], tax_year: int) -> dict[int, int]:
    """The total market value by the key of the property."""
    values = AssessedValue.objects.of_year(tax_year).filter(roll_property__in=selected.values("roll_property"))
    return dict(values.values_list("roll_property_id", "market_total"))


def _texts(column: Sequence[Any]) -> npt.NDArray[np.object_]:
    """The values as an array of objects, one by one: numpy would make rows of lists among the attributes."""
    texts = np.empty(len(column), dtype=object)
    for position, value in enumerate(column):
        texts[position] = value
    return texts
