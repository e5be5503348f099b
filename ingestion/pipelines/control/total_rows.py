"""Finds rows that are sums of other rows: a `GRAND TOTAL` at the end, or a subtotal for each neighborhood.

They are recognised by their amounts, not by their words: a store may be called TOTAL WINE, and county programs have
many names for a total. Words decide only where an equal sum might be chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from ingestion.connectors.source import LINE
from ingestion.transforms.mapper import Dataset
from ingestion.transforms.validators import Finding, Level

from ..staging import REFUSED, StagedSet
from ..switch.plan import DUPLICATE, LOAD, Plan, key_columns
from .amounts import SOURCE

SURE = 10  # a value that is exactly the sum of at least so many rows is no chance
WORDS = r"(?i)^\W*((grand|sub|report|page|county|overall|sum)[\s_-]*)?(totals?|sum|summe)\b[^\d]*$"
# The quantities that are added up where a data set has no dollars.
_QUANTITIES = ("acres", "lot_sqft", "living_area_sqft")


def with_totals_refused(plan: Plan, staged: StagedSet) -> Plan:
    """The plan in which total rows are refused, with a finding for each. A row only called a total gets a warning."""
    columns = _summed_columns(staged)
    key = key_columns(staged.dataset, next(iter(staged.dataset.targets())))[0]
    if not columns or key not in staged.column_names():
        return plan
    rows = staged.scan(LINE, REFUSED, key, *columns)
    table = _table(rows, columns)
    totals = _totals(table, rows[key])
    findings = []
    column = _shown_as(staged.dataset, key)
    named = rows[key].str.contains(WORDS).fill_null(False).arg_true().to_list()
    for at in sorted({*totals, *named}):
        line, value = rows[LINE][at], str(rows[key][at] or "")
        if at not in totals and _is_nearly_all(table, at):
            totals[at] = len(table) - 1
        if at in totals:
            reason = f"is no record but a total of {totals[at]:,} other rows"
            findings.append(Finding(line, column, value, reason, "D-TOTAL"))
        elif not rows[REFUSED][at]:
            findings.append(Finding(line, column, value, "is called like a total", "D-TOTAL-NAME", Level.WARN))
    if not totals:
        return replace(plan, findings=[*plan.findings, *findings]) if findings else plan
    is_total = pl.col(LINE).is_in([rows[LINE][at] for at in totals])
    flags = [name for name in plan.rows.columns if name.startswith(LOAD)]
    marked = plan.rows.with_columns(
        (pl.col(REFUSED) | is_total).alias(REFUSED),
        *(pl.when(is_total).then(False).otherwise(pl.col(name)).alias(name) for name in (*flags, DUPLICATE)),
    )
    links = plan.links
    if links is not None:
        links = links.with_columns((pl.col(REFUSED) | is_total).alias(REFUSED))
    return replace(plan, rows=marked, findings=[*plan.findings, *findings], links=links)


def _summed_columns(staged: StagedSet) -> list[str]:
    names = staged.column_names()
    dollars = [name for name in names if name.startswith(SOURCE)]
    return dollars or [f"properties.{name}" for name in _QUANTITIES if f"properties.{name}" in names]


def _shown_as(dataset: Dataset, key: str) -> str:
    target, name = key.split(".", 1)
    field = dataset.targets().get(target, {}).get(name)
    return (field.shown_as if field else "") or name


def _table(rows: pl.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """The amounts as whole numbers of cents or of ten-thousandths, which Float64 adds exactly."""
    units = [100 if name.startswith(SOURCE) else 10_000 for name in columns]
    amounts = rows.select(
        (pl.col(name).cast(pl.Float64).fill_null(0) * unit).round() for name, unit in zip(columns, units, strict=True)
    )
    return amounts.to_numpy()


def _is_nearly_all(table: np.ndarray, at: int) -> bool:
    """Whether the row is within one percent of the sum of all other rows.

    Such a row that is also called a total is one, and some of the rows it sums were lost.
    """
    others, row = table.sum(axis=0) - table[at], table[at]
    said = row != 0
    return len(table) > 2 and bool(said.any()) and bool((np.abs(row - others) <= 0.01 * others)[said].all())


def _totals(table: np.ndarray, keys: pl.Series) -> dict[int, int]:
    """The number of rows that each total sums, by the position of the total."""
    if len(table) < 3 or not _any_total(table):
        return {}
    return dict(_totals_in_order([tuple(map(int, row)) for row in table.tolist()], keys.fill_null("").to_list()))


def _any_total(table: np.ndarray) -> bool:
    """Whether some row is the sum of all rows before it, or the first row the sum of all rows after it.

    A column in which the row has no amount is ignored; all others must agree. To save memory, the columns are looked
    at one by one.
    """
    agrees, says = np.ones(len(table), dtype=bool), np.zeros(len(table), dtype=bool)
    first, top = True, False
    for column in table.T:
        said = column != 0
        before = np.cumsum(column)
        whole = before[-1]
        before -= column
        agrees &= (before == column) | ~said
        says |= said
        first &= bool(not said[0] or 2 * column[0] == whole)
        top |= bool(said[0])
    return bool((agrees & says).any() or (first and top))


def _totals_in_order(rows: list[tuple[int, ...]], keys: list[str]) -> Iterator[tuple[int, int]]:
    """The position of each total, and the number of rows that it sums.

    A total sums all rows before it, or the rows since the last total. The first row may be the total of all others.
    """
    none = tuple(0 for _ in rows[0])
    everything, count = none, 0
    group, in_group = none, 0
    first = rows[0]
    rest = tuple(sum(column) - own for column, own in zip(zip(*rows, strict=True), first, strict=True))
    start = 0
    if _agrees(first, rest) and _is_sure(len(rows) - 1, keys, 0):
        yield 0, sum(any(row) for row in rows[1:])
        start = 1
    for at in range(start, len(rows)):
        row = rows[at]
        if count > 1 and _agrees(row, everything) and _is_sure(count, keys, at):
            yield at, count
            group, in_group = none, 0
        elif in_group > 1 and _agrees(row, group) and _is_sure(in_group, keys, at):
            yield at, in_group
            group, in_group = none, 0
        elif any(row):
            everything, count = _plus(everything, row), count + 1
            group, in_group = _plus(group, row), in_group + 1


def _agrees(row: tuple[int, ...], total: tuple[int, ...]) -> bool:
    return any(row) and all(own == whole for own, whole in zip(row, total, strict=True) if own)


def _plus(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(left, right, strict=True))


def _is_sure(summed: int, keys: list[str], at: int) -> bool:
    """Whether an equal sum is no chance.

    Either many rows are summed, or the row's key is no real one: it has no digit, and most other keys have one.
    """
    if summed >= SURE:
        return True
    digits = [any(character.isdigit() for character in key) for key in keys]
    return not digits[at] and sum(digits) * 2 > len(digits)
