"""A small believable roll for valuation tests: one neighborhood that sells, one that does not."""

import random

from terrafusion.roll.models import Property
from tests.factories import VALUATION_DATE, PropertyFactory, SaleParcelFactory, save_deeds

__all__ = ["VALUATION_DATE", "a_house", "a_market", "a_subject"]


def a_house(county, number, neighborhood="1040", **fields):
    """A house of the roll, not saved; `number` makes its keys."""
    return PropertyFactory.build(county=county, number=number, neighborhood=neighborhood, **fields)


def a_market(county, sales=80, neighborhood="1040"):
    """`sales` houses, each sold once in the two years before the valuation date at about $160 a square foot."""
    houses = Property.objects.bulk_create([a_house(county, 1000 + each, neighborhood) for each in range(sales)])
    pick = random.Random(7)
    save_deeds(
        [
            SaleParcelFactory.build(
                roll_property=house,
                sale__sale_id=f"S{house.property_id}",
                sale__days_before=pick.randrange(1, 700),
                sale__sale_price=round(worth(house) * pick.gauss(1, 0.05)),
            )
            for house in houses
        ]
    )
    return houses


def worth(house):
    """Dollars, by the rule of this market."""
    return 160 * house.living_area_sqft * (1 + 0.05 * (house.quality - 4))


def a_subject(county, number=1, **fields):
    return PropertyFactory(county=county, number=number, **fields)
