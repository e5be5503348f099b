"""Excel sheets, with every cell as text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import openpyxl

from ingestion.transforms.validators import UNCALCULATED

from ..cells import cell_text
from ..opening import FileSource, checked_zip, library_faults
from ..source import BATCH_ROWS, Batch, BrokenRow, UnreadableSource, kinds_of, text_frame, unique_names
from ..tables import EXACT_DIGITS, on_disk
from .number_formats import digit_pattern
from .sheet_xml import SheetCensus, census

Row = tuple[int, list[str]]


def sheet_text(value: Any) -> str:
    """A value as text. Whole numbers have no `.0`; a number too long for Excel is written with an exponent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if abs(value) >= 10**EXACT_DIGITS:
            return f"{value:.14E}"  # Excel has lost its last digits, so the rule for identifiers must refuse it
        return str(int(value)) if float(value).is_integer() else repr(value)
    return cell_text(value)


def shown_text(cell: Any) -> str:
    """A cell of a sheet as text. A number with a format for identifiers is written as Excel shows it."""
    value = cell.value
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**EXACT_DIGITS:
        pattern = digit_pattern(cell.number_format)
        if pattern is not None and (float(value).is_integer() or pattern.decimals):
            return pattern.shown(value)
    return sheet_text(value)


@dataclass(frozen=True)
class Sheet(FileSource):
    """One sheet of an .xlsx workbook. A formula is read as the result Excel stored for it."""

    def columns(self) -> list[str]:
        return self._columns

    @cached_property
    def _columns(self) -> list[str]:
        with self._opened() as rows:
            names = [text.strip() for text in next(rows, (0, []))[1]]
        while names and not names[-1]:
            names.pop()
        if not names:
            raise UnreadableSource(f"{self.name} is empty; its first row must name the columns.")
        return unique_names(names)

    def shape(self) -> dict[str, Any]:
        first = next(self.batches(), None)
        kinds = kinds_of(first.rows) if first else {}
        return {"columns": self.columns(), "kinds": kinds, "encoding": "xlsx", "delimiter": None}

    def count(self) -> int:
        """The rows with a value in the XML of the sheet."""
        return self._census.rows

    def batches(self, after: Any = None) -> Iterator[Batch]:
        columns, number = self.columns(), 0
        width = len(columns)
        with self._opened() as rows:
            next(rows, None)
            while True:
                texts, lines, broken = [], [], []
                for line, row in rows:
                    if any(row[:width]):
                        texts.append([*row[:width], *[""] * (width - len(row))])
                        lines.append(line)
                    elif any(row):
                        raw = " ".join(filter(None, row))[:2000]
                        broken.append(BrokenRow(line, raw, "has values only where no column has a name"))
                    if len(lines) + len(broken) == BATCH_ROWS:
                        break
                if not lines and not broken:
                    return
                number += 1
                if number > (after or 0):
                    yield Batch(text_frame(columns, texts, lines), number, broken)

    @cached_property
    def _census(self) -> SheetCensus:
        with on_disk(self.content) as path, self._workbook(path) as book, checked_zip(path) as archive:
            part = self._sheet(book)._worksheet_path
            with library_faults(f"{self.name}: its sheet cannot be read"):
                return census(archive, part, self.options.skip_lines + 1)

    @contextmanager
    def _opened(self) -> Iterator[Iterator[Row]]:
        """The rows after the title rows, each with its number. The first is the header."""
        uncalculated = self._census.uncalculated
        with on_disk(self.content) as path, self._workbook(path) as book:
            sheet = self._sheet(book)
            sheet.reset_dimensions()  # other programs add rows without updating the size the sheet states
            yield self._rows(sheet, uncalculated)

    def _rows(self, sheet: Any, uncalculated: dict[int, set[int]]) -> Iterator[Row]:
        line = 0
        cells = iter(sheet.iter_rows())
        while True:
            with library_faults(f"{self.name}: row {line + 1} cannot be read"):
                row = next(cells, None)
                if row is None:
                    return
                line += 1
                texts = [shown_text(cell) for cell in row]
            for column in uncalculated.get(line, ()):
                texts += [""] * (column + 1 - len(texts))
                texts[column] = UNCALCULATED
            if line > self.options.skip_lines:
                yield line, texts

    @contextmanager
    def _workbook(self, path: Path) -> Iterator[Any]:
        _refuse_entities(path, self.name)
        with library_faults(f"{self.name} is not an Excel workbook"):
            book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        try:
            yield book
        finally:
            book.close()

    def _sheet(self, book: Any) -> Any:
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        if not sheets:
            raise UnreadableSource(f"{self.name} has no sheet of cells.")
        if self.options.sheet is not None and self.options.sheet not in sheets:
            raise UnreadableSource(f"{self.name} has no sheet {self.options.sheet!r}; it has {', '.join(sheets)}.")
        return sheets[self.options.sheet] if self.options.sheet is not None else next(iter(sheets.values()))


def _refuse_entities(path: Path, name: str) -> None:
    """Raises UnreadableSource if an XML part declares a document type, which no honest workbook needs."""
    with checked_zip(path) as archive:
        for part in archive.namelist():
            if part.endswith((".xml", ".rels")):
                with archive.open(part) as stream:
                    if b"<!" in stream.read(4096).replace(b"<!--", b"").upper():
                        raise UnreadableSource(f"{name} declares a document type in {Path(part).name}; refused.")
