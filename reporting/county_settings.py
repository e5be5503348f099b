"""What a county's `county.yaml` may say of its reports."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, FiniteFloat, PositiveInt

from county_configs.county_file import Section


def _ordered(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f"write the lower bound first: [{value[1]}, {value[0]}]")
    return value


Bounds = Annotated[tuple[FiniteFloat, FiniteFloat], AfterValidator(_ordered)]


def _unquoted(value: object) -> object:
    """YAML reads 2013 as a number; the edition is a name."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class RatioBands(Section):
    """What a measure must lie in, both bounds included. COD and VEI are percent."""

    median: Bounds = (0.90, 1.10)
    cod: Bounds = (5.0, 15.0)
    prd: Bounds = (0.98, 1.03)
    prb: Bounds = (-0.05, 0.05)
    mki: Bounds = (0.95, 1.05)
    vei: Bounds = (-10.0, 10.0)


Edition = Literal["2013", "draft_2026", "2026"]


class RatioStudySection(Section):
    """How a ratio study is made. The defaults: IAAO Standard on Ratio Studies (April 2013), improved residential.

    edition: of the standard that judges. `2013` is that of April 2013, which has no MKI and VEI; `draft_2026` adds both
    after the exposure drafts of 2025 and 2026; `2026` is that of October 2026, whose rules are unconfirmed.
    standard: what the report names it; by the edition when left out.
    confidence, chasing_tolerance_percent: the edition's when left out.
    class_bands: bands of a property class that has others; each names all it changes, the rest are the defaults.
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
    """The Washington ratio study, WAC 458-53: what the Department prescribes to each county.

    land_use_strata: names of land use categories and the first digits of the use codes they hold; codes that none
    names form "Other". value_strata: upper bounds of the assessed value strata in dollars, each included.
    invalid_codes: the county's validity code and its number in WAC 458-53-080; any other is 27.
    instruments: words that make an instrument a warranty deed or real estate contract.
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
