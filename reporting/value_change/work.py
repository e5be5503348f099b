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
from terrafusion.jobs.outcome import Outcome
from terrafusion.roll.models import AssessedValue, Property, ValueEstimate

from ..delivery import delivered
from ..formats import charts
from ..formats.document import Column, Report, Section, Table, Value
from ..formats.provenance import digest_of, facts_of
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
from ..ratio_study.study_sales import UNKNOWN, StudySales
from ..roll.roll_reader import values_of_year
from ..serializers import ESTIMATES, filters_in
from ..statistics.editions import EDITIONS
from ..statistics.verdicts import Band
from .change import PERCENTILES, Distribution, GroupShift, ValuePairs, distribution_of, most_affected, shift_by

LOOK_BACK_DAYS = 365
AT_A_TIME = 5000
_VALUE = np.dtype([("key", np.int64), ("value", np.int64)])
_AREA = ("property_class", "tax_code_area")


def make(job: ReportJob) -> Outcome:
    asked, county = job.parameters, job.county
    tax_year, filters = asked.get("year") or latest_tax_year(county), filters_in(asked)
    require_tax_year(county, tax_year)
    require_filters(county, filters)
    if asked["compare"] == ESTIMATES:
        before, after = _roll(county, tax_year, filters), _estimates(county, filters, asked.get("valuation_job_id"))
        names = (f"roll {tax_year}", "value estimates")
    else:
        prior = asked.get("prior_year", tax_year - 1)
        require_tax_year(county, prior)
        before, after = _roll(county, prior, filters), _roll(county, tax_year, filters)
        names = (f"roll {prior}", f"roll {tax_year}")
    pairs = _pairs(county, before, after)
    report = _report(county, tax_year, filters, names, pairs, _only(before, after), asked)
    return delivered(job, report)


# --- Reading ---


def _roll(county: County, tax_year: int, filters: Mapping[str, str]) -> npt.NDArray[Any]:
    rows = values_of_year(county, tax_year, filters).values_list("roll_property_id", "market_total")
    return _sorted(np.fromiter(rows.iterator(chunk_size=AT_A_TIME), dtype=_VALUE))


def _estimates(county: County, filters: Mapping[str, str], job_id: str | None) -> npt.NDArray[Any]:
    """The newest estimate of each property, or those of one valuation job; what the appraiser decided goes first."""
    of_county = ValueEstimate.objects.filter(
        property_filter(filters, "roll_property__"), roll_property__county=county, **({"job": job_id} if job_id else {})
    )
    newer = of_county.filter(roll_property=OuterRef("roll_property"), pk__gt=OuterRef("pk"))
    rows = of_county.filter(~Exists(newer)).values_list("roll_property_id", "market_value", "decided_value")
    found = ((key, value if decided is None else decided) for key, value, decided in rows.iterator(AT_A_TIME))
    values = _sorted(np.fromiter(found, dtype=_VALUE))
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
    rows = Property.objects.in_county(county).values_list("pk", *_AREA)
    described = {key: each for key, *each in rows.iterator(chunk_size=AT_A_TIME)}
    labels = np.empty((len(keys), 2), dtype=object)
    for at, key in enumerate(keys.tolist()):
        labels[at] = [each or UNKNOWN for each in described[key]]
    return ValuePairs(keys, old[fit], new[fit], labels[:, 0], labels[:, 1])


def _only(before: npt.NDArray[Any], after: npt.NDArray[Any]) -> tuple[int, int]:
    """How many properties have a value on one side alone: before, after."""
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
    asked: Mapping[str, Any],
) -> Report:
    found = distribution_of(pairs)
    digest = digest_of([pairs.keys.tolist(), pairs.before.tolist(), pairs.after.tolist()])
    facts = facts_of(
        county,
        tax_year,
        filters,
        digest,
        seed=asked["seed"],
        more={"before": ("Before", names[0]), "after": ("After", names[1])},
    )
    classes, areas = shift_by(pairs, pairs.property_class), shift_by(pairs, pairs.tax_code_area)
    return Report(
        report_type="value_change",
        title=f"Value change: {names[0]} to {names[1]}",
        subtitle=str(county),
        facts=facts,
        headline={
            "properties": found.properties,
            "total_before": found.before,
            "total_after": found.after,
            "change_percent": found.change_percent,
            "median_change_percent": found.percentiles[PERCENTILES.index(50)],
        },
        findings=_findings(found, classes, names, only),
        sections=[
            _distribution_section(found, pairs),
            Section(
                "Shift between groups",
                ["Share of the total value. A group whose share rises bears more of a levy of fixed amount."],
                [_shift_table("by_class", "Class", classes), _shift_table("by_tax_area", "Tax area", areas)],
            ),
            _ratio_section(county, tax_year, filters, pairs, names, asked),
            _affected_section(pairs, tax_year),
        ],
    )


