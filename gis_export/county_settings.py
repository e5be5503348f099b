"""The section of `county.yaml` about GIS exports."""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import AfterValidator, Field

from county_configs.county_file import Section, known_crs

ExportFormat = Literal[
    "GeoJSON", "Shapefile", "KML", "KMZ", "GeoPackage", "FlatGeobuf", "GeoParquet", "FileGDB", "CSV", "PMTiles",
]  # fmt: skip


class ExportParameters(Section):
    """The defaults of an export, for what a request leaves out."""

    include_assessment_data: bool = False
    clip: bool = False


class GisExportSection(Section):
    """The rules for GIS exports of the county.

    default_crs: the coordinate system of formats in which it can be chosen; by default the county's own.
    largest_area_km2: the largest area of one export; by default there is no limit.
    simplification_tolerance_m: metres by which simplifying may move an outline; 0 leaves outlines as surveyed.
    hidden_attributes: attributes of loaded layers, in upper or lower case, that no export, live layer or look-up shows.
    """

    key: ClassVar[str] = "gis_export"

    allowed_formats: tuple[ExportFormat, ...] = get_args(ExportFormat)
    default_crs: Annotated[str, AfterValidator(known_crs)] | None = None
    default_parameters: ExportParameters = ExportParameters()
    largest_area_km2: Annotated[float, Field(gt=0)] | None = None
    simplification_tolerance_m: Annotated[float, Field(ge=0, le=100)] = 0.0
    hidden_attributes: tuple[str, ...] = ()
