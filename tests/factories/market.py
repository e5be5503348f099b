"""What the parts of the product give each other: value estimates, price indexes, sale reviews."""

from datetime import date

import factory
from factory.django import DjangoModelFactory

from terrafusion.roll.models import SaleReview, TimeIndex, ValueEstimate

from .counties import CountyFactory
from .jobs import ValuationJobFactory
from .roll import VALUATION_DATE, PropertyFactory, SaleFactory


class ValueEstimateFactory(DjangoModelFactory):
    """A proposed value, ten percent sure, of a valuation job that ended well."""

    class Meta:
        model = ValueEstimate

    roll_property = factory.SubFactory(PropertyFactory)
    job = factory.SubFactory(
        ValuationJobFactory,
        completed=True,
        county=factory.SelfAttribute("..roll_property.county"),
        property_id=factory.SelfAttribute("..roll_property.property_id"),
    )
    valuation_date = VALUATION_DATE
    market_value = 300_000
    market_value_low = factory.LazyAttribute(lambda estimate: estimate.market_value * 9 // 10)
    market_value_high = factory.LazyAttribute(lambda estimate: estimate.market_value * 11 // 10)
    confidence = "high"
    grid = factory.LazyFunction(lambda: {"comparables": []})


class TimeIndexFactory(DjangoModelFactory):
    """A point of the county's index; each is of the month after the one before."""

    class Meta:
        model = TimeIndex

    county = factory.SubFactory(CountyFactory)
    series = "hedonic/county"
    period_start = factory.Sequence(lambda number: date(2024 + number // 12, number % 12 + 1, 1))
    level = 1.0
    sales_volume = 40


class SaleReviewFactory(DjangoModelFactory):
    class Meta:
        model = SaleReview

    sale = factory.SubFactory(SaleFactory)
