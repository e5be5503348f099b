"""A small roll that a ratio study can be checked on: houses that sold, houses that did not, two tax years."""

import random
from datetime import timedelta

from terrafusion.roll.models import AssessedValue, Property, Sale, SaleParcel
from tests.valuation.roll import VALUATION_DATE, a_house

TAX_YEAR = VALUATION_DATE.year


def assessed(house, tax_year, total, **fields):
    land = total // 4
    return AssessedValue(
        roll_property=house,
        tax_year=tax_year,
        market_land=land,
        market_improvement=total - land,
        market_total=total,
        **{"taxable_value": total} | fields,
    )


def worth(house):
    return 160 * house.living_area_sqft * (1 + 0.05 * (house.quality - 4))


def a_sale(house, sale_id, price, days_before=100, **fields):
    """A valid deed of the one house, so many days before 1 January of the tax year."""
    deed = Sale.objects.create(
        county=house.county,
        sale_id=sale_id,
        sale_date=VALUATION_DATE - timedelta(days=days_before),
        sale_price=price,
        **{"validity_code": "valid"} | fields,
    )
    SaleParcel.objects.create(sale=deed, roll_property=house)
    return deed


def an_assessed_market(county, sales=60, unsold=40, level=0.95, neighborhood="2040", first=7000):
    """Houses on two rolls, assessed near `level` of their worth; the first `sales` of them sold in the last year."""
    described = {"property_class": "residential", "use_code": "11", "tax_code_area": "1210"}
    houses = [a_house(county, first + each, neighborhood, **described) for each in range(sales + unsold)]
    houses = Property.objects.bulk_create(houses)
    pick = random.Random(11)
    values, deeds = [], []
    for house in houses:
        total = int(round(level * worth(house) * pick.gauss(1, 0.06), -2))
        values.append(assessed(house, TAX_YEAR, total))
        values.append(assessed(house, TAX_YEAR - 1, int(round(total / pick.gauss(1.05, 0.02), -2))))
    for house in houses[:sales]:
        deeds.append(
            Sale(
                county=county,
                sale_id=f"R{house.property_id}",
                sale_date=VALUATION_DATE - timedelta(days=pick.randrange(1, 360)),
                sale_price=int(round(worth(house) * pick.gauss(1, 0.05), -2)),
                instrument="Statutory Warranty Deed",
                validity_code="valid",
            )
        )
    AssessedValue.objects.bulk_create(values)
    deeds = Sale.objects.bulk_create(deeds)
    SaleParcel.objects.bulk_create(
        SaleParcel(sale=deed, roll_property=house) for deed, house in zip(deeds, houses, strict=False)
    )
    return houses
