"""What a county's `county.yaml` may say of its GIS exports."""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import AfterValidator, Field

from county_configs.county_file import Section, known_crs

ExportFormat = Literal[
    "GeoJSON", "Shapefile", "KML", "KMZ", "GeoPackage", "FlatGeobuf", "GeoParquet", "FileGDB", "CSV", "PMTiles",
]  # fmt: skip


class ExportParameters(Section):
    """What an export does when the request does not say."""

    include_assessment_data: bool = False
    clip: bool = False


class GisExportSection(Section):
    """What GIS exports of the county may be.

    default_crs: of formats that can carry one; the county's own when left out.
    largest_area_km2: of one export; no limit when left out.
    simplification_tolerance_m: metres by which outlines may be simplified; 0 leaves them as surveyed.
    hidden_attributes: of loaded layers, whatever their case, that no export, live layer or look-up shows.
    """

    key: ClassVar[str] = "gis_export"

    allowed_formats: tuple[ExportFormat, ...] = get_args(ExportFormat)
    default_crs: Annotated[str, AfterValidator(known_crs)] | None = None
    default_parameters: ExportParameters = ExportParameters()
    largest_area_km2: Annotated[float, Field(gt=0)] | None = None
    simplification_tolerance_m: Annotated[float, Field(ge=0, le=100)] = 0.0
    hidden_attributes: tuple[str, ...] = ()