def _findings(
    found: Distribution, classes: Sequence[GroupShift], names: tuple[str, str], only: tuple[int, int]
) -> list[str]:
    most = max(classes, key=lambda each: abs(each.shift))
    told = [
        f"{found.properties:,} properties: ${found.before:,} before, ${found.after:,} after "
        f"({found.change_percent:+.2f} %).",
        f"{found.raised:,} rise, {found.lowered:,} fall, {found.unchanged:,} stay; the median change is "
        f"{found.percentiles[PERCENTILES.index(50)]:+.2f} %.",
        f"The largest shift between classes: {most.label}, {most.shift:+.2f} points of the total value.",
    ]
    for number, name in zip(only, names, strict=True):
        if number:
            told.append(f"{number:,} properties have a value in {name} only; they are not compared.")
    return told


def _distribution_section(found: Distribution, pairs: ValuePairs) -> Section:
    rows: list[list[Value]] = [
        [f"Percentile {each}", value] for each, value in zip(PERCENTILES, found.percentiles, strict=True)
    ]
    columns = (Column("percentile", "Percentile"), Column("change_percent", "Change, %", "number", 2))
    return Section(
        "Distribution",
        tables=[Table("distribution", "Percent change", columns, rows)],
        charts=[charts.change_histogram(pairs.percent)],
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
            each.label, each.properties, each.before, each.after, each.change_percent, each.median_change,
            each.share_before, each.share_after, each.shift,
        ]
        for each in shifts
    ]  # fmt: skip
    return Table(f"shift_{name}", f"By {heading.lower()}", columns, rows)


def _ratio_section(
    county: County,
    tax_year: int,
    filters: Mapping[str, str],
    pairs: ValuePairs,
    names: tuple[str, str],
    asked: Mapping[str, Any],
) -> Section:
    """Ratio statistics of both sides on the same sales: those of the year before 1 January of the tax year."""
    heading, last = "Ratio statistics", date(tax_year, 1, 1) - timedelta(days=1)
    first = last - timedelta(days=LOOK_BACK_DAYS - 1)
    try:
        read = read_sales(county, tax_year, first, last, filters, ())
    except NothingSelected as error:
        return Section(heading, [f"Not computed. {error}"])
    section = county.settings.ratio_study
    settings = StudySettings(
        bands={name: Band(*bounds) for name, bounds in section.bands},
        trim_rule=section.trim_rule,
        confidence=section.confidence or EDITIONS[section.edition].confidence,
        edition=EDITIONS[section.edition],
        seed=asked["seed"],
    )
    compared = np.isin(read.keys, pairs.keys)
    if not compared.any():
        return Section(heading, ["Not computed: none of the compared properties sold in the year before."])
    sales, keys = read.sales.at(compared), read.keys[compared]
    at = np.searchsorted(pairs.keys, keys)
    studies = [study_ratios(_valued(sales, side[at]), settings).overall for side in (pairs.before, pairs.after)]
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
    told = [
        f"{names[0]} and {names[1]} on the same {studies[0].n:,} valid sales from {first} to {last}; not time adjusted."
    ]
    return Section(heading, told, [Table("ratio_statistics", "Before and after", columns, rows)])


def _valued(sales: StudySales, values: npt.NDArray[np.float64]) -> StudySales:
    return replace(sales, assessed_value=values)


def _affected_section(pairs: ValuePairs, tax_year: int) -> Section:
    rises, falls = most_affected(pairs)
    keys = [int(pairs.keys[at]) for at in (*rises, *falls)]
    rows = Property.objects.filter(pk__in=keys).values_list("pk", "parcel_number", "situs_address", "neighborhood")
    described = {key: each for key, *each in rows}
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
        return [*described[key], *values, new.get(key)]

    chosen = (("largest_rises", "Largest rises", rises), ("largest_falls", "Largest falls", falls))
    tables = [Table(name, title, columns, [row(at) for at in places]) for name, title, places in chosen]
    return Section("Most affected", tables=tables)
