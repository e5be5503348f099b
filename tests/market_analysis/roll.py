"""A county with a planted market for whole jobs: the demo county, written to the roll."""

import random
from datetime import date, timedelta

from county_configs.models import County
from terrafusion.demo.county import build_demo_county
from terrafusion.demo.writer import write_demo_county
from terrafusion.roll.models import Property
from tests.factories import SaleParcelFactory, a_county, save_deeds
from tests.valuation.roll import a_house


def the_demo_county(parcels=1500, seed=3) -> County:
    county = a_county("demo")
    write_demo_county(build_demo_county(parcels, seed), county)
    return county


def an_active_market(county, sales=40):
    """Houses sold over two years, beside whatever else the county holds."""
    houses = Property.objects.bulk_create([a_house(county, 5000 + each) for each in range(sales)])
    pick = random.Random(11)
    save_deeds(
        [
            SaleParcelFactory.build(
                roll_property=house,
                sale__sale_id=f"M{house.property_id}",
                sale__sale_date=date(2024, 1, 1) + timedelta(days=pick.randrange(0, 700)),
                sale__sale_price=round(170 * house.living_area_sqft * pick.gauss(1, 0.08)),
            )
            for house in houses
        ]
    )
