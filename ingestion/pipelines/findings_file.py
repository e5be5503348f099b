"""Writes all findings of a load as CSV, for the job's files or to the path given to the command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from terrafusion.csv_files import CsvWriter

SHOWN_COLUMNS = ["line", "column", "value", "rule", "level", "reason"]


def write_findings(path: Path, findings: Mapping[str, pl.DataFrame]) -> None:
    """Writes the findings, given by data set, in the order of the source's lines."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = CsvWriter(stream)
        writer.writerow(["dataset", *SHOWN_COLUMNS])
        for name, frame in findings.items():
            writer.writerows(
                [name, *row] for row in frame.select(SHOWN_COLUMNS).sort("line", maintain_order=True).iter_rows()
            )
