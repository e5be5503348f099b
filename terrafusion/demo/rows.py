"""The demo county as rows of the roll. They are made one by one, so that no county is in memory twice."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from county_configs.county_file import SalesSection
from county_configs.models import County
from terrafusion.roll.models import (
    AssessedValue,
    Improvement,
    LayerFeature,
    Owner,
    Property,
    Sale,
    SaleParcel,
)
from terrafusion.roll.querysets import parcel_number_key

from .blocks import LAND_USES
from .county import DemoCounty
from .dwellings import SQFT_PER_ACRE
from .market import INSTRUMENTS

FIRST_PROPERTY_ID = 100_001
# The property class of each property type, and its use code of the Washington Department of Revenue.
CLASS_AND_USE = {
    "single_family": ("residential", "11"),
    "condominium": ("residential", "14"),
    "multi_family": ("multi_family", "13"),
    "commercial": ("commercial", "59"),
    "agricultural": ("agricultural", "83"),
    "vacant_land": ("vacant", "91"),
    "other": ("exempt", "76"),
}
IMPROVEMENT_TYPES = {
    "single_family": "Residence",
    "condominium": "Condominium unit",
    "multi_family": "Apartment building",
    "commercial": "Store",
}


def properties(demo: DemoCounty, county: County) -> Iterator[Property]:
    fabric, dwellings = demo.fabric, demo.dwellings
    is_dwelling = dwellings.is_dwelling
    living_area = np.where(is_dwelling, dwellings.building_sqft, np.nan)
    for index, columns in enumerate(_dwelling_columns(demo, living_area)):
        number = fabric.parcel_number[index]
        parent = int(fabric.parent[index])
        kind = dwellings.property_type[index]
        property_class, use_code = CLASS_AND_USE[kind]
        unit = parent >= 0
        lot_sqft = None if unit else round(float(fabric.lot_sqft[index]))
        zip_code = str(fabric.zip_code[index])
        yield Property(
            county=county,
            property_id=str(FIRST_PROPERTY_ID + index),
            parcel_number=number,
            parcel_number_key=parcel_number_key(number),
            parent_parcel_number=fabric.parcel_number[parent] if unit else "",
            situs_address=fabric.situs_address[index],
            situs_city="Demo City",
            zip_code=zip_code,
            property_type=kind,
            property_class=property_class,
            use_code=use_code,
            neighborhood=str(fabric.neighborhood[index]),
            tax_code_area=f"D{zip_code[-2:]}",
            legal_description=_legal_description(demo, index, unit),
            acres=None if lot_sqft is None else Decimal(f"{fabric.lot_sqft[index] / SQFT_PER_ACRE:.4f}"),
            lot_sqft=lot_sqft,
            geometry=fabric.polygon[index],
            longitude=float(fabric.longitude[index]),
            latitude=float(fabric.latitude[index]),
            attributes={
                "zoning": str(fabric.zoning[index]),
                "land_use": LAND_USES[fabric.land_use[index]],
            },
            **columns,
        )


def _dwelling_columns(demo: DemoCounty, living_area: np.ndarray) -> Iterator[dict[str, Any]]:
    """The fields of each parcel's main building; None where there is no building."""
    dwellings = demo.dwellings
    whole = {
        "living_area_sqft": living_area,
        "basement_sqft": dwellings.basement_sqft,
        "garage_sqft": dwellings.garage_sqft,
        "year_built": dwellings.year_built,
        "effective_year": dwellings.effective_year,
        "bedrooms": dwellings.bedrooms,
        "view": dwellings.view,
    }
    fractional = {
        "quality": dwellings.quality,
        "condition": dwellings.condition,
        "baths": dwellings.baths,
        "stories": dwellings.stories,
    }
    columns: list[list[Any]] = [_whole_or_none(column) for column in whole.values()]
    columns += [_number_or_none(column) for column in fractional.values()]
    names = [*whole, *fractional]
    for values in zip(*columns, strict=True):
        yield {**dict(zip(names, values, strict=True)), "waterfront": False}


def _legal_description(demo: DemoCounty, index: int, unit: bool) -> str:
    addition = f"DEMO COUNTY PLAT {int(demo.fabric.block[index]) + 1}"
    if unit:
        return f"{demo.fabric.parcel_number[index][-3:]} UNIT OF CONDOMINIUM, {addition}"
    return f"LOT {demo.fabric.parcel_number[index][-3:]}, {addition}"


