"""A ratio study: every measure, its interval and verdict, for all sales and for each stratum. No Django, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ..statistics.editions import DRAFT_2026, UNCONFIRMED, Edition
from ..statistics.intervals import (
    CLAPP_MOST_SALES,
    bonett_seier_interval,
    bootstrap_intervals,
    clapp_median_interval,
    median_interval,
)
from ..statistics.ratio_statistics import (
    Floats,
    Interval,
    NotEnoughSales,
    UnusableSales,
    coefficient_of_dispersion,
    coefficient_of_variation,
    mean_ratio,
    median_ratio,
    price_related_differential,
    weighted_mean_ratio,
)
from ..statistics.time_adjustment import TimeAdjustment
from ..statistics.trimming import NONE, TRIM_RULES, Trim, trim
from ..statistics.verdicts import FAILS, MEETS, Band, Verdict, cannot_tell, judge
from ..statistics.vertical_equity import (
    VEI_FEWEST_SALES,
    PriceRelatedBias,
    ValueGroup,
    VerticalEquityIndicator,
    kakwani_index,
    modified_kakwani_index,
    price_quantile_medians,
    price_related_bias,
    vertical_equity_indicator,
)
from .study_sales import VALUE_DECILE, LeftOut, StudySales, in_natural_order, strata_labels, usable

MEASURES = {
    "median": "Median ratio",
    "mean": "Mean ratio",
    "weighted_mean": "Weighted mean ratio",
    "cod": "Coefficient of dispersion (COD)",
    "cov": "Coefficient of variation (COV)",
    "prd": "Price-related differential (PRD)",
    "prb": "Price-related bias (PRB)",
    "ki": "Kakwani index (KI)",
    "mki": "Modified Kakwani index (MKI)",
    "vei": "Vertical equity indicator (VEI)",
}
DIGITS = {"cod": 2, "cov": 2, "vei": 2, "prb": 4, "ki": 4}  # decimals shown; 4 for the other measures
SHORT = {
    "median": "Median",
    "cod": "COD",
    "cov": "COV",
    "ki": "KI",
    "prd": "PRD",
    "prb": "PRB",
    "mki": "MKI",
    "vei": "VEI",
}
JUDGED = ("median", "cod", "prd", "prb", "mki", "vei")
VERTICAL = ("prd", "prb", "mki", "vei")
SLICE_OF_VALUE = (
    "Vertical equity is not judged: within a slice of value there is too little range to compare cheap with dear."
)
OVERALL = "All sales"
ORDER_STATISTICS, T_INTERVAL, BOOTSTRAP = "order statistics", "t", "bootstrap"
CLAPP = f"order statistics after Clapp ({UNCONFIRMED})"
BONETT_SEIER = f"Bonett-Seier ({UNCONFIRMED})"
POOL, MARK = "pool", "mark"
Bands = Mapping[str, Band]


@dataclass(frozen=True)
class StudySettings:
    """How a study is made.

    strata: the fields by which the sales are divided. bands: accepted ranges by measure. class_bands: accepted ranges
    by property class, then by measure. edition: the edition of the standard, which says what is judged and by which
    interval.
    """

    bands: Bands
    class_bands: Mapping[str, Bands] = field(default_factory=dict)
    strata: Sequence[str] = ()
    trim_rule: str = NONE
    confidence: float = 0.95
    replicates: int = 1000
    seed: int = 0
    minimum_stratum: int = 5
    small_strata: str = POOL
    edition: Edition = DRAFT_2026


@dataclass(frozen=True)
class Measure:
    """One measure of a set of sales.

    value: None where it cannot be computed; then the note says why. verdict: None where no standard is set for the
    measure.
    """

    name: str
    value: float | None
    interval: Interval | None = None
    interval_method: str = ""
    verdict: Verdict | None = None
    note: str = ""


@dataclass(frozen=True)
class StratumResult:
    """field, label: for example neighborhood and 1040. pooled: the labels of the small strata that are one here."""

    field: str
    label: str
    n: int
    measures: Mapping[str, Measure]
    price_groups: tuple[ValueGroup, ...]
    vertical_equity: VerticalEquityIndicator | None
    pooled: tuple[str, ...] = ()
    is_small: bool = False

    def value(self, measure: str) -> float | None:
        return self.measures[measure].value


@dataclass(frozen=True)
class Sensitivity:
    """The measures all sales would have under one trim rule, with or without the time adjustment."""

    rule: str
    time_adjusted: bool
    n: int
    trimmed: int
    note: str
    measures: Mapping[str, float | None]


@dataclass(frozen=True)
class RatioStudy:
    """sales: the sales measured, at time-adjusted prices where the study adjusts them. trimmed: the sales that the trim
    rule took out. left_out: the sales that cannot stand in a study.
    """

    settings: StudySettings
    sales: StudySales
    trimmed: StudySales
    trim: Trim
    left_out: Sequence[LeftOut]
    time_adjustment: TimeAdjustment | None
    overall: StratumResult
    strata: Mapping[str, tuple[StratumResult, ...]]
    sensitivity: tuple[Sensitivity, ...]


def study_ratios(
    sales: StudySales,
    settings: StudySettings,
    time_adjustment: Callable[[StudySales], TimeAdjustment] | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> RatioStudy:
    """Makes the whole study. The trim rule is applied once, to all sales together, before they are divided.

    report: called with the number of strata done and the number of all strata. Raises NotEnoughSales when no sale can
    be used.
    """
    read = len(sales)
    sales, left_out = usable(sales)
    if not len(sales):
        reasons = "; ".join(f"{omission.reason.lower()}: {omission.sales}" for omission in left_out) or "none was found"
        raise NotEnoughSales(f"None of {read} sales can be used in a ratio study ({reasons}).")
    adjustment = time_adjustment(sales) if time_adjustment else None
    studied = sales if adjustment is None else sales.with_prices(adjustment.adjusted(sales))
    trimming = trim(studied.ratios, settings.trim_rule)
    measured = studied.at(trimming.stays)
    overall, strata = measure_strata(measured, settings, report)
    return RatioStudy(
        settings=settings,
        sales=measured,
        trimmed=studied.at(~trimming.stays),
        trim=trimming,
        left_out=left_out,
        time_adjustment=adjustment,
        overall=overall,
        strata=strata,
        sensitivity=_sensitivity(sales, adjustment),
    )


def measure_strata(
    sales: StudySales, settings: StudySettings, report: Callable[[int, int], None] = lambda done, total: None
) -> tuple[StratumResult, dict[str, tuple[StratumResult, ...]]]:
    """The results of all sales together, and of each stratum by field. The sales are usable and trimmed already."""
    divisions = {name: _divided(sales, name, settings) for name in settings.strata}
    total, done = 1 + sum(map(len, divisions.values())), 0
    strata: dict[str, list[StratumResult]] = {name: [] for name in divisions}
    overall = _measured(OVERALL, OVERALL, sales, _bands_of(sales, settings), settings)
    for name, parts in divisions.items():
        for part in parts:
            done += 1
            report(done, total)
            members = sales.at(part.members)
            result = _measured(name, part.label, members, _bands_of(members, settings), settings)
            strata[name].append(replace(result, pooled=part.pooled, is_small=len(members) < settings.minimum_stratum))
    return overall, {name: tuple(results) for name, results in strata.items()}


@dataclass(frozen=True)
class _Part:
    """A stratum before it is measured. members: a mask of the study's sales, shape (n,)."""

    label: str
    members: npt.NDArray[np.bool_]
    pooled: tuple[str, ...] = ()


