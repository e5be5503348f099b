"""What a county's `county.yaml` may say. Unknown keys are refused, so a typo never passes unnoticed."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, get_args
from zoneinfo import available_timezones

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, ValidationError
from pyproj import CRS
from pyproj.exceptions import CRSError

from terrafusion.errors import ConfigurationError


def _known_crs(value: str) -> str:
    try:
        crs = CRS.from_user_input(value)
    except CRSError as error:
        raise ValueError(f"{value!r} is not a coordinate reference system; write EPSG:2927") from error
    if not crs.is_projected:
        raise ValueError(f"{value} is not projected; distances and areas need a projected one")
    return value


def _known_time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"{value!r} is not a time zone; write America/Los_Angeles")
    return value


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AdjustmentRates(Section):
    """Dollars added to a comparable's price for each unit by which the subject exceeds it.

    A rate left out is estimated from the county's sales.
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
    """How comparables are chosen; the defaults suit an urban county of Washington."""

    look_back_months: Annotated[int, Field(ge=3, le=120)] = 36
    number_of_comparables: Annotated[int, Field(ge=3, le=20)] = 5
    minimum_sales: Annotated[int, Field(ge=3, le=20)] = 5
    rings_miles: tuple[Annotated[float, Field(gt=0)], ...] = (1.0, 2.0, 5.0)
    adjustment_rates: AdjustmentRates = AdjustmentRates()


class SalesSection(Section):
    """Which validity codes mean an arm's-length sale, usable as a comparable and in a ratio study."""

    valid_codes: tuple[str, ...] = ("", "valid")


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
    """

    allowed_formats: tuple[ExportFormat, ...] = get_args(ExportFormat)
    default_crs: Annotated[str, AfterValidator(_known_crs)] | None = None
    default_parameters: ExportParameters = ExportParameters()
    largest_area_km2: Annotated[float, Field(gt=0)] | None = None
    simplification_tolerance_m: Annotated[float, Field(ge=0, le=100)] = 0.0


class CountyFile(Section):
    """The whole of `county.yaml`."""

    county_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    name: str
    state: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    fips: Annotated[str, Field(pattern=r"^\d{5}$")]
    crs: Annotated[str, AfterValidator(_known_crs)]
    time_zone: Annotated[str, AfterValidator(_known_time_zone)]
    legacy_system: Literal["PACS"] | None = None
    max_running_jobs: PositiveInt = 2
    sales: SalesSection = SalesSection()
    comparable_sales: ComparableSalesSection = ComparableSalesSection()
    gis_export: GisExportSection = GisExportSection()


def faults_in(error: ValidationError) -> str:
    """Every fault of a configuration file, by its place in the file."""
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}" for each in error.errors())


def read_county_file(path: Path) -> CountyFile:
    """The validated county.yaml. Raises ConfigurationError naming file, key and what is allowed."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path.name} of {path.parent.name}: {error}") from error
    try:
        county = CountyFile.model_validate(raw)
    except ValidationError as error:
        raise ConfigurationError(f"{path.parent.name}/{path.name}: {faults_in(error)}") from error
    if county.county_id != path.parent.name:
        raise ConfigurationError(
            f"{path.parent.name}/{path.name}: county_id is {county.county_id!r}, "
            f"but the folder is {path.parent.name!r}; they must agree."
        )
    return county
