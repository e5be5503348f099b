"""The parameters of each analysis and their defaults, one serializer for each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from rest_framework import serializers

from county_configs.models import County
from terrafusion.analytics.tables import AREA_COLUMNS
from terrafusion.roll.models import LayerFeature, Property, PropertyType
from terrafusion.web.api import StrictSerializer

from .indices.price_index import HEDONIC, METHODS
from .indices.repeat_sales import SHORTEST_HOLDING_DAYS
from .models import AnalysisType
from .selection import FLIP_DAYS, PERIODS_A_YEAR, Selection

EARLIEST, LATEST = date(1900, 1, 1), date(2100, 12, 31)
MOST_VALUES = 200
# Parameter of a request -> column of the roll.
FILTERS = {
    "zip_codes": "zip_code",
    "neighborhoods": "neighborhood",
    "property_types": "property_type",
    "property_classes": "property_class",
}
# The names of other systems for the property types.
ALIASES = {
    "SFR": PropertyType.SINGLE_FAMILY,
    "CONDO": PropertyType.CONDOMINIUM,
    "MFR": PropertyType.MULTI_FAMILY,
    "MH": PropertyType.MANUFACTURED_HOME,
    "LAND": PropertyType.VACANT_LAND,
}

DWELLINGS = (str(PropertyType.SINGLE_FAMILY), str(PropertyType.CONDOMINIUM))


def _values() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=32),
        required=False,
        allow_empty=False,
        max_length=MOST_VALUES,
        error_messages={"max_length": "At most {max_length} values; leave it out for all."},
    )


class SelectionSerializer(StrictSerializer):
    """The sales to analyse. All dates are included; what is left out does not restrict."""

    start_date = serializers.DateField(required=False)
    end_date = serializers.DateField(required=False)
    start_year = serializers.IntegerField(required=False, min_value=EARLIEST.year, max_value=LATEST.year)
    end_year = serializers.IntegerField(required=False, min_value=EARLIEST.year, max_value=LATEST.year)
    zip_codes = _values()
    neighborhoods = _values()
    property_types = _values()
    property_classes = _values()

    def validate_property_types(self, values: list[str]) -> list[str]:
        property_types = [ALIASES.get(value.upper(), value.lower()) for value in values]
        for value, property_type in zip(values, property_types, strict=True):
            if property_type not in PropertyType.values:
                allowed = ", ".join([*PropertyType.values, *ALIASES])
                raise serializers.ValidationError(f"Unknown property type {value!r}. Allowed: {allowed}.")
        return [str(property_type) for property_type in property_types]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for end in ("start", "end"):
            if f"{end}_date" in attrs and f"{end}_year" in attrs:
                raise serializers.ValidationError({f"{end}_year": [f"Write either {end}_date or {end}_year."]})
            if not EARLIEST <= attrs.get(f"{end}_date", EARLIEST) <= LATEST:
                raise serializers.ValidationError({f"{end}_date": [f"Write a date from {EARLIEST} to {LATEST}."]})
        first, last = window(attrs)
        if first and last and last < first:
            name = "end_date" if "end_date" in attrs else "end_year"
            raise serializers.ValidationError({name: [f"The end, {last}, lies before the start, {first}."]})
        self._check_known(attrs)
        return attrs

    def _check_known(self, attrs: Mapping[str, Any]) -> None:
        """Every named ZIP code, neighborhood and class must be on the county's roll."""
        county: County = self.context["county"]
        for name, column in FILTERS.items():
            if name == "property_types" or name not in attrs:
                continue
            require_on_roll(county, column, attrs[name], name)


class PeriodSerializer(SelectionSerializer):
    period = serializers.ChoiceField(choices=list(PERIODS_A_YEAR), default="quarter")
    minimum_sales = serializers.IntegerField(default=5, min_value=1, max_value=1000)


class AreaTrendSerializer(PeriodSerializer):
    area = serializers.ChoiceField(choices=list(AREA_COLUMNS), default="zip_code")


class PriceIndexSerializer(PeriodSerializer):
    """Without property types: dwellings, whose quality the roll describes."""

    method = serializers.ChoiceField(choices=list(METHODS), default=HEDONIC)
    shortest_holding_days = serializers.IntegerField(default=SHORTEST_HOLDING_DAYS, min_value=0, max_value=3650)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"property_types": list(DWELLINGS)} | super().validate(attrs)


