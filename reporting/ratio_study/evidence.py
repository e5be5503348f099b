"""The report sections behind the verdicts of a study: vertical equity, sensitivity, sales chasing, outlying sales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..formats.document import Column, Section, Table, Value, labelled
from ..statistics.editions import EDITIONS, UNCONFIRMED, Edition
from ..statistics.sales_chasing import SoldUnsold
from ..statistics.trimming import TRIM_RULES
from ..statistics.vertical_equity import ValueGroup, value_proxy
from . import charts
from .edition_comparison import CHASING, Flip
from .study import DIGITS, MEASURES, OVERALL, SHORT, RatioStudy
from .study_sales import StudySales

EXTREMES = 20

_GROUP_COLUMNS = (
    Column("group", "Group", "integer"),
    Column("n", "Sales", "integer"),
    Column("median_value", "Median value", "dollars"),
    Column("median_ratio", "Median ratio", "number", 4),
    Column("low", "Interval from", "number", 4),
    Column("high", "to", "number", 4),
)


def _group_rows(groups: Sequence[ValueGroup]) -> list[list[Value]]:
    return [
        [number, group.sales, group.median_value, group.median_ratio, *group.bounds]
        for number, group in enumerate(groups, start=1)
    ]


def vertical_section(study: RatioStudy) -> Section:
    tables = [
        Table("price_fifths", "Median ratio by price fifth", _GROUP_COLUMNS, _group_rows(study.overall.price_groups))
    ]
    vertical = study.overall.vertical_equity
    paragraphs = ["No single measure settles vertical equity; PRD, PRB, MKI and VEI are read together."]
    vertical_charts = []
    if vertical is not None:
        apart = "cannot be told" if vertical.significance is None else f"{vertical.significance:.2f} %"
        paragraphs.append(f"VEI {vertical.vei:.2f} %, significance {apart}. 90 % intervals.")
        if study.settings.edition.vei_by_ends:
            test = (
                "" if vertical.kruskal_wallis_p is None else f" Kruskal-Wallis test: p {vertical.kruskal_wallis_p:.4f}."
            )
            paragraphs.append(f"Significance is that of the first and the last group ({UNCONFIRMED}).{test}")
        tables.append(
            Table(
                "vei_groups",
                "Median ratio by value group (VEI)",
                _GROUP_COLUMNS,
                _group_rows(vertical.groups),
                vertical.method,
            )
        )
        groups = [(group.median_value, group.median_ratio, *group.bounds) for group in vertical.groups]
        proxy = value_proxy(study.sales.assessed_value, study.sales.sale_price)
        vertical_charts.append(charts.ratios_by_value(proxy, study.sales.ratios, groups))
    return Section("Vertical equity", paragraphs, tables, vertical_charts)


def sensitivity_section(study: RatioStudy) -> Section:
    names = ("median", "weighted_mean", "cod", "prd", "prb", "mki", "vei")
    columns = [
        Column("trim_rule", "Trim rule"),
        Column("time_adjusted", "Time adjusted"),
        Column("n", "Sales", "integer"),
        Column("trimmed", "Trimmed", "integer"),
        *(Column(name, SHORT.get(name, "Weighted mean"), "number", DIGITS.get(name, 4)) for name in names),
    ]
    rows = [
        [TRIM_RULES[variant.rule], "yes" if variant.time_adjusted else "no", variant.n, variant.trimmed]
        + [variant.measures[name] for name in names]
        for variant in study.sensitivity
    ]
    notes = list(dict.fromkeys(variant.note for variant in study.sensitivity if variant.note))
    return Section(
        "Sensitivity to the choices made",
        [
            "The same sales under every trim rule, side by side. This study used: "
            f"{TRIM_RULES[study.settings.trim_rule]}; "
            f"{'time adjusted' if study.time_adjustment else 'not time adjusted'}.",
            *notes,
        ],
        [Table("sensitivity", "Sensitivity", columns, rows)],
    )


def chasing_section(chasing: Sequence[tuple[str, str, SoldUnsold, str]]) -> Section:
    paragraphs = [
        "If sold properties were reappraised towards their price, their values changed unlike those of unsold ones, "
        "and the whole study speaks for the sold properties only. New construction is left out of the comparison.",
        "Medians of the percent change from the year before; points apart with the 95 % bootstrap interval; p of the "
        "Mann-Whitney test.",
    ]
    if not chasing:
        return Section(
            "Sales chasing",
            [
                *paragraphs,
                "Not tested: the roll has no earlier year, or fewer than ten sold or unsold properties in both.",
            ],
        )
    columns = (
        Column("stratum", "Stratum"),
        Column("sold", "Sold", "integer"),
        Column("unsold", "Unsold", "integer"),
        Column("median_change_sold", "Change sold, %", "number", 2),
        Column("median_change_unsold", "Change unsold, %", "number", 2),
        Column("difference", "Points apart", "number", 2),
        Column("low", "From", "number", 2),
        Column("high", "to", "number", 2),
        Column("p_value", "Test p", "number", 4),
        Column("verdict", "Verdict"),
    )
    rows: list[list[Value]] = [
        [
            label, change.sold, change.unsold, change.median_change_sold, change.median_change_unsold,
            change.difference, change.interval.low, change.interval.high, change.p_value, verdict,
        ]
        for _, label, change, verdict in chasing
    ]  # fmt: skip
    return Section(
        "Sales chasing", paragraphs, [Table("sales_chasing", "Change of value, sold against unsold", columns, rows)]
    )


def editions_section(study: RatioStudy, flips: Sequence[Flip] | None) -> Section:
    """The rules of the study's edition; where the editions are compared, the rules of all and the verdicts that differ.

    flips: None where the editions are not compared.
    """
    own = study.settings.edition
    shown = [own] if flips is None else list(EDITIONS.values())
    paragraphs = [f"Edition {own.name}: {own.title}. The accepted ranges are the county's and hold in every edition."]
    if any(edition.is_unconfirmed for edition in shown):
        paragraphs.append(
            f"Rules marked {UNCONFIRMED} are known from another implementation; the text of the edition was not at "
            "hand. No decision should rest on them before they are compared with it."
        )
    if flips is None:
        return Section("Edition of the standard", paragraphs, [_rules_table("Rules of the edition", shown)])
    paragraphs.append(_flips_in_words(flips))
    tables = [_flips_table(flips), _rules_table("Rules by edition", shown)]
    return Section("Under each edition of the standard", paragraphs, tables, new_page=True)


def _rules_table(title: str, editions: Sequence[Edition]) -> Table:
    rows = [
        [edition.name, rule.topic, rule.words, UNCONFIRMED if rule.unconfirmed else "known"]
        for edition in editions
        for rule in edition.rules
    ]
    columns = (
        Column("edition", "Edition"),
        Column("topic", "Of"),
        Column("rule", "Rule"),
        Column("status", "Standing"),
    )
    return Table("edition_rules", title, columns, rows)


def _flips_table(flips: Sequence[Flip]) -> Table:
    headings = {
        name: f"{name} ({UNCONFIRMED})" if edition.is_unconfirmed else name for name, edition in EDITIONS.items()
    }
    columns = [
        Column("stratum", "Stratum"),
        Column("n", "Sales", "integer"),
        Column("measure", "Measure"),
        *(Column(f"verdict_{name}", heading) for name, heading in headings.items()),
        Column("why", "Why"),
    ]
    rows: list[list[Value]] = []
    for flip in flips:
        names_itself = flip.field == OVERALL or flip.measure == CHASING
        stratum = flip.label if names_itself else f"{labelled(flip.field)} {flip.label}"
        # The number of sales has a column of its own, so the verdict need not repeat it.
        verdicts = [flip.verdicts[name].partition(" with n = ")[0] for name in EDITIONS]
        rows.append([stratum, flip.n, _measure_name(flip.measure), *verdicts, flip.why])
    return Table("edition_flips", "Verdicts that differ between editions", columns, rows)


def _flips_in_words(flips: Sequence[Flip]) -> str:
    if not flips:
        return "No verdict differs between the editions."
    counted = f"{len(flips):,} verdict{'s' if len(flips) > 1 else ''} differ{'' if len(flips) > 1 else 's'}"
    return f"{counted} between the editions. A measure an edition does not judge is listed where another fails it."


def _measure_name(measure: str) -> str:
    return "Sales chasing" if measure == CHASING else SHORT.get(measure, MEASURES[measure])


_SALE_COLUMNS = (
    Column("sale_id", "Sale"),
    Column("parcel_number", "Parcel number"),
    Column("sale_date", "Sale date", "date"),
    Column("sale_price", "Sale price", "dollars"),
    Column("assessed_value", "Assessed value", "dollars"),
    Column("ratio", "Ratio", "number", 4),
)


def _sale_rows(sales: StudySales) -> list[list[Value]]:
    columns = (
        sales.sale_id.tolist(),
        sales.parcel_number.tolist(),
        sales.sale_date.astype(object).tolist(),
        sales.sale_price.tolist(),
        sales.assessed_value.tolist(),
        sales.ratios.tolist(),
    )
    return [list(row) for row in zip(*columns, strict=True)]


def sales_section(study: RatioStudy) -> Section:
    order = np.argsort(study.sales.ratios, kind="stable")
    left_out = Table(
        "left_out",
        "Sales not in the study",
        (Column("reason", "Reason"), Column("sales", "Sales", "integer")),
        [[omission.reason, omission.sales] for omission in study.left_out],
    )
    tables = [left_out] if study.left_out else []
    tables.append(Table("trimmed_sales", "Trimmed sales", _SALE_COLUMNS, _sale_rows(study.trimmed)))
    if study.overall.n > 2 * EXTREMES:
        lowest, highest = study.sales.at(order[:EXTREMES]), study.sales.at(order[-EXTREMES:][::-1])
        tables.append(Table("lowest_ratios", "Lowest ratios", _SALE_COLUMNS, _sale_rows(lowest)))
        tables.append(Table("highest_ratios", "Highest ratios", _SALE_COLUMNS, _sale_rows(highest)))
    paragraphs = ["Prices are time-adjusted where the study is."] if study.time_adjustment else []
    return Section("Sales to look at", paragraphs, tables)
