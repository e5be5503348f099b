"""What a market analysis job and its result look like: one shape for each analysis. Dollars are whole."""

from __future__ import annotations

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from terrafusion.analytics.tables import AREA_COLUMNS
from terrafusion.jobs.api.serializers import ResultSerializer

from .indices.price_index import METHODS
from .models import FORMER_TYPES
from .parameters import PARAMETERS
from .serializers import MarketAnalysisRequestSerializer


class MarketAnalysisFields(serializers.Serializer):
    analysis_type = serializers.ChoiceField(
        [*map(str, PARAMETERS), *FORMER_TYPES, MarketAnalysisRequestSerializer.drill.value]
    )


def _unknown(**options: object) -> serializers.FloatField:
    """null where the sales are too few to say."""
    return serializers.FloatField(allow_null=True, **options)  # type: ignore[arg-type]


def _area() -> serializers.ChoiceField:
    return serializers.ChoiceField(list(AREA_COLUMNS))


class SummarySerializer(serializers.Serializer):
    """key_finding: one sentence. data_points_analyzed: sales, or rows of a snapshot.

    trends_left_out: points that only the Parquet file has.
    """

    key_finding = serializers.CharField()
    data_points_analyzed = serializers.IntegerField()
    snapshot_id = serializers.CharField()
    snapshot_taken_at = serializers.DateTimeField()
    trends_left_out = serializers.IntegerField(required=False)


class AnalysisResultSerializer(ResultSerializer):
    """result_data_location: path of the Parquet file with every figure; null where an analysis makes none."""

    result_data_location = serializers.CharField(allow_null=True)


class PointSerializer(serializers.Serializer):
    """period: 2023, 2023-Q1 or 2023-01."""

    period = serializers.CharField()
    average_price = serializers.IntegerField(allow_null=True)
    median_price = serializers.IntegerField(allow_null=True)
    sales_volume = serializers.IntegerField()
    too_few_sales = serializers.BooleanField()


# --- price_trend_by_zip, trend_analysis ---


class PriceTrendPointSerializer(PointSerializer):
    """The interval holds the median with 95 %. A trend by area names its area: one of the fields that are optional."""

    median_price_low = serializers.IntegerField(allow_null=True)
    median_price_high = serializers.IntegerField(allow_null=True)
    price_per_sqft = _unknown()
    change_percent = _unknown()
    zip_code = serializers.CharField(required=False)
    neighborhood = serializers.CharField(required=False)
    property_type = serializers.CharField(required=False)
    property_class = serializers.CharField(required=False)
    use_code = serializers.CharField(required=False)
    tax_code_area = serializers.CharField(required=False)
    situs_city = serializers.CharField(required=False)


class PriceTrendSummarySerializer(SummarySerializer):
    periods = serializers.IntegerField()
    areas = serializers.IntegerField(allow_null=True)
    points_with_too_few_sales = serializers.IntegerField()
    minimum_sales = serializers.IntegerField()


class PriceTrendResultSerializer(AnalysisResultSerializer):
    result_summary = PriceTrendSummarySerializer()
    trends = PriceTrendPointSerializer(many=True)


# --- price_index ---


class PriceIndexPointSerializer(PointSerializer):
    """Level and standard error of the chosen method, then of each."""

    index = _unknown()
    standard_error = _unknown()
    hedonic = _unknown()
    hedonic_standard_error = _unknown()
    hedonic_unsmoothed = _unknown()
    repeat_sales = _unknown()
    repeat_sales_standard_error = _unknown()
    repeat_sales_unsmoothed = _unknown()
    median = _unknown()
    median_standard_error = _unknown()
    median_unsmoothed = _unknown()


class IndexQualitySerializer(serializers.Serializer):
    """How good a method's index is; or not_estimated, which says why there is none."""

    observations = serializers.IntegerField(required=False)
    mean_standard_error_percent = _unknown(required=False)
    volatility_percent = _unknown(required=False)
    revision_percent = _unknown(required=False)
    residual_spread = _unknown(required=False)
    not_estimated = serializers.CharField(required=False)


class IndexQualitiesSerializer(serializers.Serializer):
    hedonic = IndexQualitySerializer()
    repeat_sales = IndexQualitySerializer()
    median = IndexQualitySerializer()


class PriceIndexSummarySerializer(SummarySerializer):
    method = serializers.ChoiceField(list(METHODS))
    base = serializers.CharField()
    minimum_sales = serializers.IntegerField()
    points_with_too_few_sales = serializers.IntegerField()
    methods = IndexQualitiesSerializer()


class PriceIndexResultSerializer(AnalysisResultSerializer):
    result_summary = PriceIndexSummarySerializer()
    trends = PriceIndexPointSerializer(many=True)


# --- comparable_market_area ---


class MarketAreaSerializer(serializers.Serializer):
    """An area's figures; percent a year."""

    area = serializers.CharField()
    sales_volume = serializers.IntegerField()
    median_price = serializers.IntegerField()
    price_per_sqft = _unknown()
    change_percent_per_year = _unknown()
    shrunk_change_percent_per_year = _unknown()
    stock = serializers.IntegerField()
    turnover_percent_per_year = _unknown()
    living_area_sqft = _unknown()
    lot_sqft = _unknown()
    year_built = _unknown()
    single_family_percent = _unknown()


