"""The sections of `county.yaml` about reports."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, FiniteFloat, PositiveInt

from county_configs.county_file import Section


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

    key: ClassVar[str] = "ratio_study"

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

    key: ClassVar[str] = "dor_ratio"

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
