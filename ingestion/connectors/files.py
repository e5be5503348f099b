"""Reading a county's files: CSV, plain or gzipped."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, TextIO

from terrafusion.errors import TerraFusionError

LONGEST_LINE = 1_000_000  # characters
CHUNK = 1 << 20  # bytes


class UnreadableSource(TerraFusionError):
    """The source cannot be read as what it claims to be."""


@dataclass(frozen=True)
class SourceRow:
    """One record and the line of the file on which it begins. A row with a fault has no values to trust."""

    line: int
    values: dict[str, str]
    fault: str = ""


@dataclass(frozen=True)
class CsvSource:
    """A comma-separated file, `.csv` or `.csv.gz`, in UTF-8 (with or without byte order mark) or else Latin-1."""

    path: Path

    @cached_property
    def encoding(self) -> str:
        """`utf-8-sig`, or `latin-1` when the whole file is not UTF-8. Every byte is Latin-1, so that never fails."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        with self._opened() as stream:
            chunk = stream.read(CHUNK)
            if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise UnreadableSource(f"{self.path.name} is in UTF-16; save it as UTF-8.")
            try:
                while chunk:
                    decoder.decode(chunk)
                    chunk = stream.read(CHUNK)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return "latin-1"
        return "utf-8-sig"

    def columns(self) -> list[str]:
        """The header. Raises UnreadableSource when there is none or a name stands twice."""
        _, header = next(self._records(), (1, []))
        names = [name.strip() for name in header]
        if not any(names):
            raise UnreadableSource(f"{self.path.name} is empty; its first line must name the columns.")
        if twice := sorted({name for name in names if name and names.count(name) > 1}):
            raise UnreadableSource(f"{self.path.name} names a column twice: {', '.join(twice)}.")
        return names

    def rows(self) -> Iterator[SourceRow]:
        """Every record, blank lines aside. Raises UnreadableSource, with the line, for what is not CSV."""
        names = self.columns()
        records = self._records()
        next(records)
        for line, cells in records:
            # An empty cell too many is a trailing comma. Otherwise a stray comma has shifted the values.
            if len(cells) < len(names) or any(cells[len(names) :]):
                yield SourceRow(line, {}, f"has {len(cells)} values where the header names {len(names)}")
            else:
                yield SourceRow(line, dict(zip(names, cells, strict=False)))

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        line = 1
        try:
            with self._opened() as stream:
                text = io.TextIOWrapper(stream, encoding=self.encoding, newline="")
                reader = csv.reader(self._lines(text), strict=True)
                for cells in reader:
                    if cells:
                        yield line, cells
                    line = reader.line_num + 1
        except csv.Error as error:
            raise UnreadableSource(f"{self.path.name}, record at line {line}: {error}.") from error

    def _lines(self, text: TextIO) -> Iterator[str]:
        number = 0
        while line := text.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise UnreadableSource(
                    f"{self.path.name}, line {number}: longer than {LONGEST_LINE:,} characters; is this a CSV file?"
                )
            yield line

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        unpack = gzip.open if self.path.suffix.lower() == ".gz" else open
        try:
            with unpack(self.path, "rb") as stream:
                yield stream
        except FileNotFoundError:
            raise UnreadableSource(f"There is no file {self.path.name}.") from None
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise UnreadableSource(f"{self.path.name} is not a whole gzip file.") from error
        except OSError as error:
            raise UnreadableSource(f"{self.path.name} cannot be read: {error.strerror}.") from error
