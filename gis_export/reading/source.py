"""What a writer of a format reads from: a layer that can be read once, and is counted while it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa

from ..layers.layer import ExportLayer
from .features import FID, batch_schema, read_features
from .selection import Selection

Progress = Callable[[int], None]


def no_progress(features: int) -> None:
    """For callers whose progress nobody watches."""


@dataclass
class LayerSource:
    """A layer to be written, and what happened to it so far.

    report: called with the number of features of every batch.
    features: the number read so far. texts_cut: the number of texts shortened because the format has no room for them.
    """

    layer: ExportLayer
    selection: Selection
    report: Progress = no_progress
    features: int = field(default=0, init=False)
    texts_cut: int = field(default=0, init=False)
    failure: Exception | None = field(default=None, init=False)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Batches with fid, the fields and the shape as WKB."""
        try:
            for batch in read_features(self.layer, self.selection):
                self.count(batch.num_rows)
                yield batch
        except Exception as error:
            self.failure = error  # a writer in C reports only that its input failed: see `original_failure`
            raise

    @contextmanager
    def original_failure(self) -> Iterator[None]:
        """Around a writer in C: raises what failed in reading, such as a cancelled job, not the writer's own error."""
        try:
            yield
        except Exception as error:
            raise self.failure or error from error

    def count(self, features: int) -> None:
        self.features += features
        self.report(features)

    @property
    def schema(self) -> pa.Schema:
        return batch_schema(self.layer)

    def without_fid(self) -> pa.RecordBatchReader:
        schema = self.schema.remove(self.schema.get_field_index(FID))
        return pa.RecordBatchReader.from_batches(schema, (batch.select(schema.names) for batch in self.batches()))
