"""Control totals: they compare, to the cent, what the source states with what is on the roll after the switch.

source = loaded + rejected + duplicates + dropped values + rounded away, in rows and in dollars and cents, for the whole
data set, by class and by tax area. The source's side is read from its raw texts, the loaded side from the roll itself.
The tolerance is zero.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl

from ingestion.connectors.source import LINE

from ..switch.merge import AREA, CLASS, Merge, control_columns
from ..switch.plan import LOAD, Plan
from ..switch.statements import fetch, quoted
from .amounts import AMOUNT, SOURCE, Shown, as_kept, as_read, rounding

Totals = dict[str, Shown]
NOT_SAID = ""
BROKEN = "V-ROW"
# rounded: what rows lose where their mapping rounds cents to whole dollars; negative where they gain
SIDES = ("source", "loaded", "rejected", "duplicates", "dropped", "rounded")
OF_VALUES = ("dropped", "rounded")  # the row is loaded without this value, or without a part of it


def control_totals(merge: Merge, plan: Plan) -> dict[str, Any]:
    """The totals of one target of one data set, taken after it was written and before the switch is committed."""
    amounts = [name for name in merge.target.amounts if name in merge.dataset.targets()[merge.target.name]]
    staged = _staged_side(merge, plan, amounts)
    loaded = _loaded_side(merge, amounts)
    result: dict[str, Any] = {"amounts": amounts}
    for level, column in (("headline", None), ("by_class", CLASS), ("by_tax_area", AREA)):
        sides = {side: _grouped(staged[side], column, amounts) for side in SIDES if side != "loaded"}
        sides["loaded"] = _grouped(loaded, column, amounts)
        result[level] = _compared(sides, amounts)
    result["headline"] = result["headline"].get(NOT_SAID, _empty(amounts))
    result["balanced"] = all(
        not any(group["difference"].values())
        for group in (result["headline"], *result["by_class"].values(), *result["by_tax_area"].values())
    )
    return result


def _staged_side(merge: Merge, plan: Plan, amounts: list[str]) -> dict[str, pl.DataFrame]:
    """Sums of the staged rows by side.

    Every row is a row of the source, and is rejected, a duplicate or loaded. What was loaded is summed from the roll
    instead. Dollars of dropped values and of rounding are sides of their own.
    """
    target = merge.target.name
    fields = merge.dataset.targets()[target]
    frames: dict[str, list[pl.DataFrame]] = {side: [] for side in SIDES}
    nothing = pl.lit(None, dtype=AMOUNT)
    at = 0
    for part in merge.staged.parts():
        values = pl.read_parquet(part)
        fates = plan.rows.slice(at, values.height)
        at += values.height
        rows = values.select(
            LINE,
            *(pl.col(f"{SOURCE}{target}.{name}").alias(name) for name in amounts),
            *(pl.col(f"{target}.{name}").is_null().alias(f"no {name}") for name in amounts),
            *control_columns(merge.dataset, values),
        ).with_columns(fates["refused"], fates["duplicate"], fates[f"{LOAD}{target}"].alias("load"))
        lost = pl.col(LINE).is_in(list(merge.lost))
        rejected = pl.col("refused") | lost
        frames["source"].append(_summed(rows, amounts))
        frames["rejected"].append(_summed(rows.filter(rejected), amounts))
        twice = ~rejected & (pl.col("duplicate") | ~pl.col("load"))
        frames["duplicates"].append(_summed(rows.filter(twice), amounts))
        on_roll = rows.filter(~rejected & ~pl.col("duplicate") & pl.col("load"))
        dropped = on_roll.with_columns(pl.when(f"no {name}").then(pl.col(name)).alias(name) for name in amounts)
        frames["dropped"].append(_summed(dropped, amounts))
        rounded = on_roll.with_columns(
            pl.when(~pl.col(f"no {name}"))
            .then(rounding(name) if fields[name].cents == "half_up" else nothing)
            .alias(name)
            for name in amounts
        )
        frames["rounded"].append(_summed(rounded, amounts))
    if broken := merge.staged.findings().filter(pl.col("rule") == BROKEN).height:
        # Rows that could not be split into cells. They count as rows of the source, without class or readable dollars.
        lost_rows = pl.DataFrame({CLASS: [None], AREA: [None], "rows": [broken]} | {name: [0] for name in amounts})
        for side in ("source", "rejected"):
            frames[side].append(lost_rows.cast({CLASS: pl.String, AREA: pl.String, **dict.fromkeys(amounts, AMOUNT)}))
    return {side: pl.concat(sums) for side, sums in frames.items() if sums}


def _summed(rows: pl.DataFrame, amounts: list[str]) -> pl.DataFrame:
    """Sums by class and tax area, because a part has many rows and few groups."""
    return rows.group_by(CLASS, AREA).agg(
        pl.len().cast(pl.Int64).alias("rows"), *(pl.col(amount).sum() for amount in amounts)
    )


def _loaded_side(merge: Merge, amounts: list[str]) -> pl.DataFrame:
    """Sums of the rows on the roll, which are looked up by the keys of the staged rows."""
    sums = "".join(f", sum(t.{quoted(name)})" for name in amounts)
    if merge.updates_only:
        join = f"t.{quoted(merge.dataset.match)} = s.key_of_property AND t.county_id = %s"
        counted = "count(DISTINCT s.__line__)"
    else:
        join, counted = merge.on("s", "t"), "count(*)"
    rows = fetch(
        f"SELECT s.{CLASS}, s.{AREA}, {counted}{sums} FROM {quoted(merge.stage)} s "
        f"JOIN {quoted(merge.target.table)} t ON {join} GROUP BY s.{CLASS}, s.{AREA}",
        [merge.county.pk] if merge.updates_only else None,
    )
    schema = {CLASS: pl.String, AREA: pl.String, "rows": pl.Int64} | dict.fromkeys(amounts, AMOUNT)
    plain = [(group, area, count, *(Decimal(value or 0) for value in values)) for group, area, count, *values in rows]
    return pl.DataFrame(plain, schema=schema, orient="row")


def _grouped(rows: pl.DataFrame | None, column: str | None, amounts: list[str]) -> dict[str, dict[str, Any]]:
    if rows is None or rows.is_empty():
        return {}
    by = pl.lit(NOT_SAID).alias("group") if column is None else pl.col(column).fill_null(NOT_SAID).alias("group")
    sums = rows.group_by(by).agg(pl.col("rows").sum(), *(pl.col(name).sum() for name in amounts))
    return {group: {"rows": n, **dict(zip(amounts, values, strict=True))} for group, n, *values in sums.iter_rows()}


def _empty(amounts: list[str]) -> dict[str, Totals]:
    return {side: dict.fromkeys(("rows", *amounts), 0) for side in (*SIDES, "difference")}


def _compared(sides: dict[str, dict[str, dict[str, Any]]], amounts: list[str]) -> dict[str, dict[str, Totals]]:
    """Every side of each group, and the difference that is left. A group that is on one side only is a difference."""
    result = {}
    for group in sorted({group for groups in sides.values() for group in groups}):
        totals_of = {side: sides[side].get(group, dict.fromkeys(("rows", *amounts), 0)) for side in SIDES}
        totals_of |= {side: totals_of[side] | {"rows": 0} for side in OF_VALUES}
        rest = {
            name: totals_of["source"][name] - sum(totals_of[side][name] for side in SIDES[1:])
            for name in ("rows", *amounts)
        }
        result[group] = {side: _as_recorded(totals) for side, totals in (totals_of | {"difference": rest}).items()}
    return result


def _as_recorded(totals: dict[str, Any]) -> Totals:
    return {name: as_kept(value) for name, value in totals.items()}


def printed(totals: dict[str, Any], name: str) -> str:
    """One amount, or `rows`, written as a sum: source $10 = loaded $8 + rejected $2 + duplicates $0 + ..."""
    sign = "" if name == "rows" else "$"
    sides = totals["headline"]
    shown = {side: f"{side} {sign}{as_read(totals[name])}" for side, totals in sides.items()}
    after = [shown[side] for side in SIDES[1:] if side != "rounded" or sides[side][name]]
    return f"{shown['source']} = {' + '.join(after)}; {shown['difference']}"


def differences(totals: dict[str, Any]) -> list[str]:
    """A sentence for every group of the totals that does not balance."""
    sentences = []
    for level in ("headline", "by_class", "by_tax_area"):
        groups = {"": totals[level]} if level == "headline" else totals[level]
        for group, sides in groups.items():
            if rest := {name: value for name, value in sides["difference"].items() if value}:
                place = "in all" if level == "headline" else f"{level.removeprefix('by_').replace('_', ' ')} {group!r}"
                sentences.append(
                    f"{place}: " + ", ".join(f"{name} differs by {as_read(value)}" for name, value in rest.items())
                )
    return sentences
