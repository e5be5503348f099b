"""CSV, TSV and fixed-width files: any delimiter, encoding and line end, title lines, broken rows told apart."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TextIO

import polars as pl

from ingestion.transforms.validators import WHITESPACE

from .encodings import FOREIGN, has_foreign_bytes, in_windows_1252, utf8_characters
from .opening import FileSource
from .quoting import Dialect, Record
from .source import LINE, Batch, BrokenRow, Told, UnreadableSource, kinds_of, text_frame, unique_names
from .text_counts import RecordCount

LONGEST_LINE = 1_000_000  # characters
BLOCK = 4_000_000  # characters read at a time
CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class TextFile(FileSource):
    """A delimited or fixed-width file, plain, gzipped or in a zip; UTF-8, or else Latin-1 unless the mapping says."""

    @cached_property
    def encoding(self) -> str:
        """As the mapping says; else `utf-8-sig`, or `latin-1` when the file is not UTF-8."""
        if self.options.encoding not in (None, "utf-8"):
            return str(self.options.encoding)
        with self.content.opened() as stream:
            good, bad = utf8_characters(stream, self.name)
        # Texts in another encoding are hardly ever UTF-8 by accident: then only single rows were written otherwise.
        if not bad or 10 * good >= bad:
            return "utf-8-sig"
        if self.options.encoding == "utf-8":
            raise UnreadableSource(f"{self.name} is not UTF-8, as its mapping says: {bad:,} bytes are not.")
        return "latin-1"

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
            number, names = self.options.skip_lines, []
            lines = self._lines(text)
            for line in lines:
                number += 1
                if line.strip("\r\n"):
                    record = self._dialect(0).record(opening := [line], 0, lambda: _added(opening, lines))
                    if record.fault:
                        raise UnreadableSource(f"{self.name}, header: {record.fault}.")
                    number += record.lines - 1
                    names = [in_windows_1252(name, number, "", []).strip() for name in record.cells]
                    break
            if not any(names):
                raise UnreadableSource(f"{self.name} is empty; its first line must name the columns.")
            self._check_delimiter(names)
            while names and not names[-1]:
                names.pop()  # trailing delimiters
            return number + 1, unique_names(names)

    def _dialect(self, columns: int) -> Dialect:
        return Dialect(self.options.delimiter, self.options.quoting, columns)

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
                yield replace(batch, position=number + 1)

    def count(self) -> int:
        """Lines, or records where values are quoted, counted on the bytes."""
        delimiter = None if self.options.fixed_width else self.options.delimiter
        counted = RecordCount(delimiter, self.options.quoting, len(self.columns()), self.encoding)
        with self.content.opened() as stream:
            records = counted.of(stream, self.options.skip_lines)
        return records - (0 if self.options.fixed_width else 1)

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

    def _delimited(self, block: str, following: _Pushed, names: list[str], line: int) -> tuple[Batch, int]:
        """One block's rows; plain ones in one go. How many lines were used, those of `following` included."""
        plain = block.replace("\r\n", "\n").replace("\r", "\n")
        lines = plain.count("\n") + (not plain.endswith("\n"))
        foreign = has_foreign_bytes(block)
        quotes = '"' in block and self.options.quoting != "none"
        if not quotes and not foreign and "\n\n" not in plain and not plain.startswith("\n"):
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
        except (pl.exceptions.PolarsError, ValueError, TypeError):  # a delimiter of two bytes, for one
            return None
        return rows if rows.height == lines and rows.width == len(names) else None

    def _careful(self, block: str, following: _Pushed, names: list[str], line: int) -> tuple[Batch, int]:
        """Record by record. Lines of `following` that no record of the block needed are given back."""
        found, dialect = _Found(names), self._dialect(len(names))
        lines = io.StringIO(block, newline="").readlines()
        own, at = len(lines), 0
        while at < own:
            record = dialect.record(lines, at, lambda: _added(lines, following))
            found.add(line + at, record, dialect)
            at += record.lines
        following.give_back(lines[at:])
        return found.batch(), at

    def _fixed_width(self, text: TextIO, size: int) -> Iterator[Batch]:
        columns = self.options.fixed_width
        shortest = self._shortest_line()
        line = self.options.skip_lines + 1
        for block, _ in self._blocks(text, size, self.options.skip_lines):
            told: list[Told] = []
            lines = block.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
            if has_foreign_bytes(block):
                lines = [in_windows_1252(each, line + at, "", told) for at, each in enumerate(lines)]
            rows = pl.DataFrame({"line": pl.Series(lines, dtype=pl.String)})
            rows = rows.with_columns((pl.int_range(pl.len()) + line).alias(LINE))
            line += rows.height
            rows = rows.filter(pl.col("line").str.strip_chars() != "")
            short = rows.filter(pl.col("line").str.len_chars() < shortest)
            broken = [
                BrokenRow(number, raw[:2000], f"has {len(raw)} characters; at least {shortest} are needed")
                for raw, number in short.iter_rows()
            ]
            cells = [
                pl.col("line").str.slice(start - 1, end - start + 1).str.strip_chars().alias(name)
                for name, (start, end) in columns.items()
            ]
            kept = rows.filter(pl.col("line").str.len_chars() >= shortest)
            yield Batch(kept.select(*cells, LINE), 0, broken, told)

    def _shortest_line(self) -> int:
        """Characters a line must have.

        Programs cut the blanks off the end of a line, so the last column may be missing; one that is cut within
        the column before it has lost something, unless the mapping says that short lines are complete.
        """
        if self.options.short_lines == "blank":
            return 0
        spans = sorted(self.options.fixed_width.values())
        return spans[-2][1] if len(spans) > 1 and spans[-2][1] < spans[-1][0] else spans[-1][0]

    # --- Lines ---

    def _text(self) -> Any:
        return _Decoded(self)

    def _blocks(self, text: TextIO, size: int, number: int) -> Iterator[tuple[str, _Pushed]]:
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

    def give_back(self, lines: list[str]) -> None:
        self.rest = "".join(lines) + self.rest


