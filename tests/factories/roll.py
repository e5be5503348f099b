"""Rows of the assessment roll."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

import factory
import shapely
from factory.django import DjangoModelFactory

from terrafusion.roll.models import (
    AssessedValue,
    Improvement,
    LayerFeature,
    Owner,
    Property,
    PropertyType,
    Sale,
    SaleParcel,
)
from terrafusion.roll.querysets import parcel_number_key

from .counties import CountyFactory

VALUATION_DATE = date(2026, 1, 1)
TAX_YEAR = VALUATION_DATE.year
WEST, SOUTH, SIDE = -119.30, 46.20, 0.001  # degrees


@dataclass(frozen=True)
class Dwelling:
    """What a house of some number is like."""

    lot_sqft: int
    living_area_sqft: int
    year_built: int
    quality: float
    condition: float
    baths: float
    longitude: float
    latitude: float

    @classmethod
    def numbered(cls, number: int) -> "Dwelling":
        pick = random.Random(number)
        return cls(
            lot_sqft=pick.randrange(6_000, 12_000),
            living_area_sqft=pick.randrange(1_100, 2_900),
            year_built=pick.randrange(1955, 2020),
            quality=pick.choice([3.0, 4.0, 5.0]),
            condition=pick.choice([2.0, 3.0, 4.0]),
            baths=pick.choice([1.0, 1.5, 2.0, 2.5]),
            longitude=-119.17 + pick.uniform(-0.01, 0.01),
            latitude=46.21 + pick.uniform(-0.01, 0.01),
        )


class PropertyFactory(DjangoModelFactory):
    """A house. `number` makes its keys and what it is like."""

    class Meta:
        model = Property

    class Params:
        number = factory.Sequence(lambda number: number + 1)
        dwelling = factory.LazyAttribute(lambda house: Dwelling.numbered(house.number))

    county = factory.SubFactory(CountyFactory)
    property_id = factory.LazyAttribute(lambda house: str(house.number))
    parcel_number = factory.LazyAttribute(lambda house: f"1-{house.number:05d}-000")
    parcel_number_key = factory.LazyAttribute(lambda house: parcel_number_key(house.parcel_number))
    situs_address = factory.LazyAttribute(lambda house: f"{100 + house.number} Orchard Way")
    zip_code = "99336"
    property_type = PropertyType.SINGLE_FAMILY
    neighborhood = "1040"
    lot_sqft = factory.SelfAttribute("dwelling.lot_sqft")
    living_area_sqft = factory.SelfAttribute("dwelling.living_area_sqft")
    year_built = factory.SelfAttribute("dwelling.year_built")
    effective_year = factory.SelfAttribute("year_built")
    quality = factory.SelfAttribute("dwelling.quality")
    condition = factory.SelfAttribute("dwelling.condition")
    bedrooms = 3
    baths = factory.SelfAttribute("dwelling.baths")
    longitude = factory.SelfAttribute("dwelling.longitude")
    latitude = factory.SelfAttribute("dwelling.latitude")


class ImprovementFactory(DjangoModelFactory):
    class Meta:
        model = Improvement

    roll_property = factory.SubFactory(PropertyFactory)
    improvement_number = factory.Sequence(lambda number: str(number + 1))
    improvement_type = "Residence"
    year_built = factory.SelfAttribute("roll_property.year_built")
    area_sqft = factory.SelfAttribute("roll_property.living_area_sqft")
    value = 225_000


class OwnerFactory(DjangoModelFactory):
    """Who owns the whole of a property."""

    class Meta:
        model = Owner

    roll_property = factory.SubFactory(PropertyFactory)
    tax_year = TAX_YEAR
    name = factory.Sequence(lambda number: f"OWNER {number + 1}")


class SaleFactory(DjangoModelFactory):
    """An arm's-length deed of one parcel that names nobody; SaleParcelFactory says which parcel."""

    class Meta:
        model = Sale

    class Params:
        days_before = 100  # the valuation date

    county = factory.SubFactory(CountyFactory)
    sale_id = factory.Sequence(lambda number: f"sale-{number + 1}")
    sale_date = factory.LazyAttribute(lambda sale: VALUATION_DATE - timedelta(days=sale.days_before))
    sale_price = 310_000
    instrument = "Statutory Warranty Deed"
    validity_code = "valid"


class SaleParcelFactory(DjangoModelFactory):
    """A property and the deed that conveys it: `SaleParcelFactory(roll_property=house, sale__sale_price=300_000)`."""

    class Meta:
        model = SaleParcel

    roll_property = factory.SubFactory(PropertyFactory)
    sale = factory.SubFactory(SaleFactory, county=factory.SelfAttribute("..roll_property.county"))


def save_deeds(parcels: list[SaleParcel]) -> None:
    """Saves rows of `SaleParcelFactory.build`, and their sales, in two statements."""
    Sale.objects.bulk_create([parcel.sale for parcel in parcels])
    SaleParcel.objects.bulk_create(parcels)


class AssessedValueFactory(DjangoModelFactory):
    """Land and improvement make the total, and what is not exempt is taxable."""

    class Meta:
        model = AssessedValue

    roll_property = factory.SubFactory(PropertyFactory)
    tax_year = TAX_YEAR
    market_land = 75_000
    market_improvement = 225_000
    market_total = factory.LazyAttribute(lambda value: value.market_land + value.market_improvement)
    exempt_value = 0
    taxable_value = factory.LazyAttribute(lambda value: value.market_total - value.exempt_value)


class LayerFeatureFactory(DjangoModelFactory):
    """A zoning district a hundred metres wide; each lies east of the one before."""

    class Meta:
        model = LayerFeature

    class Params:
        number = factory.Sequence(lambda number: number + 1)

    county = factory.SubFactory(CountyFactory)
    layer = "zoning"
    feature_id = factory.LazyAttribute(lambda feature: str(feature.number))
    name = factory.LazyAttribute(lambda feature: f"{feature.feature_id} area")
    geometry = factory.LazyAttribute(
        lambda feature: shapely.box(
            WEST + (feature.number - 1) * SIDE, SOUTH, WEST + feature.number * SIDE, SOUTH + SIDE
        )
    )
