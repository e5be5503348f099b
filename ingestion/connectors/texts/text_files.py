"""CSV, TSV and fixed-width files of any delimiter, encoding and line end, with title lines and with broken rows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TextIO

import polars as pl

from ingestion.transforms.validators import WHITESPACE

from ..opening import FileSource
from ..source import LINE, Batch, BrokenRow, Note, UnreadableSource, kinds_of, text_frame, unique_names
from .encodings import FOREIGN, has_foreign_bytes, in_windows_1252, utf8_characters
from .quoting import Dialect, Record
from .text_counts import RecordCount

LONGEST_LINE = 1_000_000  # characters
BLOCK = 4_000_000  # characters read at a time
CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class TextFile(FileSource):
    """A delimited or fixed-width file, plain, gzipped or in a zip.

    If the mapping names no encoding, a file that is not UTF-8 is read as Latin-1.
    """

    @cached_property
    def encoding(self) -> str:
        """The encoding the mapping names; else `utf-8-sig`, or `latin-1` when the file is not UTF-8."""
        if self.options.encoding not in (None, "utf-8"):
            return str(self.options.encoding)
        with self.content.opened() as stream:
            good, bad = utf8_characters(stream, self.name)
        # Text of another encoding is hardly ever valid UTF-8. So many valid characters mean that the file is UTF-8 with
        # single rows in another encoding.
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
        """The names in the header. Raises UnreadableSource when the file has no header."""
        if self.options.fixed_width:
            return list(self.options.fixed_width)
        _, header = self._header
        return header

    @cached_property
    def _header(self) -> tuple[int, list[str]]:
        """The number of the first line after the header, and the names in the header."""
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
        """Raises UnreadableSource for a single column with another delimiter in its name: the wrong one was given."""
        others = [mark for mark in ",;\t|" if mark != self.options.delimiter and mark in names[0]]
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
        """The number of lines, or of records where values are quoted, counted on the bytes."""
        delimiter = None if self.options.fixed_width else self.options.delimiter
        counter = RecordCount(delimiter, self.options.quoting, len(self.columns()), self.encoding)
        with self.content.opened() as stream:
            records = counter.count(stream, self.options.skip_lines)
        return records - (0 if self.options.fixed_width else 1)

    def _read(self, small: bool = False) -> Iterator[Batch]:
        """The file block by block. small: blocks are small, for a caller that needs only the first rows."""
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

    def _delimited(self, block: str, following: _FollowingLines, names: list[str], line: int) -> tuple[Batch, int]:
        """The rows of a block, and the number of lines they took, including lines of `following`.

        A block without quotes, foreign bytes and blank lines is read by polars in one go.
        """
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
        """The rows of a block; None unless every line has exactly as many values as the header."""
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
        except (pl.exceptions.PolarsError, ValueError, TypeError):  # for example over a delimiter of two bytes
            return None
        return rows if rows.height == lines and rows.width == len(names) else None

    def _careful(self, block: str, following: _FollowingLines, names: list[str], line: int) -> tuple[Batch, int]:
        """The rows of a block, record by record. Lines of `following` that no record took are given back."""
        rows, dialect = _BlockRows(names), self._dialect(len(names))
        lines = io.StringIO(block, newline="").readlines()
        own, at = len(lines), 0
        while at < own:
            record = dialect.record(lines, at, lambda: _added(lines, following))
            rows.add(line + at, record, dialect)
            at += record.lines
        following.give_back(lines[at:])
        return rows.batch(), at

    def _fixed_width(self, text: TextIO, size: int) -> Iterator[Batch]:
        columns = self.options.fixed_width
        shortest = self._shortest_line()
        line = self.options.skip_lines + 1
        for block, _ in self._blocks(text, size, self.options.skip_lines):
            notes: list[Note] = []
            lines = block.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
            if has_foreign_bytes(block):
                lines = [in_windows_1252(text, line + at, "", notes) for at, text in enumerate(lines)]
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
            whole = rows.filter(pl.col("line").str.len_chars() >= shortest)
            yield Batch(whole.select(*cells, LINE), 0, broken, notes)

    def _shortest_line(self) -> int:
        """The number of characters a line must have.

        Programs cut blanks off the end of a line, so the last column may be missing. A line that ends within an earlier
        column has lost something, unless the mapping says that short lines are complete.
        """
        if self.options.short_lines == "blank":
            return 0
        spans = sorted(self.options.fixed_width.values())
        return spans[-2][1] if len(spans) > 1 and spans[-2][1] < spans[-1][0] else spans[-1][0]

    # --- Lines ---

    def _text(self) -> Any:
        return _Decoded(self)

    def _blocks(self, text: TextIO, size: int, number: int) -> Iterator[tuple[str, _FollowingLines]]:
        """Blocks of whole lines, about `size` characters each, and the lines after each, into which a record may run.

        number: that of the last line before the blocks.
        """
        carry, done = "", False
        while not done:
            characters = text.read(size)
            done = not characters
            block, cut = carry + characters, len(carry) + len(characters)
            if not done:
                # A CR at the end may be the first half of a CRLF.
                cut = max(block.rfind("\n"), block.rfind("\r", 0, len(block) - 1)) + 1
                if not cut and len(block) > LONGEST_LINE:
                    self._too_long(number + 1)
            carry = block[cut:]
            block = block[:cut]
            if block:
                number = self._check_lines(block, number)
                following = _FollowingLines(carry, text)
                yield block, following
                carry = following.rest

    def _lines(self, text: TextIO) -> Iterator[str]:
        number = self.options.skip_lines
        while line := text.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                self._too_long(number)
            yield line

    def _check_lines(self, block: str, before: int) -> int:
        """The number of the block's last line; `before` is that of the line before the block."""
        lines = block.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
        if max(map(len, lines)) > LONGEST_LINE:
            self._too_long(before + next(at for at, line in enumerate(lines, 1) if len(line) > LONGEST_LINE))
        return before + len(lines)

    def _too_long(self, line: int) -> None:
        raise UnreadableSource(
            f"{self.name}, line {line}: longer than {LONGEST_LINE:,} characters; is this a text file?"
        )


