"""A small roll that a ratio study can be checked on: houses that sold, houses that did not, two tax years."""

import random

from terrafusion.roll.models import AssessedValue, Property
from tests.factories import TAX_YEAR, AssessedValueFactory, SaleParcelFactory, save_deeds
from tests.valuation.roll import a_house, worth

__all__ = ["TAX_YEAR", "a_sale", "an_assessed_market", "assessed", "worth"]


def assessed(house, tax_year, total, **fields):
    """An assessed value, not saved; a quarter of the total is land."""
    land = total // 4
    described = {"market_land": land, "market_improvement": total - land, "taxable_value": total} | fields
    return AssessedValueFactory.build(roll_property=house, tax_year=tax_year, **described)


def a_sale(house, sale_id, price, days_before=100, **fields):
    """A valid deed of the one house, so many days before 1 January of the tax year."""
    deed = {"sale_id": sale_id, "sale_price": price, "days_before": days_before} | fields
    return SaleParcelFactory(roll_property=house, **{f"sale__{name}": value for name, value in deed.items()}).sale


def an_assessed_market(county, sales=60, unsold=40, level=0.95, neighborhood="2040", first=7000):
    """Houses on two rolls, assessed near `level` of their worth; the first `sales` of them sold in the last year."""
    described = {"property_class": "residential", "use_code": "11", "tax_code_area": "1210"}
    houses = [a_house(county, first + each, neighborhood, **described) for each in range(sales + unsold)]
    houses = Property.objects.bulk_create(houses)
    pick = random.Random(11)
    values = []
    for house in houses:
        total = int(round(level * worth(house) * pick.gauss(1, 0.06), -2))
        values.append(assessed(house, TAX_YEAR, total))
        values.append(assessed(house, TAX_YEAR - 1, int(round(total / pick.gauss(1.05, 0.02), -2))))
    AssessedValue.objects.bulk_create(values)
    save_deeds(
        [
            SaleParcelFactory.build(
                roll_property=house,
                sale__sale_id=f"R{house.property_id}",
                sale__days_before=pick.randrange(1, 360),
                sale__sale_price=int(round(worth(house) * pick.gauss(1, 0.05), -2)),
            )
            for house in houses[:sales]
        ]
    )
    return houses
