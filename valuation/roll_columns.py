"""Rows of the roll as the columns the sales comparison works on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from pyproj import CRS, Transformer

from county_configs.models import County
from terrafusion.roll.models import Property, SaleParcel
from terrafusion.roll.querysets import SaleParcelQuerySet
from terrafusion.roll.sale_fitness import LeftOut

from .comparables import CHARACTERISTICS, ComparableSalesSettings, Floats, SalesTable, Subject, months_before
from .county_settings import ComparableSalesSection

_SALE_FIELDS = (
    "sale__sale_id",
    "roll_property__property_id",
    "roll_property__property_type",
    "roll_property__neighborhood",
    "sale__sale_date",
    "sale__sale_price",
    "roll_property__longitude",
    "roll_property__latitude",
    *(f"roll_property__{name}" for name in CHARACTERISTICS),
)


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


def sales_before(county: County, valuation_date: date, property_type: str) -> SalesTable:
    """Sales before the date that may speak for a property of the type (terrafusion/roll/sale_fitness.py); one query."""
    parcels = sold_before(county, valuation_date, property_type).fit()
    columns = list(zip(*parcels.order_by("sale__sale_date", "pk").values_list(*_SALE_FIELDS), strict=True))
    if not columns:
        columns = [()] * len(_SALE_FIELDS)
    x, y = projected(county.crs, columns[6], columns[7])
    return SalesTable(
        sale_id=np.array(columns[0], dtype=object),
        property_id=np.array(columns[1], dtype=object),
        property_type=np.array(columns[2], dtype=object),
        neighborhood=np.array(columns[3], dtype=object),
        sale_date=np.array(columns[4], dtype="datetime64[D]"),
        sale_price=np.array(columns[5], dtype=np.int64),
        x=x,
        y=y,
        characteristics=np.column_stack([_floats(column) for column in columns[8:]]),
    )


def sold_before(county: County, valuation_date: date, property_type: str) -> SaleParcelQuerySet:
    """Every property of the type sold before the date, whatever may be said of the sale."""
    parcels = SaleParcel.objects.in_county(county).filter(roll_property__property_type=property_type)
    return parcels.filter(sale__sale_date__lt=valuation_date)


def sales_left_out(county: County, valuation_date: date, property_type: str, look_back_months: int) -> Counter[LeftOut]:
    """How many sales of the look-back window may not speak for their property, by reason; one query."""
    first = months_before(np.datetime64(valuation_date, "D"), look_back_months).astype(object)
    sold = sold_before(county, valuation_date, property_type).filter(sale__sale_date__gte=first)
    return Counter(sold.left_out_counts())


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


def projected(crs: str, longitudes: Iterable[Any], latitudes: Iterable[Any]) -> tuple[Floats, Floats]:
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


def _floats(values: Iterable[Any]) -> Floats:
    return np.array([np.nan if each is None else float(each) for each in values], dtype=float)


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
