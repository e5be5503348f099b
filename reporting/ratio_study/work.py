"""The work of a sales ratio study: it reads the roll, makes the study and returns the report."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from county_configs.models import County
from terrafusion.digests import json_digest
from terrafusion.jobs.outcome import Outcome
from terrafusion.roll.models import Property, TimeIndex

from ..county_settings import RatioBands, RatioStudySection
from ..delivery import delivered
from ..formats.document import Fact
from ..formats.provenance import facts_of
from ..models import ReportJob
from ..roll.roll_reader import values_of_year
from ..serializers import filters_in
from ..statistics.editions import EDITIONS, Edition
from ..statistics.ratio_statistics import NotEnoughSales
from ..statistics.sales_chasing import SoldUnsold, compare_sold_with_unsold
from ..statistics.time_adjustment import TimeAdjustment, by_index, rate_of_ratios, steady_rate
from ..statistics.trimming import TRIM_RULES
from ..statistics.verdicts import Band
from ..statistics.vertical_equity import PERCENTILE_R7, VEI_METHOD
from .edition_comparison import flips_between_editions
from .report import study_report
from .sales_from_roll import (
    NothingSelected,
    ReadSales,
    latest_tax_year,
    read_sales,
    require_attributes,
    require_filters,
    require_tax_year,
)
from .study import OVERALL, RatioStudy, StudySettings, study_ratios
from .study_sales import DERIVED_STRATA, UNKNOWN, StudySales, in_natural_order

MOST_STRATA_COMPARED = 100
Compared = list[tuple[str, str, SoldUnsold]]


def make(job: ReportJob) -> Outcome:
    parameters, county = job.parameters, job.county
    section = county.section(RatioStudySection)
    tax_year = parameters.get("year") or latest_tax_year(county)
    strata, filters = parameters.get("stratify_by", ["property_class"]), filters_in(parameters)
    require_tax_year(county, tax_year)
    require_filters(county, filters)
    require_attributes(county, strata)
    first, last = _window(parameters, tax_year, section)
    read = read_sales(county, tax_year, first, last, filters, strata)
    settings = _settings(parameters, section, strata)
    adjustment = _time_adjustment(county, parameters.get("time_adjustment"), date(tax_year, 1, 1), first)
    study = study_ratios(
        read.sales, settings, adjustment, lambda done, total: job.report(done, total, f"{done} of {total} strata.")
    )
    study = _with_left_out(study, read)
    changes = _changes(county, tax_year, filters)
    compared = _sold_and_unsold(county, changes, strata, read, settings)
    tolerance = section.chasing_tolerance_percent
    chasing = [
        (field, label, change, settings.edition.chasing_verdict(change, tolerance)) for field, label, change in compared
    ]
    flips = None
    if parameters["compare_editions"]:
        flips = flips_between_editions(study, compared, parameters.get("confidence", section.confidence), tolerance)
    report = study_report(
        study,
        chasing,
        _facts(county, tax_year, filters, (first, last), study, json_digest([read.sales.digest(), changes.digest()])),
        f"Sales ratio study {tax_year}",
        f"{county}: sales from {first} to {last}",
        _standard(settings.edition, section),
        flips,
    )
    return delivered(job, report)


def _window(parameters: Mapping[str, Any], tax_year: int, section: RatioStudySection) -> tuple[date, date]:
    """The first and the last day of the sales studied, both included.

    Raises NothingSelected when the first day lies after the last.
    """
    valuation_date = date(tax_year, 1, 1)
    last = (
        date.fromisoformat(parameters["end_date"]) if "end_date" in parameters else valuation_date - timedelta(days=1)
    )
    months = tax_year * 12 - section.look_back_months
    default = date(months // 12, months % 12 + 1, 1)
    first = date.fromisoformat(parameters["start_date"]) if "start_date" in parameters else min(default, last)
    if first > last:
        raise NothingSelected(f"start_date {first} lies after the end of the window, {last}; give end_date too.")
    return first, last


def _standard(edition: Edition, section: RatioStudySection) -> str:
    """What the report calls the standard. The county's own name for it is used only with the county's own edition."""
    return section.standard if section.standard and edition.name == section.edition else edition.title


def _settings(parameters: Mapping[str, Any], section: RatioStudySection, strata: Sequence[str]) -> StudySettings:
    edition = EDITIONS[parameters.get("edition", section.edition)]
    return StudySettings(
        bands=_bands(section.bands),
        class_bands={name: _bands(bands) for name, bands in section.class_bands.items()},
        strata=strata,
        trim_rule=parameters.get("trim_rule", section.trim_rule),
        confidence=parameters.get("confidence", section.confidence) or edition.confidence,
        edition=edition,
        replicates=parameters["replicates"],
        seed=parameters["seed"],
        minimum_stratum=parameters.get("minimum_stratum", section.minimum_stratum),
        small_strata=parameters["small_strata"],
    )


def _bands(bands: RatioBands) -> dict[str, Band]:
    return {name: Band(*bounds) for name, bounds in bands}


def _time_adjustment(
    county: County, choice: Mapping[str, Any] | None, target: date, first: date
) -> Callable[[StudySales], TimeAdjustment] | None:
    """How the prices are brought to the target date; None where they stay as they are.

    choice: the request's `time_adjustment`. first: the first day of the sales.
    """
    if not choice:
        return None
    if "from_ratios" in choice:
        return partial(rate_of_ratios, target=target)
    if "percent_per_year" in choice:
        steady = steady_rate(choice["percent_per_year"], first, target)
        return lambda sales: steady
    series = choice["series"]
    index = by_index(TimeIndex.objects.levels(county, series), target, series)
    return lambda sales: index


def _with_left_out(study: RatioStudy, read: ReadSales) -> RatioStudy:
    return replace(study, left_out=[*read.left_out, *study.left_out])


def _facts(
    county: County,
    tax_year: int,
    filters: Mapping[str, str],
    window: tuple[date, date],
    study: RatioStudy,
    input_digest: str,
) -> list[Fact]:
    settings, adjustment = study.settings, study.time_adjustment
    more = {
        "sales_from": ("Sales from", window[0].isoformat()),
        "sales_to": ("Sales to", window[1].isoformat()),
        "trim_bounds": ("Ratios kept", _bounds(study)),
        "time_adjustment": ("Time adjustment", adjustment.description if adjustment else "none"),
        "edition": ("Edition of the standard", settings.edition.name),
        "confidence": ("Confidence", settings.confidence),
        "replicates": ("Bootstrap replicates", settings.replicates),
        "minimum_stratum": ("Fewest sales of a stratum", settings.minimum_stratum),
        "vei_method": ("VEI method", VEI_METHOD + PERCENTILE_R7),
        "small_strata": ("Smaller strata", "pooled" if settings.small_strata == "pool" else "marked"),
    }
    return facts_of(
        county,
        tax_year,
        filters,
        input_digest,
        trim_rule=TRIM_RULES[settings.trim_rule],
        seed=settings.seed,
        more=more,
    )


def _bounds(study: RatioStudy) -> str:
    cut = study.trim
    return "all" if cut.low is None or cut.high is None else f"{cut.low:.4f} to {cut.high:.4f}"


# --- Sales chasing ---

_CHANGE = np.dtype([("key", np.int64), ("value", np.int64), ("new", np.int64)])


@dataclass(frozen=True)
class _Changes:
    """The properties on the rolls of both years that have no new construction, and the change of their market value.

    keys, percent: shape (n,); percent is the change in percent of the earlier value.
    """

    keys: npt.NDArray[np.int64]
    percent: npt.NDArray[np.float64]

    def digest(self) -> str:
        """SHA-256 of the changes in order of size. The keys do not count: they differ between databases."""
        return hashlib.sha256(np.sort(self.percent).tobytes()).hexdigest()


def _sold_and_unsold(
    county: County, changes: _Changes, strata: Sequence[str], read: ReadSales, settings: StudySettings
) -> Compared:
    """Sold against unsold properties: all of them, then those of each stratum with enough of both.

    Strata that are derived from the sale are passed over, because an unsold property has none.
    """
    keys, change = changes.keys, changes.percent
    sold = np.isin(keys, read.keys)
    compared: Compared = []

    def compare(name: str, label: str, members: npt.NDArray[np.bool_]) -> None:
        try:
            result = compare_sold_with_unsold(
                change[members & sold], change[members & ~sold], settings.replicates, settings.seed
            )
        except NotEnoughSales:
            return
        compared.append((name, label, result))

    compare(OVERALL, OVERALL, np.ones(len(keys), dtype=bool))
    for name in strata:
        if compared and name not in DERIVED_STRATA:
            labels = _labels(county, name, keys)
            values = in_natural_order(labels)
            for label in values if len(values) <= MOST_STRATA_COMPARED else ():
                compare(name, f"{name.replace('_', ' ')} {label}", labels == label)
    return compared


def _changes(county: County, tax_year: int, filters: Mapping[str, str]) -> _Changes:
    """How the market value of each property changed from the year before the tax year."""
    before, after = (_roll(county, year, filters) for year in (tax_year - 1, tax_year))
    keys, at_before, at_after = np.intersect1d(before["key"], after["key"], assume_unique=True, return_indices=True)
    before, after = before[at_before], after[at_after]
    fit = (before["value"] > 0) & (after["value"] > 0) & (after["new"] == 0)
    return _Changes(keys[fit], 100 * (after["value"][fit] / before["value"][fit] - 1))


def _roll(county: County, tax_year: int, filters: Mapping[str, str]) -> npt.NDArray[Any]:
    """The year's roll. The keys ascend, and each occurs once."""
    values = values_of_year(county, tax_year, filters)
    rows = values.values_list("roll_property_id", "market_total", "new_construction")
    roll = np.fromiter(rows.iterator(chunk_size=5000), dtype=_CHANGE)
    return roll[np.argsort(roll["key"])]


def _labels(county: County, name: str, keys: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    """The stratum of each property under this field of the property. Shape (n,)."""
    # Retired properties too: earlier rolls hold them.
    rows = Property.objects.in_county(county).values_list("pk", name.replace(".", "__"))
    labels = {key: UNKNOWN if value in ("", None) else str(value) for key, value in rows.iterator(chunk_size=5000)}
    return np.array([labels.get(key, UNKNOWN) for key in keys.tolist()], dtype=object)
