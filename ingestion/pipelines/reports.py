"""The report of what became of a load, by data set, and the exception for a load that is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from ingestion.transforms.validators import Finding, Level
from terrafusion.errors import TerraFusionError

from .staging import findings_frame
from .switch.merge import Tally

FIRST_FAULTS = 3


class LoadRefused(TerraFusionError):
    """Nothing was written. The message says why, and `report` has the findings up to then."""

    def __init__(self, message: str, report: LoadReport | None = None) -> None:
        super().__init__(message)
        self.report = report


@dataclass
class SetReport:
    """What became of one data set. Every row read is loaded, rejected or a duplicate of a loaded one.

    counted: the number of rows by the source's own count; None where the source has no such count.
    """

    read: int = 0
    counted: int | None = None
    rejected: int = 0
    duplicates: int = 0
    warned: int = 0
    dropped_values: int = 0
    targets: dict[str, Tally] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    findings: pl.DataFrame = field(default_factory=lambda: findings_frame([], {}))

    def add(self, findings: list[Finding]) -> None:
        if findings:
            self.findings = pl.concat([self.findings, findings_frame(findings, {})])

    def count_findings(self) -> None:
        findings = self.findings = self.findings.sort("line", maintain_order=True)
        self.dropped_values = findings.filter("dropped").height
        looked_at = (pl.col("level") != str(Level.REFUSE)) & ~pl.col("dropped")
        self.warned = findings.filter(looked_at)["line"].n_unique()
        self.rules = dict(findings["rule"].value_counts().sort("rule").iter_rows())

    def rejected_lines(self) -> pl.DataFrame:
        """The first reason for each line that was rejected."""
        refusing = self.findings.filter(pl.col("level") == str(Level.REFUSE))
        return refusing.unique("line", keep="first", maintain_order=True).sort("line", maintain_order=True)

    def raw_rows(self) -> dict[int, str]:
        """The cells of the rejected rows as JSON, by line."""
        return dict(self.findings.filter(pl.col("raw").is_not_null()).select("line", "raw").iter_rows())

    def faults(self) -> str:
        """A sentence with the first faults and the number of further ones; empty if there are none."""
        lines = self.rejected_lines()
        if lines.is_empty():
            return ""
        first = [finding_text(row) for row in lines.head(FIRST_FAULTS).iter_rows(named=True)]
        more = f"; and {lines.height - len(first):,} more" if lines.height > len(first) else ""
        title = "The fault" if lines.height == 1 else "The first faults" if more else "The faults"
        return f" {title}: {'; '.join(first)}{more}."

    def as_json(self) -> dict[str, Any]:
        names = ("read", "counted", "rejected", "duplicates", "warned", "dropped_values", "rules")
        own = {name: getattr(self, name) for name in names}
        return own | {"targets": {name: asdict(tally) for name, tally in self.targets.items()}}


@dataclass
class LoadReport:
    """The report of the whole load, by data set."""

    sets: dict[str, SetReport] = field(default_factory=dict)
    control_totals: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def read(self) -> int:
        return sum(own.read for own in self.sets.values())

    @property
    def rejected(self) -> int:
        return sum(own.rejected for own in self.sets.values())

    @property
    def changed(self) -> int:
        """The number of records of the roll that were created, updated or retired."""
        tallies = [tally for own in self.sets.values() for tally in own.targets.values()]
        return sum(tally.created + tally.updated + tally.retired for tally in tallies)


def finding_text(row: Mapping[str, Any]) -> str:
    names = ("line", "column", "value", "reason", "rule", "dropped")
    return str(Finding(**{name: row[name] for name in names}, level=Level(row["level"])))
