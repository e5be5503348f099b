"""CSV, TSV and fixed-width files: any delimiter, encoding and line end, title lines, broken rows told apart."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TextIO

import polars as pl

from .opening import FileSource
from .source import LINE, Batch, BrokenRow, UnreadableSource, kinds_of, text_frame

LONGEST_LINE = 1_000_000  # characters
BLOCK = 4_000_000  # characters read at a time
CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class TextFile(FileSource):
    """A delimited or fixed-width file, plain, gzipped or in a zip; UTF-8, or else Latin-1 unless the mapping says."""

    @cached_property
    def encoding(self) -> str:
        """As the mapping says; else `utf-8-sig`, or `latin-1` when the whole file is not UTF-8."""
        if self.options.encoding not in (None, "utf-8"):
            return str(self.options.encoding)
        decoder = codecs.getincrementaldecoder("utf-8")()
        with self.content.opened() as stream:
            chunk = stream.read(CHUNK)
            if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise UnreadableSource(f"{self.name} is in UTF-16; save it as UTF-8.")
            try:
                while chunk:
                    decoder.decode(chunk)
                    chunk = stream.read(CHUNK)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError as error:
                if self.options.encoding == "utf-8":
                    raise UnreadableSource(f"{self.name} is not UTF-8, as its mapping says: {error.reason}.") from error
                return "latin-1"
        return "utf-8-sig"

    @cached_property
    def _first(self) -> Batch:
        return next(self._read(small=True), Batch(text_frame(self.columns(), [], []), 0))

    def shape(self) -> dict[str, Any]:
        return {
            "columns": self.columns(),
            "kinds": kinds_of(self._first.rows),
            "encoding": self.encoding.removesuffix("-sig"),
            "delimiter": None if self.options.fixed_width else self.options.delimiter,
        }

    def columns(self) -> list[str]:
        """The header. Raises UnreadableSource when there is none or a name stands twice."""
        if self.options.fixed_width:
            return list(self.options.fixed_width)
        _, header = self._header
        return header

    @cached_property
    def _header(self) -> tuple[int, list[str]]:
        """The first line after it, and its names."""
        with self._text() as text:
            lines = self._lines(text)
            reader = csv.reader(lines, strict=True, delimiter=self.options.delimiter)
            try:
                header = next((cells for cells in reader if cells), [])
            except csv.Error as error:
                raise UnreadableSource(f"{self.name}, header: {error}.") from error
            names = [name.strip() for name in header]
            if not any(names):
                raise UnreadableSource(f"{self.name} is empty; its first line must name the columns.")
            self._check_delimiter(names)
            while names and not names[-1]:
                names.pop()  # trailing delimiters
            if twice := sorted({name for name in names if name and names.count(name) > 1}):
                raise UnreadableSource(f"{self.name} names a column twice: {', '.join(twice)}.")
            return self.options.skip_lines + reader.line_num + 1, names

    def _check_delimiter(self, names: list[str]) -> None:
        """A single column that holds the delimiters of other files is a file of another kind."""
        others = [each for each in ",;\t|" if each != self.options.delimiter and names[0].count(each) >= 1]
        if len(names) == 1 and others:
            raise UnreadableSource(
                f"{self.name} has the single column {names[0][:60]!r}; its delimiter seems to be {others[0]!r}, "
                f"not {self.options.delimiter!r}. Write file: {{delimiter: ...}} in the mapping."
            )

    def batches(self, after: Any = None) -> Iterator[Batch]:
        for number, batch in enumerate(self._read()):
            if number >= (after or 0):
                yield Batch(batch.rows, number + 1, batch.broken)

    def _read(self, small: bool = False) -> Iterator[Batch]:
        """Block by block. `small`: a first block is enough."""
        size = BLOCK // 32 if small else BLOCK
        with self._text() as text:
            if self.options.fixed_width:
                yield from self._fixed_width(text, size)
                return
            line, names = self._header
            for _ in range(line - 1 - self.options.skip_lines):
                text.readline()
            for block, following in self._blocks(text, size, line - 1):
                batch, taken = self._delimited(block, following, names, line)
                line += taken
                yield batch

    def _delimited(self, block: str, following: Iterator[str], names: list[str], line: int) -> tuple[Batch, int]:
        """One block's rows; plain ones in one go. How many lines were used, those of `following` included."""
        plain = block.replace("\r\n", "\n").replace("\r", "\n")
        lines = plain.count("\n") + (not plain.endswith("\n"))
        if '"' not in block and "\n\n" not in plain and not plain.startswith("\n"):
            rows = self._plain(plain, names, lines)
            if rows is not None:
                return Batch(_without_blank(rows.with_columns((pl.int_range(pl.len()) + line).alias(LINE))), 0), lines
        return self._careful(block, following, names, line)

    def _plain(self, block: str, names: list[str], lines: int) -> pl.DataFrame | None:
        """None unless every line has exactly as many values as the header."""
        if block.count(self.options.delimiter) != (len(names) - 1) * lines:
            return None
        try:
            rows = pl.read_csv(
                block.encode(),
                has_header=False,
                new_columns=names,
                separator=self.options.delimiter,
                quote_char=None,
                infer_schema=False,
            ).fill_null("")
        except pl.exceptions.PolarsError:
            return None
        return rows if rows.height == lines and rows.width == len(names) else None

    def _careful(self, block: str, following: Iterator[str], names: list[str], line: int) -> tuple[Batch, int]:
        rows: list[list[str]] = []
        lines: list[int] = []
        broken: list[BrokenRow] = []
        own = io.StringIO(block, newline="").readlines()
        reader = csv.reader(_chained(own, following), strict=True, delimiter=self.options.delimiter)
        begin = 0
        try:
            while reader.line_num < len(own):
                cells = next(reader, None)
                if cells is None:
                    break
                if any(each.strip() for each in cells):
                    # An empty cell too many is a trailing comma. Otherwise a stray comma has shifted the values.
                    if len(cells) < len(names) or any(cells[len(names) :]):
                        reason = f"has {len(cells)} values where the header names {len(names)}"
                        broken.append(BrokenRow(line + begin, self.options.delimiter.join(cells)[:2000], reason))
                    else:
                        rows.append(cells[: len(names)])
                        lines.append(line + begin)
                begin = reader.line_num
        except csv.Error as error:
            raise UnreadableSource(f"{self.name}, record at line {line + begin}: {error}.") from error
        return Batch(text_frame(names, rows, lines), 0, broken), reader.line_num

    def _fixed_width(self, text: TextIO, size: int) -> Iterator[Batch]:
        columns = self.options.fixed_width
        shortest = max(1, min(start for start, _ in columns.values()))
        line = self.options.skip_lines + 1
        for block, _ in self._blocks(text, size, self.options.skip_lines):
            texts = pl.Series("line", block.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n"))
            rows = pl.DataFrame({"line": texts}).with_columns((pl.int_range(pl.len()) + line).alias(LINE))
            line += rows.height
            rows = rows.filter(pl.col("line").str.strip_chars() != "")
            last = max(start for start, _ in columns.values())
            short = rows.filter(pl.col("line").str.len_chars() < last)
            broken = [
                BrokenRow(number, raw[:2000], f"has {len(raw)} characters; its last column begins at {last}")
                for raw, number in short.iter_rows()
            ]
            cells = [
                pl.col("line").str.slice(start - 1, end - start + 1).str.strip_chars().alias(name)
                for name, (start, end) in columns.items()
            ]
            kept = rows.filter(pl.col("line").str.len_chars() >= max(last, shortest))
            yield Batch(kept.select(*cells, LINE), 0, broken)

    # --- Lines ---

    def _text(self) -> Any:
        return _Decoded(self)

    def _blocks(self, text: TextIO, size: int, number: int) -> Iterator[tuple[str, Iterator[str]]]:
        """Whole lines, about `size` characters at a time; and the lines after them, should a record go on.

        number: of the last line before them.
        """
        carry, done = "", False
        while not done:
            read = text.read(size)
            done = not read
            block, cut = carry + read, len(carry) + len(read)
            if not done:
                # A final CR may be half of a CRLF.
                cut = max(block.rfind("\n"), block.rfind("\r", 0, len(block) - 1)) + 1
                if not cut and len(block) > LONGEST_LINE:
                    self._too_long(number + 1)
            carry = block[cut:]
            block = block[:cut]
            if block:
                number = self._check_lines(block, number)
                pushed = _Pushed(carry, text)
                yield block, pushed
                carry = pushed.rest

    def _lines(self, text: TextIO) -> Iterator[str]:
        number = self.options.skip_lines
        while line := text.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                self._too_long(number)
            yield line

    def _check_lines(self, block: str, before: int) -> int:
        """How many lines end with this block."""
        lines = block.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
        if max(map(len, lines)) > LONGEST_LINE:
            self._too_long(before + next(at for at, line in enumerate(lines, 1) if len(line) > LONGEST_LINE))
        return before + len(lines)

    def _too_long(self, line: int) -> None:
        raise UnreadableSource(
            f"{self.name}, line {line}: longer than {LONGEST_LINE:,} characters; is this a text file?"
        )


def _without_blank(rows: pl.DataFrame) -> pl.DataFrame:
    """Lines of nothing but delimiters, which spreadsheets leave behind the data, are no rows."""
    blank = pl.all_horizontal(pl.exclude(LINE).str.strip_chars() == "")
    if (rows.to_series(0).str.strip_chars() == "").any():
        return rows.filter(~blank)
    return rows


class _Pushed:
    """The lines that follow a block, beginning with what was read of them already."""

    def __init__(self, begun: str, text: TextIO) -> None:
        self.rest, self._text = begun, text

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while not any(end in self.rest[:-1] for end in "\r\n") and len(self.rest) <= LONGEST_LINE:
            more = self._text.read(CHUNK)
            if not more:
                break
            self.rest += more
        line = next(iter(io.StringIO(self.rest, newline="")), "")
        if not line or len(line) > LONGEST_LINE:
            raise StopIteration
        self.rest = self.rest[len(line) :]
        return line


def _chained(own: list[str], following: Iterator[str]) -> Iterator[str]:
    yield from own
    yield from following


class _Decoded:
    """The file as text, its title lines behind it."""

    def __init__(self, file: TextFile) -> None:
        self.file = file

    def __enter__(self) -> TextIO:
        self._opened = self.file.content.opened()
        stream = io.TextIOWrapper(self._opened.__enter__(), encoding=self.file.encoding, newline="")
        for _ in range(self.file.options.skip_lines):
            stream.readline()
        return stream

    def __exit__(self, *raised: Any) -> Any:
        return self._opened.__exit__(*raised)
