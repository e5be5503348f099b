"""Parquet files, with every cell as text."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow
import pyarrow.parquet

from .layers.vector_texts import sound_texts
from .opening import Content, FileSource, library_faults
from .source import BATCH_ROWS, LINE, Batch, unique_names

EXACT_DIGITS = 15  # the digits of a number that a spreadsheet keeps


@contextmanager
def on_disk(content: Content) -> Iterator[Path]:
    """A path that libraries can open: the file itself, or an unpacked copy, deleted after use."""
    if content.member is None and content.path.suffix.lower() != ".gz":
        yield content.path
        return
    with tempfile.TemporaryDirectory(prefix="terrafusion-source-") as folder:
        copy = Path(folder) / f"source{content.kind}"
        with content.opened() as packed, copy.open("wb") as stream:
            shutil.copyfileobj(packed, stream, 1 << 20)
        yield copy


@dataclass(frozen=True)
class ParquetFile(FileSource):
    """A Parquet file, read batch by batch."""

    def columns(self) -> list[str]:
        with self._opened() as file:
            return unique_names(list(file.schema_arrow.names))

    def shape(self) -> dict[str, Any]:
        with self._opened() as file:
            types = [str(column.type) for column in file.schema_arrow]
        kinds = dict(zip(self.columns(), types, strict=True))
        return {"columns": list(kinds), "kinds": kinds, "encoding": "parquet", "delimiter": None}

    def batches(self, after: Any = None) -> Iterator[Batch]:
        line, number = 1, 0
        with self._opened() as file:
            pieces = file.iter_batches(BATCH_ROWS)
            while True:
                with library_faults(f"{self.name}: row {line} or a later one cannot be read"):
                    arrow = next(pieces, None)
                    if arrow is None:
                        return
                    table, notes = sound_texts(pyarrow.Table.from_batches([arrow]), line)
                    rows = as_texts(pl.DataFrame(table.rename_columns(self.columns())))
                number += 1
                if number > (after or 0):
                    yield Batch(rows.with_columns((pl.int_range(pl.len()) + line).alias(LINE)), number, notes=notes)
                line += rows.height

    def count(self) -> int:
        """The number of rows in the metadata of the file."""
        with self._opened() as file:
            return int(file.metadata.num_rows)

    @contextmanager
    def _opened(self) -> Iterator[pyarrow.parquet.ParquetFile]:
        with on_disk(self.content) as path, ExitStack() as stack:
            with library_faults(f"{self.name} is not a Parquet file that can be read"):
                file = stack.enter_context(pyarrow.parquet.ParquetFile(path))
            yield file


def as_texts(rows: pl.DataFrame) -> pl.DataFrame:
    """Typed columns as the texts a mapping reads. A missing value becomes an empty text."""
    return rows.select(_as_text(name, dtype) for name, dtype in rows.schema.items())


def _as_text(name: str, dtype: Any) -> pl.Expr:
    column = pl.col(name)
    if dtype == pl.Binary:
        text = column.bin.encode("hex")
    elif dtype.is_float():
        whole = (column == column.floor()) & (column.abs() < 10**EXACT_DIGITS)
        text = (
            pl.when(whole)
            .then(column.cast(pl.Int64, strict=False).cast(pl.String))
            .when(column.is_finite())
            .then(column.cast(pl.String))
        )
    elif isinstance(dtype, pl.Datetime):
        text = column.dt.to_string("%Y-%m-%d %H:%M:%S").str.strip_suffix(" 00:00:00")
    elif dtype.is_nested():
        text = pl.lit("")
    else:
        text = column.cast(pl.String)
    return text.fill_null("").alias(name)
