"""What a GIS export request may say."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from county_configs.models import County
from terrafusion.jobs.drill import Drill
from terrafusion.jobs.models import FailureReason
from terrafusion.jobs.request import JobRequestSerializer
from terrafusion.roll.models import ValueEstimate
from terrafusion.roll.shapes import square_kilometres
from terrafusion.web.api import StrictSerializer

from .areas.area_of_interest import AreaOfInterest, BadArea, read_area
from .areas.coordinate_systems import STORAGE, BadCoordinateSystem, coordinate_system, expresses
from .areas.county_area import boundary_of, extent_of
from .areas.shapes import AreaOfInterestField
from .county_rules import allowed_formats, default_crs
from .county_settings import GisExportSection
from .formats.registry import FORMATS, FileFormat, format_named
from .layers.catalogue import layer_names
from .models import GisExportJob

MOST_LAYERS = 20
DRILL = Drill(
    "export_format",
    "FAIL_FORMAT_SIM",
    "Simulated GIS export failure due to format.",
    FailureReason.SIMULATED_FORMAT_FAILURE,
)
EXPORT_FORMATS = (*FORMATS, DRILL.value)


class ExportParametersSerializer(StrictSerializer):
    """What is left out comes from the county's settings. crs: for example EPSG:2927.

    map: whether the export gets a map page; left out, a small one does and a large one does not.
    """

    include_assessment_data = serializers.BooleanField(required=False)
    include_owner_info = serializers.BooleanField(required=False)
    clip = serializers.BooleanField(required=False)
    crs = serializers.CharField(required=False, max_length=32)
    map = serializers.BooleanField(required=False, allow_null=True, default=None)
    tax_year = serializers.IntegerField(required=False, min_value=1900, max_value=2200)
    property_id = serializers.CharField(required=False, max_length=64)
    simplification_tolerance_m = serializers.FloatField(required=False, min_value=0, max_value=100)

    def validate_crs(self, value: str) -> str:
        try:
            return coordinate_system(value).identifier
        except BadCoordinateSystem as error:
            raise serializers.ValidationError(str(error)) from error


@extend_schema_field(serializers.ChoiceField(EXPORT_FORMATS))
class ExportFormatField(serializers.CharField):
    """The usual names; what else people write for them is taken too (formats/registry.py)."""


class GisExportRequestSerializer(JobRequestSerializer):
    """Layers of a county, of the whole or of an area of interest, in one format."""

    drill = DRILL

    export_format = ExportFormatField(max_length=32)
    layers = serializers.ListField(
        child=serializers.CharField(max_length=64, trim_whitespace=False),
        allow_empty=False,
        max_length=MOST_LAYERS,
        default=["parcels"],
    )
    area_of_interest = AreaOfInterestField(required=False, allow_null=True, default=None)
    parameters = ExportParametersSerializer(required=False)

    def validate_export_format(self, value: str) -> str:
        if self.is_drill(value):
            return value
        file_format = format_named(value)
        if file_format is None:
            raise serializers.ValidationError(f"Unknown format {value!r}. Allowed: {', '.join(FORMATS)}.")
        return file_format.name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        county: County = attrs["county_id"]
        file_format = FORMATS.get(attrs["export_format"], FORMATS["GeoJSON"])  # the drill has none of its own
        _check_allowed(county, file_format)
        parameters = _with_defaults(county, file_format, attrs.get("parameters", {}))
        _check_layers(county, attrs["layers"], parameters)
        area = _area(attrs["area_of_interest"])
        _check_area(county, area, parameters)
        # The contract: both are found in the parameters as well.
        echo = {"area_of_interest": attrs["area_of_interest"], "layers": attrs["layers"]}
        return attrs | {"parameters": parameters | echo}


def check_again(job: GisExportJob) -> None:
    """Raises ValidationError when the county's rules no longer allow what the job asked for."""
    _check_allowed(job.county, FORMATS.get(job.export_format, FORMATS["GeoJSON"]))
    _check_area(job.county, _area(job.area_of_interest), job.parameters)


def _check_allowed(county: County, file_format: FileFormat) -> None:
    allowed = allowed_formats(county)
    if file_format.name not in allowed:
        message = f"{county.name} does not export {file_format.name}. Allowed: {', '.join(allowed)}."
        raise serializers.ValidationError({"export_format": [message]})


def _with_defaults(county: County, file_format: FileFormat, given: dict[str, Any]) -> dict[str, Any]:
    rules = county.section(GisExportSection)
    parameters = {
        **rules.default_parameters.model_dump(),
        "include_owner_info": False,
        "map": None,
        "simplification_tolerance_m": rules.simplification_tolerance_m,
        **given,
    }
    if file_format.degrees_only and parameters.setdefault("crs", STORAGE) != STORAGE:
        message = f"{file_format.name} is always in EPSG:4326, by its standard; leave crs out or choose another format."
        raise serializers.ValidationError({"parameters": {"crs": [message]}})
    parameters.setdefault("crs", default_crs(county))
    return parameters


def _check_layers(county: County, layers: list[str], parameters: dict[str, Any]) -> None:
    known = layer_names(county)
    for name in layers:
        if name not in known:
            message = f"Unknown layer {name!r} in county {county.pk}. Allowed: {', '.join(known)}."
            raise serializers.ValidationError({"layers": [message]})
    if len(set(layers)) != len(layers):
        raise serializers.ValidationError({"layers": ["A layer is named twice."]})
    if "comparables" in layers:
        _check_subject(county, parameters.get("property_id"))


def _check_subject(county: County, property_id: str | None) -> None:
    if property_id is None:
        message = "The layer comparables needs the property_id of the subject."
        raise serializers.ValidationError({"parameters": {"property_id": [message]}})
    valued = ValueEstimate.objects.filter(roll_property__county=county, roll_property__property_id=property_id)
    if not valued.exists():
        message = f"Property {property_id!r} has no value estimate in county {county.pk}; run a valuation first."
        raise serializers.ValidationError({"parameters": {"property_id": [message]}})


def _area(value: dict[str, Any] | None) -> AreaOfInterest:
    try:
        return read_area(value)
    except BadArea as error:
        raise serializers.ValidationError({"area_of_interest": [str(error)]}) from error


def _check_area(county: County, area: AreaOfInterest, parameters: dict[str, Any]) -> None:
    boundary, extent = boundary_of(county), extent_of(county)
    if area.is_whole_county and parameters["clip"] and boundary is None:
        message = "There is nothing to clip at: give an area_of_interest, or load the layer county_boundary."
        raise serializers.ValidationError({"parameters": {"clip": [message]}})
    if area.polygon is not None and extent is not None and not area.polygon.intersects(extent):
        west, south, east, north = (round(bound, 4) for bound in extent.bounds)
        message = f"The area lies outside {county.name}, which reaches from {west}, {south} to {east}, {north} degrees."
        raise serializers.ValidationError({"area_of_interest": [message]})
    _check_size(county, area.polygon or boundary or extent)
    system = coordinate_system(parameters["crs"])
    if extent is not None and not expresses(system, *extent.bounds):
        message = f"{system.identifier} ({system.name}) has no coordinates for {county.name}."
        raise serializers.ValidationError({"parameters": {"crs": [message]}})


def _check_size(county: County, polygon: Any) -> None:
    largest = county.section(GisExportSection).largest_area_km2
    if largest is None or polygon is None:
        return
    size = square_kilometres(polygon)
    if size > largest:
        message = f"The area has {size:,.1f} km2; {county.name} exports at most {largest:,.1f} km2 at a time."
        raise serializers.ValidationError({"area_of_interest": [message]})