def _divided(sales: StudySales, name: str, settings: StudySettings) -> list[_Part]:
    """A part for each label. The parts below the minimum become one, unless the settings say to mark them instead."""
    labels = strata_labels(sales, name)
    parts = [_Part(label, labels == label) for label in in_natural_order(labels)]
    small = [part for part in parts if part.members.sum() < settings.minimum_stratum]
    if settings.small_strata == MARK or len(small) < 2:
        return parts
    members = np.any([part.members for part in small], axis=0)
    pooled = _Part(f"{len(small)} small strata together", members, tuple(part.label for part in small))
    return [*(part for part in parts if part not in small), pooled]


def _bands_of(sales: StudySales, settings: StudySettings) -> Bands:
    """The bands of a property class when all sales are of that class and it has bands of its own, else the county's."""
    classes = {str(property_class).lower() for property_class in sales.property_class}
    own = {name.lower(): bands for name, bands in settings.class_bands.items()}
    return own.get(classes.pop(), settings.bands) if len(classes) == 1 else settings.bands


def _measured(field_name: str, label: str, sales: StudySales, bands: Bands, settings: StudySettings) -> StratumResult:
    assessed, prices = sales.assessed_value, sales.sale_price
    intervals = _bootstrapped(assessed, prices, settings)
    points = {name: _point(name, assessed, prices, settings.confidence) for name in MEASURES}
    vertical = None
    if len(sales) >= VEI_FEWEST_SALES:
        vertical = vertical_equity_indicator(assessed, prices, by_ends=settings.edition.vei_by_ends)
    measures = {
        name: _judged(_with_interval(point, sales, intervals, settings), bands, vertical, len(sales), settings)
        for name, point in points.items()
    }
    if field_name == VALUE_DECILE:
        measures |= {name: replace(measures[name], verdict=None, note=SLICE_OF_VALUE) for name in VERTICAL}
    groups = price_quantile_medians(assessed, prices, confidence=settings.confidence)
    return StratumResult(field_name, label, len(sales), measures, groups, vertical)


def _bootstrapped(assessed: Floats, prices: Floats, settings: StudySettings) -> dict[str, Interval]:
    if len(prices) < 2:
        return {}
    return bootstrap_intervals(assessed, prices, settings.confidence, settings.replicates, settings.seed)


