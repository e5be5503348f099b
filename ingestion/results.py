"""What an ingestion job and its result look like."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from terrafusion.jobs.api.serializers import ResultSerializer

from .serializers import IngestionParametersSerializer

# Rows, and the dollars of each amount of the target by its column: a number, or a text where there are cents.
TOTALS = {
    "type": "object",
    "required": ["rows"],
    "properties": {"rows": {"type": "integer"}},
    "additionalProperties": {"type": ["integer", "string"]},
}


class IngestionFields(serializers.Serializer):
    source = serializers.CharField()  # type: ignore[assignment] # the contract's own word
    parameters = IngestionParametersSerializer()


class TallySerializer(serializers.Serializer):
    """What became of the records of one target."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    retired = serializers.IntegerField()


class LoadedDataSetSerializer(serializers.Serializer):
    """What became of one data set: every row read is loaded, rejected or a duplicate. rules: findings by rule.

    counted: the source's own count of its rows, taken by another way than the reader; null where it has none.
    """

    may_lack = ("counted",)  # loads of earlier releases

    read = serializers.IntegerField()
    counted = serializers.IntegerField(allow_null=True)
    rejected = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    warned = serializers.IntegerField()
    dropped_values = serializers.IntegerField()
    rules = serializers.DictField(child=serializers.IntegerField())
    targets = serializers.DictField(child=TallySerializer())


@extend_schema_field(TOTALS, component_name="Totals")
class TotalsField(serializers.Field):
    """Rows, and dollars by column."""


class BalanceSerializer(serializers.Serializer):
    """source = loaded + rejected + duplicates + dropped + rounded; difference is what is left over."""

    may_lack = ("rounded",)  # loads of earlier releases

    source = TotalsField()  # type: ignore[assignment] # the contract's own word
    loaded = TotalsField()
    rejected = TotalsField()
    duplicates = TotalsField()
    dropped = TotalsField()
    rounded = TotalsField()
    difference = TotalsField()


class ControlTotalsSerializer(serializers.Serializer):
    """amounts: the columns that are added up. balanced: no difference anywhere, to the dollar."""

    amounts = serializers.ListField(child=serializers.CharField())
    headline = BalanceSerializer()
    by_class = serializers.DictField(child=BalanceSerializer())
    by_tax_area = serializers.DictField(child=BalanceSerializer())
    balanced = serializers.BooleanField()


class DigestsSerializer(serializers.Serializer):
    """SHA-256. source_sha256: of a file; empty for a database. rows: of the rows read, in any order."""

    source_sha256 = serializers.CharField()
    mapping_sha256 = serializers.CharField()
    rows = serializers.CharField()


class FindingSerializer(serializers.Serializer):
    """A row or value that broke a rule."""

    dataset = serializers.CharField()
    line = serializers.IntegerField()
    column = serializers.CharField(allow_null=True)
    value = serializers.CharField(allow_null=True)
    rule = serializers.CharField()
    level = serializers.CharField()
    reason = serializers.CharField()


class IngestionResultSerializer(ResultSerializer):
    """run: number of the load. control_totals: by data set, then by target. findings: of each data set the first
    hundred; the file has all."""

    run = serializers.IntegerField()
    dry_run = serializers.BooleanField()
    datasets = serializers.DictField(child=LoadedDataSetSerializer())
    control_totals = serializers.DictField(child=serializers.DictField(child=ControlTotalsSerializer()))
    rejected_rows = serializers.IntegerField()
    digests = DigestsSerializer()
    findings = FindingSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())
