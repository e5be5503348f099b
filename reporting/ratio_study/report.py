"""A ratio study as a report: findings in words, tables, charts. No Django."""

from __future__ import annotations

from collections.abc import Sequence

from terrafusion.charts.chart import Chart

from ..formats.document import Column, Fact, Report, Section, Table, Value, labelled
from ..statistics.editions import CHASED, UNCONFIRMED
from ..statistics.sales_chasing import SoldUnsold
from ..statistics.verdicts import Verdict
from ..statistics.vertical_equity import ValueGroup
from . import charts
from .edition_comparison import NOT_JUDGED, Flip
from .evidence import chasing_section, editions_section, sales_section, sensitivity_section, vertical_section
from .study import DIGITS, JUDGED, MEASURES, OVERALL, SHORT, SLICE_OF_VALUE, Bands, Measure, RatioStudy, StratumResult
from .study_sales import VALUE_DECILE


def study_report(
    study: RatioStudy,
    chasing: Sequence[tuple[str, str, SoldUnsold, str]],
    facts: Sequence[Fact],
    title: str,
    subtitle: str,
    standard: str,
    flips: Sequence[Flip] | None = None,
) -> Report:
    """chasing: (field, label, comparison, verdict) of all sales, and of each stratum with enough sold and unsold
    properties. flips: verdicts that differ between the editions of the standard; None where the request does not want
    the editions compared.
    """
    sections = [
        _overall_section(study, standard),
        *(_stratum_section(study, name) for name in study.strata),
        vertical_section(study),
        sensitivity_section(study),
        chasing_section(chasing),
        editions_section(study, flips),
        sales_section(study),
        Section("Sheets", tables=[_sheet(result) for result in _all_results(study)]),
    ]
    return Report(
        report_type="sales_ratio_study",
        title=title,
        subtitle=subtitle,
        facts=facts,
        headline=_headline(study),
        findings=_findings(study, chasing, flips),
        sections=sections,
    )


