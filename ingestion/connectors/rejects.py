"""The corrected rejects of an earlier load as a source, so that they alone are loaded again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingestion.models import IngestionRun, RejectedRow
from ingestion.transforms.mapper import Dataset

from .source import BATCH_ROWS, Batch, text_frame


@dataclass(frozen=True)
class CorrectedRows:
    """The corrected rows of one data set. Each has the line number it had in the earlier load.

    rows: in the order of their lines, as they were when the source was made. Later corrections are not read.
    """

    run: IngestionRun
    dataset_name: str
    dataset: Dataset
    rows: tuple[RejectedRow, ...]

    @classmethod
    def waiting(cls, run: IngestionRun, dataset_name: str, dataset: Dataset) -> CorrectedRows:
        """The corrected rows that are not loaded yet."""
        rows = run.waiting_corrections().filter(dataset=dataset_name).order_by("line")
        return cls(run, dataset_name, dataset, tuple(rows))

    @property
    def name(self) -> str:
        return f"corrections of load {self.run.pk} ({self.dataset_name})"

    def columns(self) -> list[str]:
        return self.dataset.source_columns()

    def shape(self) -> dict[str, Any]:
        return {"columns": self.columns(), "kinds": {}, "encoding": "corrections", "delimiter": None}

    def digest(self) -> str:
        return self.run.source_sha256

    def batches(self, after: int | None = None) -> Iterator[Batch]:
        """The rows after a line. A number of rows is no position, because rows before it may be loaded meanwhile."""
        columns = self.columns()
        rows = [row for row in self.rows if after is None or row.line > after]
        for start in range(0, len(rows), BATCH_ROWS):
            piece = rows[start : start + BATCH_ROWS]
            cells = [{**row.raw, **row.corrections} for row in piece]
            texts = [[str(row.get(name, "")) for name in columns] for row in cells]
            lines = [row.line for row in piece]
            yield Batch(text_frame(columns, texts, lines), lines[-1])