class _Found:
    """The rows of a block, and what was wrong with some of them."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.rows: list[list[str]] = []
        self.lines: list[int] = []
        self.broken: list[BrokenRow] = []
        self.told: list[Told] = []

    def add(self, line: int, record: Record, dialect: Dialect) -> None:
        cells, width = record.cells, len(self.names)
        if any(map(has_foreign_bytes, cells)):
            named = zip(cells, [*self.names, *[""] * len(cells)], strict=False)
            cells = [in_windows_1252(each, line, column, self.told) for each, column in named]
        if not any(each.strip(WHITESPACE) for each in cells):
            return
        # An empty cell too many is a trailing comma. Otherwise a stray comma has shifted the values.
        fits = len(cells) >= width and not any(cells[width:])
        if fits and not (record.fault and dialect.quoting == "double"):
            self.rows.append(cells[:width])
            self.lines.append(line)
            if record.fault or record.doubt:
                self._tell(line, record, cells)
            return
        count = "" if fits else f"has {len(cells)} values where the header names {width}"
        reason = "; ".join(filter(None, (record.fault, count)))
        self.broken.append(BrokenRow(line, dialect.delimiter.join(cells)[:2000], reason))

    def _tell(self, line: int, record: Record, cells: list[str]) -> None:
        mark = '"' if record.fault else "\n"
        marked = ((name, cell) for name, cell in zip(self.names, cells, strict=False) if mark in cell)
        column, value = next(marked, ("", ""))
        kept = "; quote marks are kept as written" if record.fault else ""
        reason = f"{record.fault or record.doubt}{kept}. A file without quoting says quoting: none"
        self.told.append(Told(line, column, value, reason))

    def batch(self) -> Batch:
        return Batch(text_frame(self.names, self.rows, self.lines), 0, self.broken, self.told)


def _added(lines: list[str], following: Iterator[str]) -> bool:
    """Whether another line was put behind those at hand."""
    line = next(following, None)
    if line is not None:
        lines.append(line)
    return line is not None


class _Decoded:
    """The file as text, its title lines behind it."""

    def __init__(self, file: TextFile) -> None:
        self.file = file

    def __enter__(self) -> TextIO:
        self._opened = self.file.content.opened()
        # Latin-1 that nobody asked for is Windows' own: its apostrophes and dashes are no control characters.
        guessed = self.file.encoding == "latin-1" and self.file.options.encoding is None
        encoding = "cp1252" if guessed else self.file.encoding
        stream = io.TextIOWrapper(self._opened.__enter__(), encoding=encoding, errors=FOREIGN, newline="")
        for _ in range(self.file.options.skip_lines):
            stream.readline()
        return stream

    def __exit__(self, *raised: Any) -> Any:
        return self._opened.__exit__(*raised)
