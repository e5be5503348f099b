"""What a valuation job and its result look like. Dollars are whole; weights are text, so that their decimals stay."""

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from terrafusion.jobs.api.serializers import ResultSerializer

from .reconciliation import LEVELS
from .serializers import ScopeSerializer, ValuationParametersSerializer


class ValuationFields(serializers.Serializer):
    """One of property_id and scope; the other is null."""

    property_id = serializers.CharField(allow_null=True)
    scope = ScopeSerializer(allow_null=True)
    parameters = ValuationParametersSerializer()


@extend_schema_field({"type": ["number", "string", "null"]})
class CharacteristicField(serializers.Field):
    """A number (square feet, year), a text (neighborhood, date), or null where it is unknown."""


class AdjustmentSerializer(serializers.Serializer):
    """One line of the grid. amount: whole dollars added to the comparable's sale price."""

    name = serializers.CharField()
    subject = CharacteristicField()
    comparable = CharacteristicField()
    amount = serializers.IntegerField()
    source = serializers.CharField()  # type: ignore[assignment] # the grid's own word


class ComparableSerializer(serializers.Serializer):
    """A comparable sale, adjusted to the subject. dissimilarity: in log price; 0 is alike."""

    sale_id = serializers.CharField()
    property_id = serializers.CharField()
    sale_date = serializers.DateField()
    sale_price = serializers.IntegerField()
    distance_miles = serializers.FloatField(allow_null=True)
    dissimilarity = serializers.FloatField()
    adjustments = AdjustmentSerializer(many=True)
    adjusted_sale_price = serializers.IntegerField()
    net_percent = serializers.FloatField()
    gross_percent = serializers.FloatField()
    weight = serializers.CharField()
    warnings = serializers.ListField(child=serializers.CharField())


class SearchStepSerializer(serializers.Serializer):
    area = serializers.CharField()
    candidates = serializers.IntegerField()


class FittedMarketSerializer(serializers.Serializer):
    """time_index: the stored index that was used; null where the sales themselves told of time."""

    sales_in_fit = serializers.IntegerField()
    change_per_year_percent = serializers.FloatField()
    time_index = serializers.CharField(allow_null=True)


class LeftOutSerializer(serializers.Serializer):
    """Sales of the look-back window and the property's type that may not speak for a property."""

    reason = serializers.CharField()
    sales = serializers.IntegerField()


class PropertyValuationSerializer(ResultSerializer):
    """The value of one property, and everything it stands on. low to high: the 90 % interval."""

    may_lack = ("sales_left_out",)  # valuations of earlier releases

    property_id = serializers.CharField()
    valuation_date = serializers.DateField()
    market_value = serializers.IntegerField()
    market_value_low = serializers.IntegerField()
    market_value_high = serializers.IntegerField()
    confidence = serializers.ChoiceField(LEVELS)
    confidence_reasons = serializers.ListField(child=serializers.CharField())
    comparables = ComparableSerializer(many=True)
    search = SearchStepSerializer(many=True)
    market = FittedMarketSerializer()
    sales_left_out = LeftOutSerializer(many=True)
    warnings = serializers.ListField(child=serializers.CharField())


class RefusedPropertySerializer(serializers.Serializer):
    property_id = serializers.CharField()
    reason = serializers.CharField()


class ScopeValuationSerializer(ResultSerializer):
    """The values of a scope in short; the file has one line a property. refused: the first hundred."""

    may_lack = ("sales_left_out",)  # valuations of earlier releases

    properties_valued = serializers.IntegerField()
    properties_refused = serializers.IntegerField()
    total_market_value = serializers.IntegerField()
    median_market_value = serializers.IntegerField()
    confidence_counts = serializers.DictField(child=serializers.IntegerField())
    refused = RefusedPropertySerializer(many=True)
    sales_left_out = LeftOutSerializer(many=True)


ValuationResult = PolymorphicProxySerializer(
    "ValuationResult", [PropertyValuationSerializer, ScopeValuationSerializer], resource_type_field_name=None
)
