"""What a GIS export job and its result look like."""

from typing import Any

from rest_framework import serializers

from terrafusion.jobs.api.serializers import ResultSerializer

from .areas.shapes import AreaOfInterestField
from .models import GisExportJob
from .serializers import EXPORT_FORMATS, ExportParametersSerializer


def _column(name: str) -> serializers.Field:
    """The column of the model as a field without null: every completed job has a value there."""
    column: Any = GisExportJob._meta.get_field(name)
    field, options = serializers.ModelSerializer().build_standard_field(name, column)
    limits = {name: value for name, value in options.items() if name in ("min_value", "max_value", "max_length")}
    return field(**limits)


class ShownExportParametersSerializer(ExportParametersSerializer):
    """As used, defaults filled in; area_of_interest and layers are found here as well."""

    area_of_interest = AreaOfInterestField(required=False, allow_null=True)
    layers = serializers.ListField(child=serializers.CharField(), required=False)


class GisExportFields(serializers.Serializer):
    """area_of_interest: as it was asked for; null is the whole county."""

    export_format = serializers.ChoiceField(EXPORT_FORMATS)
    area_of_interest = AreaOfInterestField(allow_null=True)
    layers = serializers.ListField(child=serializers.CharField())
    parameters = ShownExportParametersSerializer()


class GisExportResultSerializer(ResultSerializer):
    """result_file_location: a path on this server that GET with the token downloads. record_counts: by layer, also
    of those without_geometry. as_of: the last change of what was exported; null without any."""

    result_file_location = serializers.CharField()
    result_file_size_kb = _column("result_file_size_kb")
    result_record_count = serializers.IntegerField()
    record_counts = serializers.DictField(child=serializers.IntegerField())
    without_geometry = serializers.DictField(child=serializers.IntegerField())
    texts_cut = serializers.IntegerField()
    area_of_interest_repaired = serializers.BooleanField()
    tax_year = serializers.IntegerField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True)
    crs = serializers.CharField()
    crs_name = serializers.CharField()
    crs_unit = serializers.CharField()


# --- What a county exports ---


class CountyFormatSerializer(serializers.Serializer):
    """crs: of a file whose request does not choose one."""

    export_format = serializers.ChoiceField(EXPORT_FORMATS)
    extension = serializers.CharField()
    content_type = serializers.CharField()
    several_layers_in_one_file = serializers.BooleanField()
    crs = serializers.CharField()
    crs_can_be_chosen = serializers.BooleanField()


class CountyFormatsSerializer(serializers.Serializer):
    county_id = serializers.CharField()
    formats = CountyFormatSerializer(many=True)


class DefaultExportParametersSerializer(serializers.Serializer):
    include_assessment_data = serializers.BooleanField()
    include_owner_info = serializers.BooleanField()
    clip = serializers.BooleanField()
    crs = serializers.CharField()
    simplification_tolerance_m = serializers.FloatField()


class CountyDefaultsSerializer(serializers.Serializer):
    """largest_area_km2: of one export; null without a limit."""

    county_id = serializers.CharField()
    layers = serializers.ListField(child=serializers.CharField())
    parameters = DefaultExportParametersSerializer()
    crs = serializers.CharField()
    crs_name = serializers.CharField()
    crs_unit = serializers.CharField()
    largest_area_km2 = serializers.FloatField(allow_null=True)