def verdict_in_words(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    if verdict.sales_needed is None:
        return verdict.word
    return f"{verdict.word}; about {verdict.sales_needed:,} sales would settle it"


def _headline(study: RatioStudy) -> dict[str, object]:
    """The number of sales, and each measure with its verdict, for clients that only show the numbers."""
    measures = study.overall.measures
    return {
        "n": study.overall.n,
        "trimmed": len(study.trimmed),
        **{name: measure.value for name, measure in measures.items()},
        "edition": study.settings.edition.name,
        "verdicts": {name: verdict_in_words(measure.verdict) for name, measure in measures.items() if measure.verdict},
    }


def _findings(
    study: RatioStudy, chasing: Sequence[tuple[str, str, SoldUnsold, str]], flips: Sequence[Flip] | None
) -> list[str]:
    overall = study.overall
    findings = [f"{overall.n:,} sales were studied."]
    if len(study.trimmed):
        findings.append(f"{len(study.trimmed):,} further sales were trimmed and are listed.")
    for name in JUDGED:
        measure = overall.measures[name]
        value = "not computed" if measure.value is None else _rounded(name, measure.value)
        findings.append(f"{MEASURES[name]}: {value}: {verdict_in_words(measure.verdict) or NOT_JUDGED}.")
    for name, results in study.strata.items():
        failing = [result.label for result in results if _fails(result)]
        if failing:
            shown = "; ".join(failing[:12]) + (f" and {len(failing) - 12} more" if len(failing) > 12 else "")
            findings.append(f"{labelled(name)}: at least one measure does not meet the standard in {shown}.")
        elif results:
            findings.append(f"{labelled(name)}: no stratum fails a measure for certain.")
    findings += [
        f"Sold and unsold properties changed differently: {label}."
        for _, label, _, verdict in chasing
        if verdict == CHASED
    ]
    if flips is not None:
        findings.append(f"Verdicts that differ between the editions of the standard: {len(flips):,}.")
    if study.settings.edition.is_unconfirmed:
        findings.append(f"The rules of the edition {study.settings.edition.name} are {UNCONFIRMED}.")
    return findings


def _fails(result: StratumResult) -> bool:
    return any(
        measure.verdict is not None and measure.verdict.word == "does not meet" for measure in result.measures.values()
    )


def _rounded(name: str, value: float) -> str:
    return f"{value:.{DIGITS.get(name, 4)}f}"


def _all_results(study: RatioStudy) -> list[StratumResult]:
    return [study.overall, *(result for results in study.strata.values() for result in results)]


# --- Measures ---

_MEASURE_COLUMNS = (
    Column("measure", "Measure"),
    Column("value", "Value", "number", 4),
    Column("low", "Interval from", "number", 4),
    Column("high", "to", "number", 4),
    Column("band_low", "Accepted from", "number", 2),
    Column("band_high", "to", "number", 2),
    Column("verdict", "Verdict"),
)


def _measure_row(measure: Measure) -> list[Value]:
    """Value, interval, band and verdict. Where there is no verdict, the note takes its place."""
    interval, verdict = measure.interval, measure.verdict
    return [
        measure.value,
        interval.low if interval else None,
        interval.high if interval else None,
        verdict.band.low if verdict else None,
        verdict.band.high if verdict else None,
        verdict_in_words(verdict) or measure.note,
    ]


def _measures_of(result: StratumResult) -> list[list[Value]]:
    return [[MEASURES[name], *_measure_row(measure)] for name, measure in result.measures.items()]


def _sheet(result: StratumResult) -> Table:
    """The workbook's sheet of one stratum. It has the name of the stratum."""
    name = result.label if result.field == OVERALL else f"{labelled(result.field)} {result.label}"
    rows: list[list[Value]] = [["Sales", result.n, None, None, None, None, _stratum_note(result)]]
    rows += _measures_of(result)
    rows += [
        [f"Median ratio, price fifth {number} (around ${group.median_value:,.0f}, n = {group.sales})",
         group.median_ratio, *group.bounds, None, None, ""]
        for number, group in enumerate(result.price_groups, start=1)
    ]  # fmt: skip
    return Table(f"stratum_{result.field}_{result.label}", name, _MEASURE_COLUMNS, rows, place="workbook")


def _stratum_note(result: StratumResult) -> str:
    if result.pooled:
        return f"Pooled: {', '.join(result.pooled)}"
    return "Fewer sales than the minimum of a stratum" if result.is_small else ""


def _long_table(study: RatioStudy) -> Table:
    """Every measure of every stratum, one in each row, for programs to read."""
    columns = (
        Column("stratification", "Stratification"),
        Column("stratum", "Stratum"),
        Column("n", "Sales", "integer"),
        Column("measure", "Measure"),
        Column("value", "Value", "number", 6),
        Column("low", "Interval from", "number", 6),
        Column("high", "Interval to", "number", 6),
        Column("interval_method", "Interval method"),
        Column("band_low", "Accepted from", "number", 2),
        Column("band_high", "Accepted to", "number", 2),
        Column("verdict", "Verdict"),
        Column("sales_needed", "Sales that would settle it", "integer"),
        Column("note", "Note"),
    )
    rows: list[Sequence[Value]] = []
    for result in _all_results(study):
        for name, measure in result.measures.items():
            value, low, high, band_low, band_high, _ = _measure_row(measure)
            verdict = measure.verdict
            rows.append(
                [
                    "" if result.field == OVERALL else result.field, result.label, result.n, name, value, low, high,
                    measure.interval_method, band_low, band_high, verdict.word if verdict else "",
                    verdict.sales_needed if verdict else None, measure.note,
                ]
            )  # fmt: skip
    return Table("measures", "Every measure of every stratum", columns, rows, place="data")


def _overall_section(study: RatioStudy, standard: str) -> Section:
    result, settings = study.overall, study.settings
    median = result.measures["median"]
    band = settings.bands["median"] if median.verdict is None else median.verdict.band
    return Section(
        "All sales",
        [
            f"{result.n:,} sales. Judged by {standard}. A measure meets the standard when its whole "
            f"{100 * settings.confidence:g} % interval lies within the accepted range, and does not meet it when the "
            "whole interval lies outside; otherwise it cannot be told.",
            f"Intervals: the median by order statistics, PRB by the t distribution, the others by "
            f"{settings.replicates:,} bootstrap replicates with the seed {settings.seed}.",
        ],
        [
            Table("overall", "All sales", _MEASURE_COLUMNS, _measures_of(result), place="pages"),
            _long_table(study),
        ],
        [charts.ratio_histogram(study.sales.ratios, float(median.value or 0), band.low, band.high)],
        new_page=True,
    )


# --- Strata ---


def _stratum_section(study: RatioStudy, name: str) -> Section:
    results = study.strata[name]
    paragraphs = [f"{len(results)} strata by {labelled(name).lower()}."]
    if name == VALUE_DECILE:
        paragraphs.append(SLICE_OF_VALUE)
    for result in results:
        if result.pooled:
            paragraphs.append(f"{result.label}: {', '.join(result.pooled)}.")
        elif result.is_small:
            paragraphs.append(f"{result.label} has fewer sales than the minimum of {study.settings.minimum_stratum}.")
    return Section(
        f"By {labelled(name).lower()}",
        paragraphs,
        _stratum_tables(name, results),
        _stratum_charts(results, study.settings.bands),
    )


def _stratum_tables(name: str, results: Sequence[StratumResult]) -> list[Table]:
    heading = labelled(name)
    return [
        _wide(f"{name}_level", f"{heading}: level", heading, results, ("median", "mean", "weighted_mean")),
        _wide(f"{name}_uniformity", f"{heading}: uniformity", heading, results, ("cod", "cov", "prd")),
        _wide(f"{name}_equity", f"{heading}: vertical equity", heading, results, ("prb", "ki", "mki", "vei")),
        Table(
            f"{name}_verdicts",
            f"{heading}: verdicts",
            [Column("stratum", heading), *(Column(measure, SHORT[measure]) for measure in JUDGED)],
            [
                [result.label, *(_short_verdict(result.measures[measure].verdict) for measure in JUDGED)]
                for result in results
            ],
            note='"?" cannot be told; the number is about how many sales would settle it.',
            place="pages",
            shown_rows=len(results),
        ),
        Table(
            f"{name}_price_fifths",
            f"{heading}: median ratio by price fifth, cheapest first",
            [
                Column("stratum", heading),
                Column("n", "Sales", "integer"),
                *(Column(f"fifth_{number}", f"Fifth {number}", "number", 4) for number in range(1, 6)),
            ],
            [[result.label, result.n, *_fifths(result.price_groups)] for result in results],
            shown_rows=len(results),
        ),
    ]


def _wide(name: str, title: str, heading: str, results: Sequence[StratumResult], measures: Sequence[str]) -> Table:
    """A row for each stratum, with the value of each measure, and its interval where any stratum has one."""
    with_interval = {measure for measure in measures if any(result.measures[measure].interval for result in results)}
    columns = [Column("stratum", heading), Column("n", "Sales", "integer")]
    rows: list[list[Value]] = [[result.label, result.n] for result in results]
    for measure in measures:
        columns.append(Column(measure, SHORT.get(measure, labelled(measure)), "number", DIGITS.get(measure, 4)))
        if measure in with_interval:
            columns.append(Column(f"{measure}_interval", "Interval"))
        for row, result in zip(rows, results, strict=True):
            row.append(result.measures[measure].value)
            if measure in with_interval:
                row.append(_interval_text(result.measures[measure]))
    return Table(name, title, columns, rows, place="pages", shown_rows=len(rows))


def _interval_text(measure: Measure) -> str:
    if measure.interval is None:
        return "\u2013"
    return f"{_rounded(measure.name, measure.interval.low)} to {_rounded(measure.name, measure.interval.high)}"


def _short_verdict(verdict: Verdict | None) -> str:
    if verdict is None or verdict.is_settled:
        return verdict.word if verdict else ""
    return f"? ({verdict.sales_needed:,})" if verdict.sales_needed else "?"


def _fifths(groups: Sequence[ValueGroup]) -> list[Value]:
    medians: list[Value] = [group.median_ratio for group in groups]
    return medians + [None] * (5 - len(medians))


def _stratum_charts(results: Sequence[StratumResult], bands: Bands) -> list[Chart]:
    """The shaded band is the county's. The bands of a property class are in the table of verdicts only."""
    stratum_charts = []
    for name, title in (("median", "Median ratio"), ("cod", "COD, percent")):
        rows = [
            (f"{result.label} (n = {result.n:,})", measure.value, *_ends(measure))
            for result in results
            if (measure := result.measures[name]).value is not None
        ]
        if rows:
            band = bands[name]
            stratum_charts.append(charts.measure_by_stratum(name, title, rows, (band.low, band.high)))
    return stratum_charts


def _ends(measure: Measure) -> tuple[float | None, float | None]:
    return (measure.interval.low, measure.interval.high) if measure.interval else (None, None)