def _point(name: str, assessed: Floats, prices: Floats, confidence: float) -> Measure:
    """One measure without its verdict. Where it cannot be computed, its note says why."""
    compute: dict[str, Callable[[], float | PriceRelatedBias]] = {
        "median": lambda: median_ratio(assessed / prices),
        "mean": lambda: mean_ratio(assessed / prices),
        "weighted_mean": lambda: weighted_mean_ratio(assessed, prices),
        "cod": lambda: coefficient_of_dispersion(assessed / prices),
        "cov": lambda: coefficient_of_variation(assessed / prices),
        "prd": lambda: price_related_differential(assessed, prices),
        "prb": lambda: price_related_bias(assessed, prices, confidence),
        "ki": lambda: kakwani_index(assessed, prices),
        "mki": lambda: modified_kakwani_index(assessed, prices),
        "vei": lambda: vertical_equity_indicator(assessed, prices).vei,
    }
    try:
        value = compute[name]()
    except (NotEnoughSales, UnusableSales) as error:
        return Measure(name, None, note=str(error))
    if isinstance(value, PriceRelatedBias):
        return Measure(name, value.slope, Interval(value.low, value.high), T_INTERVAL)
    return Measure(name, value)


def _with_interval(
    measure: Measure, sales: StudySales, bootstrapped: Mapping[str, Interval], settings: StudySettings
) -> Measure:
    if measure.value is None or measure.interval is not None:
        return measure
    own = {"median": _median_interval, "cod": _cod_interval}.get(measure.name)
    try:
        if own and (with_method := own(sales, settings)):
            interval, method = with_method
            return replace(measure, interval=interval, interval_method=method)
    except (NotEnoughSales, UnusableSales) as error:
        return replace(measure, note=str(error))
    if measure.name in bootstrapped:
        return replace(measure, interval=bootstrapped[measure.name], interval_method=BOOTSTRAP)
    return measure


def _median_interval(sales: StudySales, settings: StudySettings) -> tuple[Interval, str]:
    if settings.edition.clapp and len(sales) <= CLAPP_MOST_SALES:
        return clapp_median_interval(sales.ratios, settings.confidence), CLAPP
    return median_interval(sales.ratios, settings.confidence), ORDER_STATISTICS


def _cod_interval(sales: StudySales, settings: StudySettings) -> tuple[Interval, str] | None:
    """None where the edition takes the bootstrap interval, as it does for the other measures."""
    if not settings.edition.bonett_seier:
        return None
    return bonett_seier_interval(sales.ratios, settings.confidence), BONETT_SEIER


def _judged(
    measure: Measure, bands: Bands, vertical: VerticalEquityIndicator | None, n: int, settings: StudySettings
) -> Measure:
    if measure.name not in JUDGED:
        return measure
    band = bands[measure.name]
    if not settings.edition.judges(measure.name):
        return measure if measure.value is None else replace(measure, note=_not_judged(measure, band, settings))
    if measure.name == "vei":
        return replace(measure, verdict=_verdict_of_vei(vertical, band, n))
    return replace(measure, verdict=judge(measure.name, measure.value, measure.interval, band, n))


def _not_judged(measure: Measure, band: Band, settings: StudySettings) -> str:
    place = "inside" if measure.value is not None and band.holds(measure.value) else "outside"
    return f"Not judged by the edition {settings.edition.name}; {place} the band {band.low:g} to {band.high:g}."


def _verdict_of_vei(vertical: VerticalEquityIndicator | None, band: Band, n: int) -> Verdict:
    """A VEI inside the band meets the standard. Outside it fails only when its significance is above the band too."""
    if vertical is None:
        return Verdict("vei", cannot_tell(n), band, VEI_FEWEST_SALES)
    if band.holds(vertical.vei):
        return Verdict("vei", MEETS, band)
    if vertical.significance is not None and vertical.significance > band.high:
        return Verdict("vei", FAILS, band)
    return Verdict("vei", cannot_tell(n), band)


def _sensitivity(sales: StudySales, adjustment: TimeAdjustment | None) -> tuple[Sensitivity, ...]:
    """The measures under every trim rule, so that the choice of a rule cannot hide a result."""
    variants = [(False, sales)]
    if adjustment is not None:
        variants.append((True, sales.with_prices(adjustment.adjusted(sales))))
    sensitivity = []
    for is_adjusted, variant in variants:
        for rule in TRIM_RULES:
            trimming = trim(variant.ratios, rule)
            measured = variant.at(trimming.stays)
            points = {
                name: _point(name, measured.assessed_value, measured.sale_price, 0.95).value
                for name in ("median", "weighted_mean", "cod", "prd", "prb", "mki", "vei")
            }
            sensitivity.append(Sensitivity(rule, is_adjusted, len(measured), trimming.trimmed, trimming.note, points))
    return tuple(sensitivity)
