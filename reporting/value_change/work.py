"""The value change report: two tax years, or the roll against value estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.models import Exists, OuterRef

from county_configs.models import County
from terrafusion.digests import json_digest
from terrafusion.jobs.outcome import Outcome
from terrafusion.roll.models import AssessedValue, Property, ValueEstimate

from ..county_settings import RatioStudySection
from ..delivery import delivered
from ..formats.document import Column, Report, Section, Table, Value
from ..formats.provenance import facts_of
from ..models import ReportJob
from ..ratio_study.sales_from_roll import (
    NothingSelected,
    latest_tax_year,
    property_filter,
    read_sales,
    require_filters,
    require_tax_year,
)
from ..ratio_study.study import DIGITS, MEASURES, StudySettings, study_ratios
from ..ratio_study.study_sales import UNKNOWN
from ..roll.roll_reader import values_of_year
from ..serializers import ESTIMATES, filters_in
from ..statistics.editions import EDITIONS
from ..statistics.verdicts import Band
from .change import PERCENTILES, Distribution, GroupShift, ValuePairs, distribution_of, most_affected, shift_by
from .charts import change_histogram

LOOK_BACK_DAYS = 365
AT_A_TIME = 5000
_VALUE = np.dtype([("key", np.int64), ("value", np.int64)])
_GROUPS = ("property_class", "tax_code_area")


def make(job: ReportJob) -> Outcome:
    parameters, county = job.parameters, job.county
    tax_year, filters = parameters.get("year") or latest_tax_year(county), filters_in(parameters)
    require_tax_year(county, tax_year)
    require_filters(county, filters)
    if parameters["compare"] == ESTIMATES:
        before, after = (
            _roll(county, tax_year, filters),
            _estimates(county, filters, parameters.get("valuation_job_id")),
        )
        names = (f"roll {tax_year}", "value estimates")
    else:
        prior = parameters.get("prior_year", tax_year - 1)
        require_tax_year(county, prior)
        before, after = _roll(county, prior, filters), _roll(county, tax_year, filters)
        names = (f"roll {prior}", f"roll {tax_year}")
    pairs = _pairs(county, before, after)
    report = _report(county, tax_year, filters, names, pairs, _only(before, after), parameters)
    return delivered(job, report)


# --- Reading ---


def _roll(county: County, tax_year: int, filters: Mapping[str, str]) -> npt.NDArray[Any]:
    rows = values_of_year(county, tax_year, filters).values_list("roll_property_id", "market_total")
    return _sorted(np.fromiter(rows.iterator(chunk_size=AT_A_TIME), dtype=_VALUE))


def _estimates(county: County, filters: Mapping[str, str], job_id: str | None) -> npt.NDArray[Any]:
    """The newest estimate of each property, or its estimate in one valuation job. A decided value takes precedence."""
    estimates = ValueEstimate.objects.filter(
        property_filter(filters, "roll_property__"), roll_property__county=county, **({"job": job_id} if job_id else {})
    )
    newer = estimates.filter(roll_property=OuterRef("roll_property"), pk__gt=OuterRef("pk"))
    rows = estimates.filter(~Exists(newer)).values_list("roll_property_id", "market_value", "decided_value")
    pairs = ((key, value if decided is None else decided) for key, value, decided in rows.iterator(AT_A_TIME))
    values = _sorted(np.fromiter(pairs, dtype=_VALUE))
    if not len(values):
        raise NothingSelected(f"{county.pk} has no value estimate{' of that job' if job_id else ''}; run a valuation.")
    return values


def _sorted(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values[np.argsort(values["key"])]


def _pairs(county: County, before: npt.NDArray[Any], after: npt.NDArray[Any]) -> ValuePairs:
    keys, at_before, at_after = np.intersect1d(before["key"], after["key"], assume_unique=True, return_indices=True)
    old, new = before["value"][at_before].astype(np.float64), after["value"][at_after].astype(np.float64)
    fit = (old > 0) & (new > 0)
    keys = keys[fit]
    # Retired properties too: earlier rolls hold them.
    rows = Property.objects.in_county(county).values_list("pk", *_GROUPS)
    groups_by_key = {key: groups for key, *groups in rows.iterator(chunk_size=AT_A_TIME)}
    labels = np.empty((len(keys), 2), dtype=object)
    for position, key in enumerate(keys.tolist()):
        labels[position] = [group or UNKNOWN for group in groups_by_key[key]]
    return ValuePairs(keys, old[fit], new[fit], labels[:, 0], labels[:, 1])


def _only(before: npt.NDArray[Any], after: npt.NDArray[Any]) -> tuple[int, int]:
    """How many properties have a value before only, and how many after only."""
    shared = len(np.intersect1d(before["key"], after["key"], assume_unique=True))
    return len(before) - shared, len(after) - shared


# --- The report ---


def _report(
    county: County,
    tax_year: int,
    filters: Mapping[str, str],
    names: tuple[str, str],
    pairs: ValuePairs,
    only: tuple[int, int],
    parameters: Mapping[str, Any],
) -> Report:
    distribution = distribution_of(pairs)
    digest = json_digest([pairs.keys.tolist(), pairs.before.tolist(), pairs.after.tolist()])
    facts = facts_of(
        county,
        tax_year,
        filters,
        digest,
        seed=parameters["seed"],
        more={"before": ("Before", names[0]), "after": ("After", names[1])},
    )
    classes, areas = shift_by(pairs, pairs.property_class), shift_by(pairs, pairs.tax_code_area)
    return Report(
        report_type="value_change",
        title=f"Value change: {names[0]} to {names[1]}",
        subtitle=str(county),
        facts=facts,
        headline={
            "properties": distribution.properties,
            "total_before": distribution.before,
            "total_after": distribution.after,
            "change_percent": distribution.change_percent,
            "median_change_percent": distribution.percentiles[PERCENTILES.index(50)],
        },
        findings=_findings(distribution, classes, names, only),
        sections=[
            _distribution_section(distribution, pairs),
            Section(
                "Shift between groups",
                ["Share of the total value. A group whose share rises bears more of a levy of fixed amount."],
                [_shift_table("by_class", "Class", classes), _shift_table("by_tax_area", "Tax area", areas)],
            ),
            _ratio_section(county, tax_year, filters, pairs, names, parameters),
            _affected_section(pairs, tax_year),
        ],
    )


def _findings(
    distribution: Distribution, classes: Sequence[GroupShift], names: tuple[str, str], only: tuple[int, int]
) -> list[str]:
    most = max(classes, key=lambda property_class: abs(property_class.shift))
    findings = [
        f"{distribution.properties:,} properties: ${distribution.before:,} before, ${distribution.after:,} after "
        f"({distribution.change_percent:+.2f} %).",
        f"{distribution.raised:,} rise, {distribution.lowered:,} fall, {distribution.unchanged:,} stay; the median "
        f"change is {distribution.percentiles[PERCENTILES.index(50)]:+.2f} %.",
        f"The largest shift between classes: {most.label}, {most.shift:+.2f} points of the total value.",
    ]
    for number, name in zip(only, names, strict=True):
        if number:
            findings.append(f"{number:,} properties have a value in {name} only; they are not compared.")
    return findings


def _distribution_section(distribution: Distribution, pairs: ValuePairs) -> Section:
    rows: list[list[Value]] = [
        [f"Percentile {percentile}", change]
        for percentile, change in zip(PERCENTILES, distribution.percentiles, strict=True)
    ]
    columns = (Column("percentile", "Percentile"), Column("change_percent", "Change, %", "number", 2))
    return Section(
        "Distribution",
        tables=[Table("distribution", "Percent change", columns, rows)],
        charts=[change_histogram(pairs.percent)],
        new_page=True,
    )


def _shift_table(name: str, heading: str, shifts: Sequence[GroupShift]) -> Table:
    columns = (
        Column("label", heading),
        Column("properties", "Properties", "integer"),
        Column("before", "Before", "dollars"),
        Column("after", "After", "dollars"),
        Column("change_percent", "Change, %", "number", 2),
        Column("median_change", "Median, %", "number", 2),
        Column("share_before", "Share before, %", "number", 2),
        Column("share_after", "after, %", "number", 2),
        Column("shift", "Shift", "number", 2),
    )
    rows: list[list[Value]] = [
        [
            shift.label, shift.properties, shift.before, shift.after, shift.change_percent, shift.median_change,
            shift.share_before, shift.share_after, shift.shift,
        ]
        for shift in shifts
    ]  # fmt: skip
    return Table(f"shift_{name}", f"By {heading.lower()}", columns, rows)


def _ratio_section(
    county: County,
    tax_year: int,
    filters: Mapping[str, str],
    pairs: ValuePairs,
    names: tuple[str, str],
    parameters: Mapping[str, Any],
) -> Section:
    """Ratio statistics of the values before and after, on the same sales: those of the year before the tax year."""
    heading, last = "Ratio statistics", date(tax_year, 1, 1) - timedelta(days=1)
    first = last - timedelta(days=LOOK_BACK_DAYS - 1)
    try:
        read = read_sales(county, tax_year, first, last, filters, ())
    except NothingSelected as error:
        return Section(heading, [f"Not computed. {error}"])
    section = county.section(RatioStudySection)
    settings = StudySettings(
        bands={name: Band(*bounds) for name, bounds in section.bands},
        trim_rule=section.trim_rule,
        confidence=section.confidence or EDITIONS[section.edition].confidence,
        edition=EDITIONS[section.edition],
        seed=parameters["seed"],
    )
    compared = np.isin(read.keys, pairs.keys)
    if not compared.any():
        return Section(heading, ["Not computed: none of the compared properties sold in the year before."])
    sales, keys = read.sales.at(compared), read.keys[compared]
    at = np.searchsorted(pairs.keys, keys)
    studies = [
        study_ratios(replace(sales, assessed_value=values[at]), settings).overall
        for values in (pairs.before, pairs.after)
    ]
    columns = [
        Column("measure", "Measure"),
        Column("before", "Before", "number", 4),
        Column("before_interval", "Interval"),
        Column("after", "After", "number", 4),
        Column("after_interval", "Interval"),
    ]
    rows: list[list[Value]] = []
    for name, label in MEASURES.items():
        row: list[Value] = [label]
        for study in studies:
            measure, digits = study.measures[name], DIGITS.get(name, 4)
            interval = measure.interval
            row += [measure.value, f"{interval.low:.{digits}f} to {interval.high:.{digits}f}" if interval else ""]
        rows.append(row)
    sentence = (
        f"{names[0]} and {names[1]} on the same {studies[0].n:,} valid sales from {first} to {last}; not time adjusted."
    )
    return Section(heading, [sentence], [Table("ratio_statistics", "Before and after", columns, rows)])


def _affected_section(pairs: ValuePairs, tax_year: int) -> Section:
    rises, falls = most_affected(pairs)
    keys = [int(pairs.keys[at]) for at in (*rises, *falls)]
    rows = Property.objects.filter(pk__in=keys).values_list("pk", "parcel_number", "situs_address", "neighborhood")
    descriptions = {key: description for key, *description in rows}
    built = AssessedValue.objects.of_year(tax_year).filter(roll_property__in=keys)
    new = dict(built.values_list("roll_property_id", "new_construction"))
    columns = (
        Column("parcel_number", "Parcel number"),
        Column("situs_address", "Situs"),
        Column("neighborhood", "Neighborhood"),
        Column("before", "Before", "dollars"),
        Column("after", "After", "dollars"),
        Column("change_percent", "Change, %", "number", 2),
        Column("new_construction", f"New construction {tax_year}", "dollars"),
    )

    def row(at: int) -> list[Value]:
        key, values = int(pairs.keys[at]), (int(pairs.before[at]), int(pairs.after[at]), float(pairs.percent[at]))
        return [*descriptions[key], *values, new.get(key)]

    return Section(
        "Most affected",
        tables=[
            Table("largest_rises", "Largest rises", columns, [row(at) for at in rises]),
            Table("largest_falls", "Largest falls", columns, [row(at) for at in falls]),
        ],
    )