class ComparableMarketAreaSerializer(MarketAreaSerializer):
    """distance: 0 is alike. alike: sentences, the most telling first. unlike: the greatest difference."""

    distance = serializers.FloatField()
    alike = serializers.ListField(child=serializers.CharField())
    unlike = serializers.CharField(allow_null=True)


class ComparableAreasSummarySerializer(SummarySerializer):
    area = _area()
    subject = MarketAreaSerializer()
    comparable_areas = ComparableMarketAreaSerializer(many=True)
    areas_compared = serializers.IntegerField()
    areas_with_too_few_sales = serializers.IntegerField()
    minimum_sales = serializers.IntegerField()


class ComparableAreasResultSerializer(AnalysisResultSerializer):
    result_summary = ComparableAreasSummarySerializer()
    trends = PriceTrendPointSerializer(many=True)


# --- market_activity ---


class MarketActivityPointSerializer(PointSerializer):
    lower_quartile_price = serializers.IntegerField()
    upper_quartile_price = serializers.IntegerField()
    price_per_sqft = _unknown()
    dollar_volume = serializers.IntegerField()
    turnover_percent_per_year = _unknown()
    flips = serializers.IntegerField()
    flip_gain_percent = _unknown()
    flip_days_held = _unknown()


class MarketActivitySummarySerializer(SummarySerializer):
    """Deciles by name, p10 to p90; seasonality by month, 1.0 being a twelfth of the year. Empty with too few sales."""

    stock = serializers.IntegerField()
    turnover_percent_per_year = _unknown()
    price_deciles = serializers.DictField(child=serializers.IntegerField())
    price_per_sqft_deciles = serializers.DictField(child=serializers.FloatField())
    flips = serializers.IntegerField()
    flips_percent = serializers.FloatField()
    seasonality = serializers.DictField(child=serializers.FloatField())


class MarketActivityResultSerializer(AnalysisResultSerializer):
    result_summary = MarketActivitySummarySerializer()
    trends = MarketActivityPointSerializer(many=True)


# --- appreciation_surface ---


class AppreciationSummarySerializer(SummarySerializer):
    """layer: the map layer the surface is kept as, which the GIS export delivers."""

    area = _area()
    layer = serializers.CharField()
    areas = serializers.IntegerField()
    areas_with_too_few_sales = serializers.IntegerField()
    areas_without_polygon = serializers.ListField(child=serializers.CharField())
    areas_drawn_as_hull = serializers.IntegerField()
    minimum_sales = serializers.IntegerField()


class NoTrendsSerializer(AnalysisResultSerializer):
    """trends: always empty; the figures stand in the summary and the file."""

    trends = serializers.ListField(child=serializers.DictField(), max_length=0)


class AppreciationResultSerializer(NoTrendsSerializer):
    result_summary = AppreciationSummarySerializer()


# --- sales_screening ---


class ScreeningReasonSerializer(serializers.Serializer):
    """code: one of a closed set, as sales reviews use it."""

    code = serializers.CharField()
    text = serializers.CharField()


class FlaggedSaleSerializer(serializers.Serializer):
    sale_id = serializers.CharField()
    reasons = ScreeningReasonSerializer(many=True)


class ReasonPrecisionSerializer(serializers.Serializer):
    """How often the county's own codes set aside the sales that a reason flags."""

    sales_flagged = serializers.IntegerField()
    set_aside_by_code = serializers.IntegerField()
    precision_percent = serializers.FloatField()


class ScreeningSummarySerializer(SummarySerializer):
    """reasons: sales by the code of a reason. strongest: the first hundred; the file has all.

    precision_of_reasons: by the code of a reason; null where the county's own codes are not known.
    """

    sales_screened = serializers.IntegerField()
    sales_flagged = serializers.IntegerField()
    flagged_percent = serializers.FloatField()
    reasons = serializers.DictField(child=serializers.IntegerField())
    strongest = FlaggedSaleSerializer(many=True)
    precision_of_reasons = serializers.DictField(child=ReasonPrecisionSerializer(), allow_null=True)
    precision_note = serializers.CharField()


class ScreeningPointSerializer(serializers.Serializer):
    period = serializers.CharField()
    sales_flagged = serializers.IntegerField()


class ScreeningResultSerializer(AnalysisResultSerializer):
    result_summary = ScreeningSummarySerializer()
    trends = ScreeningPointSerializer(many=True)


# --- snapshot: jobs of earlier releases ---


class SnapshotSummarySerializer(SummarySerializer):
    """rows: by table of the snapshot."""

    rows = serializers.DictField(child=serializers.IntegerField())


class SnapshotResultSerializer(NoTrendsSerializer):
    result_summary = SnapshotSummarySerializer()


MarketAnalysisResult = PolymorphicProxySerializer(
    "MarketAnalysisResult",
    [
        PriceTrendResultSerializer,
        PriceIndexResultSerializer,
        ComparableAreasResultSerializer,
        MarketActivityResultSerializer,
        AppreciationResultSerializer,
        ScreeningResultSerializer,
        SnapshotResultSerializer,
    ],
    resource_type_field_name=None,
)
