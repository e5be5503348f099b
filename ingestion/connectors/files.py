"""Reading a county's files. First cut: CSV, plain or gzipped."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from terrafusion.errors import TerraFusionError

LONGEST_FIELD = 1_000_000  # characters


class UnreadableSource(TerraFusionError):
    """The source cannot be read as what it claims to be."""


@dataclass(frozen=True)
class SourceRow:
    """One record and the line of the file on which it ends."""

    line: int
    values: dict[str, str]


@dataclass(frozen=True)
class CsvSource:
    """A comma-separated file in UTF-8 (with or without byte order mark), `.csv` or `.csv.gz`."""

    path: Path

    def columns(self) -> list[str]:
        """The header. Raises UnreadableSource when there is none or a name stands twice."""
        with self._opened() as stream:
            names = next(csv.reader(stream), [])
        if not names:
            raise UnreadableSource(f"{self.path.name} is empty; its first line must name the columns.")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise UnreadableSource(f"{self.path.name} names a column twice: {', '.join(twice)}.")
        return names

    def rows(self) -> Iterator[SourceRow]:
        """Every record. Raises UnreadableSource, with the line, for what is not CSV in UTF-8."""
        csv.field_size_limit(LONGEST_FIELD)
        with self._opened() as stream:
            reader = csv.DictReader(stream, restkey="", strict=True)
            try:
                for values in reader:
                    yield SourceRow(reader.line_num, {name: text or "" for name, text in values.items() if name})
            except (csv.Error, UnicodeDecodeError) as error:
                raise UnreadableSource(f"{self.path.name}, after line {reader.line_num}: {error}") from error

    @contextmanager
    def _opened(self) -> Iterator[TextIO]:
        unpack = gzip.open if self.path.suffix == ".gz" else open
        try:
            with unpack(self.path, "rt", encoding="utf-8-sig", newline="") as stream:
                yield stream
        except FileNotFoundError:
            raise UnreadableSource(f"There is no file {self.path.name}.") from None
        except gzip.BadGzipFile as error:
            raise UnreadableSource(f"{self.path.name} is not a gzip file.") from error
