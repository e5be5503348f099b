"""A small believable roll for valuation tests: one neighborhood that sells, one that does not."""

import random
from datetime import date, timedelta

from terrafusion.roll.models import Property, Sale, SaleParcel
from terrafusion.roll.querysets import parcel_number_key

VALUATION_DATE = date(2026, 1, 1)


def a_house(county, number, neighborhood="1040", **fields):
    """A house of the roll; `number` makes its keys."""
    pick = random.Random(number)
    described = {
        "situs_address": f"{100 + number} Orchard Way",
        "zip_code": "99336",
        "property_type": "single_family",
        "neighborhood": neighborhood,
        "lot_sqft": pick.randrange(6_000, 12_000),
        "living_area_sqft": pick.randrange(1_100, 2_900),
        "year_built": pick.randrange(1955, 2020),
        "quality": pick.choice([3.0, 4.0, 5.0]),
        "condition": pick.choice([2.0, 3.0, 4.0]),
        "bedrooms": 3,
        "baths": pick.choice([1.0, 1.5, 2.0, 2.5]),
        "longitude": -119.17 + pick.uniform(-0.01, 0.01),
        "latitude": 46.21 + pick.uniform(-0.01, 0.01),
    } | fields
    described.setdefault("effective_year", described["year_built"])
    parcel_number = f"1-{number:05d}-000"
    return Property(
        county=county,
        property_id=str(number),
        parcel_number=parcel_number,
        parcel_number_key=parcel_number_key(parcel_number),
        **described,
    )


def a_market(county, sales=80, neighborhood="1040"):
    """`sales` houses, each sold once in the two years before the valuation date at about $160 a square foot."""
    houses = Property.objects.bulk_create([a_house(county, 1000 + each, neighborhood) for each in range(sales)])
    pick = random.Random(7)
    deeds = [
        Sale(
            county=county,
            sale_id=f"S{house.property_id}",
            sale_date=VALUATION_DATE - timedelta(days=pick.randrange(1, 700)),
            sale_price=round(160 * house.living_area_sqft * (1 + 0.05 * (house.quality - 4)) * pick.gauss(1, 0.05)),
            validity_code="valid",
        )
        for house in houses
    ]
    deeds = Sale.objects.bulk_create(deeds)
    SaleParcel.objects.bulk_create(
        [SaleParcel(sale=deed, roll_property=house) for deed, house in zip(deeds, houses, strict=True)]
    )
    return houses


def a_subject(county, number=1, **fields):
    subject = a_house(county, number, **fields)
    subject.save()
    return subject
