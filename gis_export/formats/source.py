"""What a writer gets: a layer to be read once, counted as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa

from ..layers.layer import ExportLayer
from ..layers.reading import FID, batch_schema, read_features
from ..layers.selection import Selection

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
    failure: Exception | None = field(default=None, init=False)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """With fid, fields and WKB."""
        try:
            for batch in read_features(self.layer, self.selection):
                self.took(batch.num_rows)
                yield batch
        except Exception as error:
            self.failure = error  # a writer in C tells only that its input failed, not how: see `telling_why`
            raise

    @contextmanager
    def telling_why(self) -> Iterator[None]:
        """Around a writer in C: a cancelled job or a lost database is raised as what it is."""
        try:
            yield
        except Exception as error:
            raise self.failure or error from error

    def took(self, features: int) -> None:
        self.features += features
        self.report(features)

    @property
    def schema(self) -> pa.Schema:
        return batch_schema(self.layer)

    def without_fid(self) -> pa.RecordBatchReader:
        schema = self.schema.remove(self.schema.get_field_index(FID))
        return pa.RecordBatchReader.from_batches(schema, (batch.select(schema.names) for batch in self.batches()))
