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
    """The corrected rows of one data set. Each has the line number it had in the earlier load."""

    run: IngestionRun
    dataset_name: str
    dataset: Dataset

    @property
    def name(self) -> str:
        return f"corrections of load {self.run.pk} ({self.dataset_name})"

    def rows(self) -> Any:
        waiting = RejectedRow.objects.filter(run=self.run, dataset=self.dataset_name, loaded_by=None)
        return waiting.exclude(corrections={}).order_by("line")

    def columns(self) -> list[str]:
        return self.dataset.source_columns()

    def shape(self) -> dict[str, Any]:
        return {"columns": self.columns(), "kinds": {}, "encoding": "corrections", "delimiter": None}

    def digest(self) -> str:
        return self.run.source_sha256

    def batches(self, after: Any = None) -> Iterator[Batch]:
        columns = self.columns()
        rows = list(self.rows()[(after or 0) :])
        for start in range(0, len(rows), BATCH_ROWS):
            piece = rows[start : start + BATCH_ROWS]
            cells = [{**row.raw, **row.corrections} for row in piece]
            texts = [[str(row.get(name, "")) for name in columns] for row in cells]
            lines = [row.line for row in piece]
            yield Batch(text_frame(columns, texts, lines), (after or 0) + start + len(piece))