def improvements(demo: DemoCounty, keys: Sequence[int]) -> Iterator[Improvement]:
    """The building on each improved parcel, at its value on the newest roll."""
    dwellings, newest = demo.dwellings, demo.rolls[-1]
    for index in np.nonzero(dwellings.is_improved)[0].tolist():
        yield Improvement(
            roll_property_id=keys[index],
            improvement_number="1",
            improvement_type=IMPROVEMENT_TYPES[dwellings.property_type[index]],
            year_built=int(dwellings.year_built[index]),
            effective_year=int(dwellings.effective_year[index]),
            area_sqft=int(dwellings.building_sqft[index]),
            quality=float(dwellings.quality[index]),
            condition=float(dwellings.condition[index]),
            value=int(newest.market_improvement[index]),
        )


def assessed_values(demo: DemoCounty, keys: Sequence[int]) -> Iterator[AssessedValue]:
    for roll in demo.rolls:
        status = AssessedValue.Status.CERTIFIED if roll.certified else AssessedValue.Status.PRELIMINARY
        columns = zip(
            keys,
            roll.market_land.tolist(),
            roll.market_improvement.tolist(),
            roll.new_construction.tolist(),
            roll.exempt_value.tolist(),
            roll.current_use_value.tolist(),
            roll.taxable_value.tolist(),
            strict=True,
        )
        for key, land, improvement, new, exempt, current_use, taxable in columns:
            yield AssessedValue(
                roll_property_id=key,
                tax_year=roll.tax_year,
                market_land=land,
                market_improvement=improvement,
                market_total=land + improvement,
                new_construction=new,
                exempt_value=exempt,
                current_use_value=None if current_use < 0 else current_use,
                taxable_value=taxable,
                status=status,
            )


def owners(demo: DemoCounty, keys: Sequence[int]) -> Iterator[Owner]:
    """The owner of each property in each tax year. Each owns the whole property."""
    people = demo.owners
    confidential, mailing = people.confidential.tolist(), people.mailing_address.tolist()
    for roll in demo.rolls:
        names = people.names[people.in_tax_year(roll.tax_year, demo.sales)].tolist()
        for key, name, hidden, address in zip(keys, names, confidential, mailing, strict=True):
            yield Owner(
                roll_property_id=key,
                tax_year=roll.tax_year,
                name=name,
                mailing_address=address,
                confidential=hidden,
            )


def sales(demo: DemoCounty, county: County) -> Iterator[Sale]:
    deeds, people = demo.sales, demo.owners
    valid_codes = county.section(SalesSection).valid_codes
    dates: list[date] = deeds.sale_date.tolist()
    for deed, (sale_date, price, code) in enumerate(
        zip(dates, deeds.sale_price.tolist(), deeds.validity_code.tolist(), strict=True)
    ):
        yield Sale(
            county=county,
            sale_id=f"D{deed + 1:06d}",
            sale_date=sale_date,
            sale_price=price,
            instrument=INSTRUMENTS[code],
            validity_code=code,
            is_valid=code in valid_codes,
            parcel_count=1 if deeds.second_parcel[deed] < 0 else 2,
            grantor=people.names[people.grantor[deed]],
            grantee=people.names[people.grantee[deed]],
        )


def sale_parcels(demo: DemoCounty, sale_keys: Sequence[int], property_keys: Sequence[int]) -> Iterator[SaleParcel]:
    for deed, parcel in demo.owners.parcel_sale.tolist():
        yield SaleParcel(sale_id=sale_keys[deed], roll_property_id=property_keys[parcel])


def layer_features(demo: DemoCounty, county: County, mark: dict[str, Any]) -> Iterator[LayerFeature]:
    """The features of all layers. mark: identifies this county; it is stored with the county boundary."""
    for area in demo.fabric.areas:
        yield LayerFeature(
            county=county,
            layer=area.layer,
            feature_id=area.feature_id,
            name=area.name,
            geometry=area.polygon,
            attributes=mark if area.layer == "county_boundary" else {},
        )


def _whole_or_none(column: np.ndarray) -> list[int | None]:
    return [None if math.isnan(value) else int(value) for value in column.tolist()]


def _number_or_none(column: np.ndarray) -> list[float | None]:
    return [None if math.isnan(value) else value for value in column.tolist()]
