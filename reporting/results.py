"""What a report job and its result look like."""

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from terrafusion.jobs.api.serializers import ResultSerializer

from .formats import CONTENT_TYPES
from .serializers import PARAMETERS, ReportRequestSerializer
from .statistics.editions import EDITIONS


class ReportFields(serializers.Serializer):
    report_type = serializers.ChoiceField([*map(str, PARAMETERS), ReportRequestSerializer.drill.value])


# --- The few numbers a client shows without opening the file: of each report type ---


def _measure() -> serializers.FloatField:
    """null where the sales are too few, or of no use, for the measure."""
    return serializers.FloatField(allow_null=True)


class RatioStudyHeadlineSerializer(serializers.Serializer):
    """n: sales studied. edition: of the standard that judges. verdicts: in words, by the measure that is judged."""

    n = serializers.IntegerField()
    trimmed = serializers.IntegerField()
    median = _measure()
    mean = _measure()
    weighted_mean = _measure()
    cod = _measure()
    cov = _measure()
    prd = _measure()
    prb = _measure()
    ki = _measure()
    mki = _measure()
    vei = _measure()
    edition = serializers.ChoiceField(list(EDITIONS))
    verdicts = serializers.DictField(child=serializers.CharField())


class AssessmentRollHeadlineSerializer(serializers.Serializer):
    """Control totals; dollars."""

    properties = serializers.IntegerField()
    market_total = serializers.IntegerField()
    taxable_value = serializers.IntegerField()


class DorRatioHeadlineSerializer(serializers.Serializer):
    """indicated_ratio: assessed value / market value. dry_run: the window of sales is still open."""

    indicated_ratio = serializers.FloatField()
    assessed_value = serializers.IntegerField()
    market_value = serializers.FloatField()
    valid_sales = serializers.IntegerField()
    invalid_sales = serializers.IntegerField()
    dry_run = serializers.BooleanField()


class ValueChangeHeadlineSerializer(serializers.Serializer):
    """Dollars and percent; null where nothing had a value before."""

    properties = serializers.IntegerField()
    total_before = serializers.IntegerField()
    total_after = serializers.IntegerField()
    change_percent = _measure()
    median_change_percent = _measure()


class RecordCardHeadlineSerializer(serializers.Serializer):
    """Dollars; null where the property has not been valued, or assessed."""

    property_id = serializers.CharField()
    market_value = serializers.IntegerField(allow_null=True)
    assessed_value = serializers.IntegerField(allow_null=True)


class ComparablesGridHeadlineSerializer(serializers.Serializer):
    """Dollars. comparables: how many there are."""

    property_id = serializers.CharField()
    market_value = serializers.IntegerField()
    market_value_low = serializers.IntegerField()
    market_value_high = serializers.IntegerField()
    comparables = serializers.IntegerField()


Headline = PolymorphicProxySerializer(
    "ReportHeadline",
    [
        RatioStudyHeadlineSerializer,
        AssessmentRollHeadlineSerializer,
        DorRatioHeadlineSerializer,
        ValueChangeHeadlineSerializer,
        RecordCardHeadlineSerializer,
        ComparablesGridHeadlineSerializer,
    ],
    resource_type_field_name=None,
)


# --- The report ---


@extend_schema_field({"type": ["integer", "string"]})
class SeedField(serializers.Field):
    """The seed of the random numbers, or that there were none."""


class ProvenanceSerializer(serializers.Serializer):
    """What is needed to make the report again and get the same. A report type adds facts of its own."""

    may_have_more = True

    county_id = serializers.CharField()
    tax_year = serializers.CharField(required=False)
    data_as_of = serializers.DateTimeField(allow_null=True)
    filters = serializers.CharField()
    trim_rule = serializers.CharField()
    seed = SeedField()
    config_digest = serializers.CharField()
    input_digest = serializers.CharField()
    software = serializers.CharField()


class ReportMetadataSerializer(serializers.Serializer):
    """pages: of a PDF."""

    format = serializers.ChoiceField(list(CONTENT_TYPES))
    file_size_kb = serializers.IntegerField()
    title = serializers.CharField()
    pages = serializers.IntegerField(required=False)
    provenance = ProvenanceSerializer()


class ReportResultSerializer(ResultSerializer):
    """result_location: a path on this server that GET with the token downloads."""

    result_location = serializers.CharField()
    result_metadata = ReportMetadataSerializer()
    headline = Headline
