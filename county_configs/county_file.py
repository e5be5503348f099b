"""The keys of a county's `county.yaml`. Unknown keys are refused, so that a misspelling is noticed."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, get_args
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    PositiveInt,
    ValidationError,
)
from pyproj import CRS
from pyproj.exceptions import CRSError

from terrafusion.errors import ConfigurationError

from .safe_yaml import faults_with_lines, read_yaml


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

    A rate that is not given is estimated from the county's sales.
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
    """How comparables are chosen. The defaults suit an urban county of Washington."""

    look_back_months: Annotated[int, Field(ge=3, le=120)] = 36
    number_of_comparables: Annotated[int, Field(ge=3, le=20)] = 5
    minimum_sales: Annotated[int, Field(ge=3, le=20)] = 5
    rings_miles: tuple[Annotated[float, Field(gt=0)], ...] = (1.0, 2.0, 5.0)
    adjustment_rates: AdjustmentRates = AdjustmentRates()


class SalesSection(Section):
    """The validity codes of arm's-length sales, which are used as comparables and in ratio studies."""

    valid_codes: tuple[str, ...] = ("", "valid")


def _ordered(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f"write the lower bound first: [{value[1]}, {value[0]}]")
    return value


Bounds = Annotated[tuple[FiniteFloat, FiniteFloat], AfterValidator(_ordered)]


def _unquoted(value: object) -> object:
    """The edition as a text, because YAML reads 2013 as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class RatioBands(Section):
    """The acceptable range of each measure. Both bounds are included. COD and VEI are in percent."""

    median: Bounds = (0.90, 1.10)
    cod: Bounds = (5.0, 15.0)
    prd: Bounds = (0.98, 1.03)
    prb: Bounds = (-0.05, 0.05)
    mki: Bounds = (0.95, 1.05)
    vei: Bounds = (-10.0, 10.0)


Edition = Literal["2013", "draft_2026", "2026"]


class RatioStudySection(Section):
    """How a ratio study is made. The defaults: IAAO Standard on Ratio Studies (April 2013), improved residential.

    edition: the edition of the standard. `2013` is that of April 2013, which has no MKI and VEI; `draft_2026` adds both
    by the exposure drafts of 2025 and 2026; `2026` is that of October 2026, whose rules are unconfirmed.
    standard: its name in the report; by default that of the edition.
    confidence, chasing_tolerance_percent: by default those of the edition.
    class_bands: the bands of property classes that differ; a measure that is not given has its default, not the bounds
    of `bands`.
    """

    edition: Annotated[Edition, BeforeValidator(_unquoted)] = "draft_2026"
    standard: str | None = None
    look_back_months: Annotated[int, Field(ge=1, le=120)] = 12
    trim_rule: Literal["none", "iqr_1_5", "iqr_3", "percentile_5_95", "washington"] = "none"
    confidence: Annotated[float, Field(ge=0.5, le=0.999)] | None = None
    minimum_stratum: Annotated[int, Field(ge=2, le=100)] = 5
    chasing_tolerance_percent: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    bands: RatioBands = RatioBands()
    class_bands: dict[str, RatioBands] = {}


def _rising(value: tuple[int, ...]) -> tuple[int, ...]:
    if list(value) != sorted(set(value)):
        raise ValueError(f"write the bounds from low to high, each once: {sorted(set(value))}")
    return value


class DorRatioSection(Section):
    """The Washington ratio study, WAC 458-53, with the settings that the Department prescribes for each county.

    land_use_strata: the land use categories, and the first digits of the use codes in each; all other codes form
    "Other". value_strata: the upper bounds of the assessed value strata in dollars, which belong to their stratum.
    invalid_codes: the number in WAC 458-53-080 of each of the county's validity codes; 27 for any other code.
    instruments: words by which an instrument is a warranty deed or a real estate contract.
    """

    land_use_strata: dict[str, tuple[str, ...]] = {
        "Single family": ("11",),
        "Multi-family": ("12", "13", "14"),
        "Manufacturing": ("2", "3"),
        "Commercial": ("4", "5", "6", "7"),
        "Agricultural": ("81", "83"),
        "Vacant land": ("91",),
    }
    value_strata: Annotated[tuple[PositiveInt, ...], AfterValidator(_rising)] = (200_000, 400_000, 800_000)
    invalid_codes: dict[str, Annotated[int, Field(ge=1, le=99)]] = {}
    instruments: tuple[str, ...] = ("warranty", "contract")


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

    allowed_formats: tuple[ExportFormat, ...] = get_args(ExportFormat)
    default_crs: Annotated[str, AfterValidator(_known_crs)] | None = None
    default_parameters: ExportParameters = ExportParameters()
    largest_area_km2: Annotated[float, Field(gt=0)] | None = None
    simplification_tolerance_m: Annotated[float, Field(ge=0, le=100)] = 0.0
    hidden_attributes: tuple[str, ...] = ()


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
    ratio_study: RatioStudySection = RatioStudySection()
    dor_ratio: DorRatioSection = DorRatioSection()
    gis_export: GisExportSection = GisExportSection()


def faults_in(error: ValidationError) -> str:
    """Every fault of a configuration file, with its place in the file."""
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in error.errors())


def read_county_file(path: Path) -> CountyFile:
    """The validated county.yaml. Raises ConfigurationError naming file, key and what is allowed."""
    raw, root = read_yaml(path)
    try:
        county = CountyFile.model_validate(raw)
    except ValidationError as error:
        faults = faults_with_lines(error, root, f"{path.parent.name}/{path.name}")
        raise ConfigurationError("; ".join(faults)) from error
    if county.county_id != path.parent.name:
        raise ConfigurationError(
            f"{path.parent.name}/{path.name}: county_id is {county.county_id!r}, "
            f"but the folder is {path.parent.name!r}; they must agree."
        )
    return county
