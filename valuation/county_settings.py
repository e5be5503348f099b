"""The section of `county.yaml` about valuations."""

from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from county_configs.county_file import Section


class AdjustmentRates(Section):
    """Dollars added to a comparable's price for each unit by which the subject exceeds it.

    A rate that is not given is estimated from the county's sales.
    """

    living_area_sqft: Decimal | None = None
    lot_sqft: Decimal | None = None
    year_built: Decimal | None = None
    effective_year: Decimal | None = None
    quality: Decimal | None = None
    condition: Decimal | None = None
    baths: Decimal | None = None

    def given(self) -> dict[str, Decimal]:
        return {name: rate for name, rate in self if rate is not None}


class ComparableSalesSection(Section):
    """How comparables are chosen. The defaults suit an urban county of Washington."""

    key: ClassVar[str] = "comparable_sales"

    look_back_months: Annotated[int, Field(ge=3, le=120)] = 36
    number_of_comparables: Annotated[int, Field(ge=3, le=20)] = 5
    minimum_sales: Annotated[int, Field(ge=3, le=20)] = 5
    rings_miles: tuple[Annotated[float, Field(gt=0)], ...] = (1.0, 2.0, 5.0)
    adjustment_rates: AdjustmentRates = AdjustmentRates()
