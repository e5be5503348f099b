"""Rows of the roll as the columns the sales comparison works on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from pyproj import CRS, Transformer

from county_configs.models import County
from terrafusion.roll.models import Property, SaleParcel
from terrafusion.roll.sale_fitness import LeftOut

from .comparables import CHARACTERISTICS, ComparableSalesSettings, Floats, SalesTable, Subject, months_before
from .county_settings import ComparableSalesSection

_SALE_FIELDS = (
    "sale__sale_id",
    "roll_property__property_id",
    "roll_property__neighborhood",
    "sale__sale_date",
    "sale__sale_price",
    "roll_property__longitude",
    "roll_property__latitude",
    *(f"roll_property__{name}" for name in CHARACTERISTICS),
)
# What a subject is made of; a county's shapes alone would be most of what is read of its properties.
SUBJECT_COLUMNS = ("property_id", "property_type", "neighborhood", "longitude", "latitude", *CHARACTERISTICS)


def settings_for(county: County, parameters: dict[str, Any]) -> ComparableSalesSettings:
    """The county's settings, with what the request overrides."""
    section = county.section(ComparableSalesSection)
    return ComparableSalesSettings(
        look_back_months=parameters.get("look_back_months", section.look_back_months),
        number_of_comparables=parameters.get("number_of_comparables", section.number_of_comparables),
        minimum_sales=section.minimum_sales,
        rings_miles=section.rings_miles,
        adjustment_rates=section.adjustment_rates.given(),
    )


@dataclass(frozen=True)
class SalesRead:
    """Sales that may speak for a property, and how many of the same window may not, by reason."""

    table: SalesTable
    left_out: Mapping[LeftOut, int]


def sales_before(county: County, valuation_date: date, property_type: str, look_back_months: int) -> SalesRead:
    """Sales of the type in the look-back window before the date: which may speak and how many may not. One query."""
    first = months_before(np.datetime64(valuation_date, "D"), look_back_months).astype(object)
    sold = SaleParcel.objects.in_county(county).filter(
        roll_property__property_type=property_type, sale__sale_date__lt=valuation_date, sale__sale_date__gte=first
    )
    rows, left_out = sold.order_by("sale__sale_date", "pk").divided(*_SALE_FIELDS, as_stored=True)
    columns: list[Any] = list(zip(*rows, strict=True)) or [()] * len(_SALE_FIELDS)
    x, y = projected(county.crs, columns[5], columns[6])
    table = SalesTable(
        sale_id=np.array(columns[0], dtype=object),
        property_id=np.array(columns[1], dtype=object),
        property_type=np.full(len(rows), property_type, dtype=object),
        neighborhood=np.array(columns[2], dtype=object),
        sale_date=np.array(columns[3], dtype="datetime64[D]"),
        sale_price=np.array(columns[4], dtype=np.int64),
        x=x,
        y=y,
        characteristics=np.column_stack([_floats(column) for column in columns[7:]]),
    )
    return SalesRead(table, left_out)


def subjects_from(county: County, properties: Iterable[Property]) -> list[Subject]:
    """One subject for each property, placed in the county's projection."""
    rows = list(properties)
    xs, ys = projected(county.crs, [row.longitude for row in rows], [row.latitude for row in rows])
    return [
        Subject(
            property_id=row.property_id,
            property_type=row.property_type,
            neighborhood=row.neighborhood,
            x=float(x) if np.isfinite(x) else None,
            y=float(y) if np.isfinite(y) else None,
            characteristics={name: _float(getattr(row, name)) for name in CHARACTERISTICS},
        )
        for row, x, y in zip(rows, xs, ys, strict=True)
    ]


def projected(crs: str, longitudes: Sequence[Any], latitudes: Sequence[Any]) -> tuple[Floats, Floats]:
    """Metres in the county's projection; NaN where a coordinate is unknown."""
    transformer, metres = _to_county(crs)
    x, y = transformer.transform(_floats(longitudes), _floats(latitudes))
    return _finite(x) * metres, _finite(y) * metres


@lru_cache(maxsize=16)
def _to_county(crs: str) -> tuple[Transformer, float]:
    """The projection, and how many metres its unit has (a US survey foot: 0.3048006)."""
    county = CRS.from_user_input(crs)
    return Transformer.from_crs(4326, county, always_xy=True), county.axis_info[0].unit_conversion_factor


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _floats(values: Sequence[Any]) -> Floats:
    return np.array(values, dtype=float)  # None becomes NaN


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
