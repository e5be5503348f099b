"""Decides what becomes of each staged row, from the key columns of the whole data set.

Of two rows with the same key, the first is loaded. A sale on several rows that agree is one deed of several parcels. A
property that several sale rows describe is loaded as the latest sale describes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ingestion.connectors.source import LINE
from ingestion.transforms.mapper import Dataset
from ingestion.transforms.roll_fields import TARGETS
from ingestion.transforms.validators import Finding, Level

from ..staging import REFUSED, StagedSet

LOAD = "load."  # load.<target>: whether this row is the one that is loaded into the record
DUPLICATE = "duplicate"


@dataclass
class Plan:
    """What becomes of the rows of one data set.

    rows: LINE, refused, duplicate and `load.<target>`, in the order of the parts. links: the properties that each sale
    conveys, with the lines that say so, refused rows included.
    """

    rows: pl.DataFrame
    findings: list[Finding] = field(default_factory=list)
    links: pl.DataFrame | None = None

    def tied(self) -> pl.DataFrame:
        """The links of a data set of sales."""
        return pl.DataFrame() if self.links is None else self.links


def plan_of(staged: StagedSet) -> Plan:
    dataset = staged.dataset
    rows = staged.scan(*_wanted(staged)).with_row_index("at")
    rows = rows.with_columns(pl.lit(False).alias(DUPLICATE))
    findings: list[Finding] = []
    links = None
    if dataset.sales:
        rows, findings, links = _sales(rows, staged)
        rows = _described_by_latest_sale(rows, dataset)
    else:
        for target in dataset.targets():
            rows, repeated = _first_of_each(rows, dataset, target)
            findings += repeated
        loaded = ~pl.col(REFUSED) & ~pl.col(DUPLICATE)
        rows = rows.with_columns(loaded.alias(f"{LOAD}{target}") for target in dataset.targets())
    findings += _odd_widths(rows, dataset) + _shares(rows, dataset)
    names = [LINE, REFUSED, DUPLICATE, *(f"{LOAD}{target}" for target in dataset.targets())]
    return Plan(rows.sort("at").select(names), findings, links)


def key_columns(dataset: Dataset, target: str) -> list[str]:
    """The staged columns that identify a record of the target."""
    fields = dataset.targets()[target]
    key = (dataset.match,) if target == "properties" and dataset.update_only else TARGETS[target].key
    return [
        f"{target}.{name}" if name in fields else "properties.property_id"
        for name in key
        if name in fields or name == "property_id"
    ]


def property_column(dataset: Dataset, target: str) -> str:
    """The staged column in which a row of the target names its property."""
    own = dataset.match if dataset.match in dataset.targets()[target] else "property_id"
    return f"{target}.{own}" if own in dataset.targets()[target] else "properties.property_id"


def _wanted(staged: StagedSet) -> list[str]:
    dataset = staged.dataset
    names = [LINE, REFUSED]
    for target in dataset.targets():
        names += key_columns(dataset, target)
    if dataset.sales:
        names += [property_column(dataset, "sales"), "sales.sale_date"]
    names += [name for name in ("properties.parcel_number", "owners.share") if name in staged.column_names()]
    return list(dict.fromkeys(names))


def _first_of_each(rows: pl.DataFrame, dataset: Dataset, target: str) -> tuple[pl.DataFrame, list[Finding]]:
    keys = key_columns(dataset, target)
    candidates = rows.filter(~pl.col(REFUSED) & ~pl.col(DUPLICATE)).select("at", LINE, *keys)
    record = pl.col(keys[0]) if len(keys) == 1 else pl.struct(keys)
    later = candidates.filter(~record.is_first_distinct())
    if later.is_empty():
        return rows, []
    shown = dataset.targets()[target].get(keys[0].split(".")[1])
    column = (shown.shown_as if shown else "") or keys[0]
    findings = [
        Finding(line, column, str(value), "stands twice in the source; the first is kept", "D-KEY")
        for line, value in later.select(LINE, keys[0]).iter_rows()
    ]
    marked = rows.with_columns((pl.col(DUPLICATE) | pl.col("at").is_in(later["at"].implode())).alias(DUPLICATE))
    return marked, findings


def _described_by_latest_sale(rows: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """Marks the row from which a property, and the records that belong to it, are loaded: that of its latest sale."""
    usable = rows.filter(~pl.col(REFUSED) & ~pl.col(DUPLICATE))
    by = property_column(dataset, "sales")
    latest = usable.sort("sales.sale_date", "at").unique(by, keep="last")["at"] if dataset.properties else usable["at"]
    flags = [
        pl.col("at").is_in(latest.implode()).alias(f"{LOAD}{target}")
        for target in dataset.targets()
        if target != "sales"
    ]
    return rows.with_columns(flags)


def _sales(rows: pl.DataFrame, staged: StagedSet) -> tuple[pl.DataFrame, list[Finding], pl.DataFrame]:
    """Decides about the rows of each sale: the first is loaded, rows that agree add a parcel, others are duplicates."""
    by = property_column(staged.dataset, "sales")
    key = "sales.sale_id"
    named = rows.filter(pl.col(key).is_not_null() & (pl.col(key) != ""))
    several = named.filter(pl.col(key).is_duplicated())[key].unique()
    findings: list[Finding] = []
    conflicting: list[int] = []
    first: list[int] = named.filter(~pl.col(REFUSED) & ~pl.col(key).is_in(several.implode()))["at"].to_list()
    if len(several):
        more, conflicts, findings = _deeds(staged, several, by)
        first += more
        conflicting = conflicts
    rows = rows.with_columns(
        pl.col("at").is_in(conflicting).alias(DUPLICATE), pl.col("at").is_in(first).alias(f"{LOAD}sales")
    )
    links = (
        rows.filter(~pl.col(DUPLICATE) & pl.col(key).is_not_null() & pl.col(by).is_not_null())
        .select(LINE, pl.col(key).alias("sale_id"), pl.col(by).alias("property_id"), REFUSED)
        .sort(REFUSED, LINE)
        .unique(["sale_id", "property_id"], keep="first", maintain_order=True)
    )
    return rows, findings, links


def _deeds(staged: StagedSet, several: pl.Series, by: str) -> tuple[list[int], list[int], list[Finding]]:
    """Looks at the sales that are on several rows, row by row in the order of the file.

    Gives the rows to load, the rows that conflict with an earlier one, and the findings.
    """
    fields = [f"sales.{name}" for name in staged.dataset.sales if name not in ("property_id", "parcel_number")]
    names = list(dict.fromkeys([LINE, REFUSED, by, *fields]))
    first: dict[str, dict[str, Any]] = {}
    parcels: dict[str, set[str]] = {}
    feeds, conflicts, findings = [], [], []
    at = 0
    column = staged.dataset.sales["sale_id"].shown_as or "sale_id"
    for part in staged.parts():
        frame = pl.read_parquet(part, columns=names).with_row_index("at", at)
        at += frame.height
        for row in frame.filter(pl.col("sales.sale_id").is_in(several.implode())).iter_rows(named=True):
            sale_id = row["sales.sale_id"]
            known = first.get(sale_id)
            if row[REFUSED]:
                continue
            if known is None:
                first[sale_id] = row
                feeds.append(row["at"])
            elif row[by] in parcels[sale_id]:
                conflicts.append(row["at"])
                findings.append(_twice(row[LINE], column, sale_id, ""))
            elif other := [name.split(".")[1] for name in fields if row[name] not in (known[name], None)]:
                conflicts.append(row["at"])
                findings.append(_twice(row[LINE], column, sale_id, f" with another {', '.join(other)}"))
                continue
            parcels.setdefault(sale_id, set()).add(row[by])
    return feeds, conflicts, findings


def _twice(line: int, column: str, sale_id: str, how: str) -> Finding:
    return Finding(line, column, sale_id, f"stands twice in the source{how}; the first is kept", "D-SALE")


def _odd_widths(rows: pl.DataFrame, dataset: Dataset) -> list[Finding]:
    """Warns of parcel numbers that are shorter than nearly all others and may have lost leading zeros."""
    if "parcel_number" not in dataset.properties:
        return []
    name = "properties.parcel_number"
    numbers = rows.filter(pl.col(name).str.contains(r"^\d+$")).select(
        LINE, name, pl.col(name).str.len_chars().alias("n")
    )
    if numbers.height < 20:
        return []
    usual = int(numbers["n"].mode().max())  # type: ignore[arg-type]
    short = numbers.filter(pl.col("n") < usual)
    if not 0 < short.height <= 0.2 * numbers.height or numbers.filter(pl.col("n") > usual).height:
        return []
    column = dataset.properties["parcel_number"].shown_as
    reason = f"shorter than the usual {usual} digits: leading zeros may be lost"
    return [
        Finding(line, column, number, reason, "D-LEADING-ZEROS", Level.WARN)
        for line, number in short.select(LINE, name).iter_rows()
    ]


def _shares(rows: pl.DataFrame, dataset: Dataset) -> list[Finding]:
    """Warns where the owners' shares of one property and year do not add up to one."""
    if "share" not in dataset.owners:
        return []
    keys = key_columns(dataset, "owners")[:-1]
    sums = (
        rows.filter(~pl.col(REFUSED) & ~pl.col(DUPLICATE))
        .group_by(keys)
        .agg(pl.col(LINE).min(), pl.col("owners.share").cast(pl.Float64).sum())
        .filter((pl.col("owners.share") - 1).abs() > 0.005)
        .sort(LINE)
    )
    column = dataset.owners["share"].shown_as
    return [
        Finding(line, column, f"{share:.4f}", "the owners' shares do not make the whole", "D-SHARES", Level.WARN)
        for line, share in sums.select(LINE, "owners.share").iter_rows()
    ]