class MarketActivitySerializer(PeriodSerializer):
    flip_days = serializers.IntegerField(default=FLIP_DAYS, min_value=1, max_value=3650)


class ComparableAreaSerializer(AreaTrendSerializer):
    """Without an `area_code`: the area with most sales."""

    area_code = serializers.CharField(required=False, max_length=100)
    count = serializers.IntegerField(default=5, min_value=1, max_value=50)
    minimum_sales = serializers.IntegerField(default=30, min_value=10, max_value=1000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if "area_code" in attrs:
            require_on_roll(self.context["county"], attrs["area"], [attrs["area_code"]], "area_code")
        return attrs


class AppreciationSerializer(AreaTrendSerializer):
    """area_layer: the layer with the areas' polygons, where its name is not the usual one."""

    area_layer = serializers.CharField(required=False, max_length=64)
    minimum_sales = serializers.IntegerField(default=15, min_value=10, max_value=1000)

    def validate_area_layer(self, value: str) -> str:
        layers = LayerFeature.objects.in_county(self.context["county"]).current()
        known = list(layers.order_by("layer").values_list("layer", flat=True).distinct())
        if value not in known:
            raise serializers.ValidationError(f"Unknown layer {value!r}. Known: {', '.join(known) or 'none'}.")
        return value


class ScreeningSerializer(SelectionSerializer):
    """include_invalid: also sales the county's own code sets aside, to see what the screen would find."""

    include_invalid = serializers.BooleanField(default=False)
    deviations = serializers.FloatField(default=3.0, min_value=1.5, max_value=20)
    resale_days = serializers.IntegerField(default=180, min_value=0, max_value=3650)
    group_size = serializers.IntegerField(default=15, min_value=5, max_value=10_000)


# The parameters of each analysis, by its type.
PARAMETERS: dict[str, type[StrictSerializer]] = {
    AnalysisType.PRICE_TREND_BY_ZIP: AreaTrendSerializer,
    AnalysisType.TREND_ANALYSIS: PeriodSerializer,
    AnalysisType.PRICE_INDEX: PriceIndexSerializer,
    AnalysisType.COMPARABLE_MARKET_AREA: ComparableAreaSerializer,
    AnalysisType.MARKET_ACTIVITY: MarketActivitySerializer,
    AnalysisType.APPRECIATION_SURFACE: AppreciationSerializer,
    AnalysisType.SALES_SCREENING: ScreeningSerializer,
}


def require_on_roll(county: County, column: str, values: list[str], name: str) -> None:
    """Raises ValidationError naming the parameter, the unknown values and some that exist."""
    properties = Property.objects.in_county(county).current()
    known = set(properties.filter(**{f"{column}__in": values}).values_list(column, flat=True).distinct())
    if unknown := [value for value in dict.fromkeys(values) if value not in known]:
        examples = properties.exclude(**{column: ""}).order_by(column).values_list(column, flat=True).distinct()[:20]
        some = ", ".join(examples) or "none"
        raise serializers.ValidationError(
            {name: [f"County {county.pk} has no property with {column} {', '.join(unknown[:5])}. Known: {some}."]}
        )


def window(parameters: Mapping[str, Any]) -> tuple[date | None, date | None]:
    """The first and the last day of a request, from its dates (which may be ISO texts) or its years."""

    def day(name: str, month: int, day_of_month: int) -> date | None:
        if (value := parameters.get(f"{name}_date")) is not None:
            return value if isinstance(value, date) else date.fromisoformat(value)
        year = parameters.get(f"{name}_year")
        return None if year is None else date(year, month, day_of_month)

    return day("start", 1, 1), day("end", 12, 31)


def selection_of(parameters: Mapping[str, Any]) -> Selection:
    """The selection that validated parameters describe."""
    first, last = window(parameters)
    filters = {column: tuple(parameters[name]) for name, column in FILTERS.items() if parameters.get(name)}
    return Selection(first, last, filters, parameters.get("period", "quarter"), int(parameters.get("minimum_sales", 5)))
