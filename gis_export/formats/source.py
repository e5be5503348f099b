"""What a writer gets: a layer to be read once, counted as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from ..layers import ExportLayer
from ..reading import FID, batch_schema, read_features
from ..selection import Selection

Progress = Callable[[int], None]


def no_progress(features: int) -> None:
    """For callers nobody waits for."""


@dataclass
class LayerSource:
    """features: how many went out so far. texts_cut: texts the format has no room for. report: called with each batch's
    number of features."""

    layer: ExportLayer
    selection: Selection
    report: Progress = no_progress
    features: int = field(default=0, init=False)
    texts_cut: int = field(default=0, init=False)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """With fid, fields and WKB."""
        for batch in read_features(self.layer, self.selection):
            self.took(batch.num_rows)
            yield batch

    def took(self, features: int) -> None:
        self.features += features
        self.report(features)

    @property
    def schema(self) -> pa.Schema:
        return batch_schema(self.layer)

    def without_fid(self) -> pa.RecordBatchReader:
        schema = self.schema.remove(self.schema.get_field_index(FID))
        return pa.RecordBatchReader.from_batches(schema, (each.select(schema.names) for each in self.batches()))
