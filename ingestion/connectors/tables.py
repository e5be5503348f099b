"""Excel sheets and Parquet files, every cell as the text it stands for."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pyarrow
import pyarrow.parquet
from openpyxl.utils.exceptions import InvalidFileException

from .opening import Content, FileSource, checked_zip
from .source import BATCH_ROWS, LINE, Batch, UnreadableSource, kinds_of, text_frame

EXACT_DIGITS = 15  # what a spreadsheet keeps of a number


@contextmanager
def on_disk(content: Content) -> Iterator[Path]:
    """A path libraries can open: the file itself, or an unpacked copy for as long as it is used."""
    if content.member is None and content.path.suffix.lower() != ".gz":
        yield content.path
        return
    with tempfile.TemporaryDirectory(prefix="terrafusion-source-") as folder:
        copy = Path(folder) / f"source{content.kind}"
        with content.opened() as packed, copy.open("wb") as stream:
            shutil.copyfileobj(packed, stream, 1 << 20)
        yield copy


def cell_text(value: Any) -> str:
    """A cell as text. Whole numbers without `.0`; a number longer than Excel keeps is shown as it lost its digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if abs(value) >= 10**EXACT_DIGITS:
            return f"{value:.14E}"  # the identifier rule refuses it: its last digits are not the county's
        return str(int(value)) if float(value).is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d") if value.time() == datetime.min.time() else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


@dataclass(frozen=True)
class Sheet(FileSource):
    """One sheet of an .xlsx workbook; formulas as the values Excel stored for them."""

    def columns(self) -> list[str]:
        return self._columns

    @cached_property
    def _columns(self) -> list[str]:
        with self._opened() as rows:
            names = [cell_text(each).strip() for each in next(rows, (0, ()))[1]]
        while names and not names[-1]:
            names.pop()
        if not names:
            raise UnreadableSource(f"{self.name} is empty; its first row must name the columns.")
        if twice := sorted({name for name in names if name and names.count(name) > 1}):
            raise UnreadableSource(f"{self.name} names a column twice: {', '.join(twice)}.")
        return [each or f"column {number}" for number, each in enumerate(names, 1)]

    def shape(self) -> dict[str, Any]:
        first = next(self.batches(), None)
        kinds = kinds_of(first.rows) if first else {}
        return {"columns": self.columns(), "kinds": kinds, "encoding": "xlsx", "delimiter": None}

    def batches(self, after: Any = None) -> Iterator[Batch]:
        columns, number = self.columns(), 0
        with self._opened() as rows:
            next(rows, None)
            while True:
                texts, lines = [], []
                for line, cells in rows:
                    row = [cell_text(each) for each in cells[: len(columns)]]
                    if any(row):
                        texts.append([*row, *[""] * (len(columns) - len(row))])
                        lines.append(line)
                    if len(lines) == BATCH_ROWS:
                        break
                if not lines:
                    return
                number += 1
                if number > (after or 0):
                    yield Batch(text_frame(columns, texts, lines), number)

    @contextmanager
    def _opened(self) -> Iterator[Iterator[tuple[int, tuple[Any, ...]]]]:
        with on_disk(self.content) as path:
            _refuse_entities(path, self.name)
            try:
                book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
            except (InvalidFileException, KeyError, ValueError, zipfile.BadZipFile) as error:
                raise UnreadableSource(f"{self.name} is not an Excel workbook.") from error
            try:
                if self.options.sheet is not None and self.options.sheet not in book.sheetnames:
                    known = ", ".join(book.sheetnames)
                    raise UnreadableSource(f"{self.name} has no sheet {self.options.sheet!r}; it has {known}.")
                sheet = book[self.options.sheet or book.sheetnames[0]]
                rows = enumerate(sheet.iter_rows(values_only=True), 1)
                for _ in range(self.options.skip_lines):
                    next(rows, None)
                yield rows
            finally:
                book.close()


def _refuse_entities(path: Path, name: str) -> None:
    """A document type in one of its XML parts can only be there to do harm."""
    with checked_zip(path) as archive:
        for part in archive.namelist():
            if part.endswith((".xml", ".rels")):
                with archive.open(part) as stream:
                    if b"<!" in stream.read(4096).replace(b"<!--", b"").upper():
                        raise UnreadableSource(f"{name} declares a document type in {Path(part).name}; refused.")


@dataclass(frozen=True)
class ParquetFile(FileSource):
    """A Parquet file, read by row groups."""

    def columns(self) -> list[str]:
        with self._opened() as file:
            return list(file.schema_arrow.names)

    def shape(self) -> dict[str, Any]:
        with self._opened() as file:
            kinds = {each.name: str(each.type) for each in file.schema_arrow}
        return {"columns": list(kinds), "kinds": kinds, "encoding": "parquet", "delimiter": None}

    def batches(self, after: Any = None) -> Iterator[Batch]:
        line = 1
        with self._opened() as file:
            for number, arrow in enumerate(file.iter_batches(BATCH_ROWS), 1):
                rows = pl.DataFrame(pyarrow.Table.from_batches([arrow]))
                if number > (after or 0):
                    yield Batch(as_texts(rows).with_columns((pl.int_range(pl.len()) + line).alias(LINE)), number)
                line += rows.height

    @contextmanager
    def _opened(self) -> Iterator[pyarrow.parquet.ParquetFile]:
        with on_disk(self.content) as path:
            try:
                with pyarrow.parquet.ParquetFile(path) as file:
                    yield file
            except (pyarrow.ArrowException, OSError) as error:
                raise UnreadableSource(f"{self.name} is not a Parquet file that can be read.") from error


def as_texts(rows: pl.DataFrame) -> pl.DataFrame:
    """Typed columns as the texts a mapping reads; unknown values as empty texts."""
    return rows.select(_as_text(name, dtype) for name, dtype in rows.schema.items())


def _as_text(name: str, dtype: Any) -> pl.Expr:
    column = pl.col(name)
    if dtype == pl.Binary:
        text = column.bin.encode("hex")
    elif dtype.is_float():
        whole = (column == column.floor()) & (column.abs() < 10**EXACT_DIGITS)
        text = (
            pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(column.cast(pl.String))
        )
    elif isinstance(dtype, pl.Datetime):
        text = column.dt.to_string("%Y-%m-%d %H:%M:%S").str.strip_suffix(" 00:00:00")
    elif dtype.is_nested():
        text = pl.lit("")
    else:
        text = column.cast(pl.String)
    return text.fill_null("").alias(name)
