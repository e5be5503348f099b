"""What stands behind the verdicts of a ratio study: vertical equity, sensitivity, sales chasing, sales to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import charts
from .document import Column, Section, Table, Value
from .ratio_study import DIGITS, SHORT, RatioStudy
from .sales_chasing import SoldUnsold
from .study_sales import StudySales
from .trimming import TRIM_RULES
from .vertical_equity import ValueGroup, value_proxy

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
        [at, each.sales, each.median_value, each.median_ratio, *each.bounds] for at, each in enumerate(groups, start=1)
    ]


def vertical_section(study: RatioStudy) -> Section:
    tables = [
        Table("price_fifths", "Median ratio by price fifth", _GROUP_COLUMNS, _group_rows(study.overall.price_groups))
    ]
    vertical = study.overall.vertical_equity
    told = ["No single measure settles vertical equity; PRD, PRB, MKI and VEI are read together."]
    shown = []
    if vertical is not None:
        apart = "cannot be told" if vertical.significance is None else f"{vertical.significance:.2f} %"
        told.append(f"VEI {vertical.vei:.2f} %, significance {apart}. 90 % intervals.")
        tables.append(
            Table(
                "vei_groups",
                "Median ratio by value group (VEI)",
                _GROUP_COLUMNS,
                _group_rows(vertical.groups),
                vertical.method,
            )
        )
        groups = [(each.median_value, each.median_ratio, *each.bounds) for each in vertical.groups]
        proxy = value_proxy(study.sales.assessed_value, study.sales.sale_price)
        shown.append(charts.ratios_by_value(proxy, study.sales.ratios, groups))
    return Section("Vertical equity", told, tables, shown)


def sensitivity_section(study: RatioStudy) -> Section:
    names = ("median", "weighted_mean", "cod", "prd", "prb", "mki", "vei")
    columns = [
        Column("trim_rule", "Trim rule"),
        Column("time_adjusted", "Time adjusted"),
        Column("n", "Sales", "integer"),
        Column("trimmed", "Trimmed", "integer"),
        *(Column(each, SHORT.get(each, "Weighted mean"), "number", DIGITS.get(each, 4)) for each in names),
    ]
    rows = [
        [TRIM_RULES[each.rule], "yes" if each.time_adjusted else "no", each.n, each.trimmed]
        + [each.measures[name] for name in names]
        for each in study.sensitivity
    ]
    notes = list(dict.fromkeys(each.note for each in study.sensitivity if each.note))
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


def chasing_section(chasing: Sequence[tuple[str, str, SoldUnsold, bool]]) -> Section:
    told = [
        "If sold properties were reappraised towards their price, their values changed unlike those of unsold ones, "
        "and the whole study speaks for the sold properties only. New construction is left out of the comparison.",
        "Medians of the percent change from the year before; points apart with the 95 % bootstrap interval; p of the "
        "Mann-Whitney test.",
    ]
    if not chasing:
        return Section(
            "Sales chasing",
            [*told, "Not tested: the roll has no earlier year, or fewer than ten sold or unsold properties in both."],
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
    rows = [
        [
            label, each.sold, each.unsold, each.median_change_sold, each.median_change_unsold, each.difference,
            each.interval.low, each.interval.high, each.p_value, "signs of chasing" if chased else "no sign",
        ]
        for _, label, each, chased in chasing
    ]  # fmt: skip
    return Section(
        "Sales chasing", told, [Table("sales_chasing", "Change of value, sold against unsold", columns, rows)]
    )


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
        [[each.reason, each.sales] for each in study.left_out],
    )
    tables = [left_out] if study.left_out else []
    tables.append(Table("trimmed_sales", "Trimmed sales", _SALE_COLUMNS, _sale_rows(study.trimmed)))
    if study.overall.n > 2 * EXTREMES:
        lowest, highest = study.sales.at(order[:EXTREMES]), study.sales.at(order[-EXTREMES:][::-1])
        tables.append(Table("lowest_ratios", "Lowest ratios", _SALE_COLUMNS, _sale_rows(lowest)))
        tables.append(Table("highest_ratios", "Highest ratios", _SALE_COLUMNS, _sale_rows(highest)))
    told = ["Prices are time-adjusted where the study is."] if study.time_adjustment else []
    return Section("Sales to look at", told, tables)