def _without_blank(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without empty ones: spreadsheets leave lines with only delimiters after the data."""
    blank = pl.all_horizontal(pl.exclude(LINE).str.strip_chars() == "")
    if (rows.to_series(0).str.strip_chars() == "").any():
        return rows.filter(~blank)
    return rows


class _FollowingLines:
    """The lines that follow a block. rest: their beginning, which is already read."""

    def __init__(self, rest: str, text: TextIO) -> None:
        self.rest, self._text = rest, text

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


class _BlockRows:
    """The rows of a block, its broken rows, and the notes on its rows."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.rows: list[list[str]] = []
        self.lines: list[int] = []
        self.broken: list[BrokenRow] = []
        self.notes: list[Note] = []

    def add(self, line: int, record: Record, dialect: Dialect) -> None:
        cells, width = record.cells, len(self.names)
        if any(map(has_foreign_bytes, cells)):
            columns = [*self.names, *[""] * len(cells)]
            cells = [in_windows_1252(cell, line, name, self.notes) for cell, name in zip(cells, columns, strict=False)]
        if not any(cell.strip(WHITESPACE) for cell in cells):
            return
        # A surplus cell that is empty comes from a comma at the end. A filled one means that values have shifted.
        fits = len(cells) >= width and not any(cells[width:])
        if fits and not (record.fault and dialect.quoting == "double"):
            self.rows.append(cells[:width])
            self.lines.append(line)
            if record.fault or record.doubt:
                self._note(line, record, cells)
            return
        count = "" if fits else f"has {len(cells)} values where the header names {width}"
        reason = "; ".join(filter(None, (record.fault, count)))
        self.broken.append(BrokenRow(line, dialect.delimiter.join(cells)[:2000], reason))

    def _note(self, line: int, record: Record, cells: list[str]) -> None:
        mark = '"' if record.fault else "\n"
        marked = ((name, cell) for name, cell in zip(self.names, cells, strict=False) if mark in cell)
        column, value = next(marked, ("", ""))
        consequence = "; quote marks are kept as written" if record.fault else ""
        reason = f"{record.fault or record.doubt}{consequence}. A file without quoting says quoting: none"
        self.notes.append(Note(line, column, value, reason))

    def batch(self) -> Batch:
        return Batch(text_frame(self.names, self.rows, self.lines), 0, self.broken, self.notes)


def _added(lines: list[str], following: Iterator[str]) -> bool:
    """Adds the next line to `lines`, and gives false when there is none."""
    line = next(following, None)
    if line is not None:
        lines.append(line)
    return line is not None


class _Decoded:
    """The file as text, after its title lines."""

    def __init__(self, file: TextFile) -> None:
        self.file = file

    def __enter__(self) -> TextIO:
        self._opened = self.file.content.opened()
        # Where Latin-1 is a guess, Windows-1252 is the better one: it has apostrophes and dashes in place of control
        # characters.
        guessed = self.file.encoding == "latin-1" and self.file.options.encoding is None
        encoding = "cp1252" if guessed else self.file.encoding
        stream = io.TextIOWrapper(self._opened.__enter__(), encoding=encoding, errors=FOREIGN, newline="")
        for _ in range(self.file.options.skip_lines):
            stream.readline()
        return stream

    def __exit__(self, *raised: Any) -> Any:
        return self._opened.__exit__(*raised)
