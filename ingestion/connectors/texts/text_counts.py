"""The number of records in a text file, counted on its bytes, independently of the reader.

A record is a line, or all the lines that a quoted value spans (`quoting.py` says when it spans several). A line with
only delimiters and blanks is no record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from .quoting import MOST_LINES, rows_in_quotes

CHUNK = 1 << 20
_NO_WORD = rb'[\x00-\x09\x0b-\x20\x7f-\xff%s"]*+'  # a line that may be blank; it is then checked as text


@dataclass
class RecordCount:
    """Counts the records of one file.

    delimiter: None where every line is a record (fixed width). columns: the number of columns in the header.
    """

    delimiter: str | None
    quoting: str | None
    columns: int
    encoding: str
    records: int = 0
    _open: list[bytes] = field(default_factory=list)  # the lines of a record whose end is in the next block

    def __post_init__(self) -> None:
        self._delimiter = (self.delimiter or " ").encode()
        mark = re.escape(self._delimiter)
        self._no_word = re.compile(_NO_WORD % mark)
        self._maybe_blank = re.compile(rb"\n(" + _NO_WORD % mark + rb")(?=\n)")
        cell = rb'(?:"(?:[^"]|"")*+"|[^"\n%s][^\n%s]*+|)' % (mark, mark)
        self._record = re.compile(cell + rb"(?:%s" % mark + cell + rb")*+(?=\n|\Z)")
        self._plain_cell = re.compile(rb'"(?<=[\n%s]")[ \t]*+[^"\n]++"(?=[\n%s])' % (mark, mark))
        self._empty_cell = re.compile(rb'"(?<=[\n%s]")[ \t]*"(?=[\n%s])' % (mark, mark))
        text = re.escape(self._delimiter.decode())
        self._blank = re.compile(rf'((?:"\s*"|\s*)(?:{text}|$))*', re.UNICODE)

    def count(self, stream: BinaryIO, skip_lines: int) -> int:
        """The records after the title lines, including the header."""
        for block, last in _blocks(stream):
            while skip_lines and block:
                _, _, block = block.partition(b"\n")
                skip_lines -= 1
            if self.delimiter is not None and self.quoting != "none" and b'"' in block and not self._open:
                block = self._without_plain_quotes(block)
            if self.quoting == "none" or self.delimiter is None or not (self._open or b'"' in block):
                self.records += block.count(b"\n") - self._blanks(block)
            else:
                self._count_quoted(block, last)
        return self.records

    def _without_plain_quotes(self, block: bytes) -> bytes:
        """The block without quote marks, if they only enclose values on one line; else the block as it is."""
        bare = self._empty_cell.sub(b"", self._plain_cell.sub(b"x", b"\n" + block))
        return block if b'"' in bare else bare[1:]

    def _blanks(self, block: bytes) -> int:
        """The number of blank lines in the block, which ends with a line feed."""
        return sum(self._is_blank(match.group(1)) for match in self._maybe_blank.finditer(b"\n" + block))

    def _is_blank(self, line: bytes) -> bool:
        if not line:
            return True
        if self._no_word.fullmatch(line) is None:
            return False
        text = line.decode(self.encoding, errors="replace")
        if self.delimiter is None or self.quoting == "none":
            return not text.replace(self.delimiter or " ", " ").strip()
        return self._blank.fullmatch(text) is not None

    def _count_quoted(self, block: bytes, last: bool) -> None:
        lines = self._open + block.removesuffix(b"\n").split(b"\n") if block else self._open
        self._open, at = [], 0
        while at < len(lines):
            if b'"' not in lines[at]:
                self.records += not self._is_blank(lines[at])
                at += 1
                continue
            whole = self._record.fullmatch(lines[at])
            if whole is None and not last and len(lines) - at < MOST_LINES:
                self._open = lines[at:]
                return
            self.records += not self._is_blank(lines[at])
            at += 1 if whole else self._lines_taken(lines[at : at + MOST_LINES])

    def _lines_taken(self, lines: list[bytes]) -> int:
        record = self._record.match(b"\n".join(lines))
        used = record.group().count(b"\n") + 1 if record else 1
        if used > 1 and self.quoting is None and rows_in_quotes(lines[:used], self._delimiter, self.columns):
            return 1
        return used


def _blocks(stream: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Blocks of whole lines, each ending with a line feed, and whether the block is the last."""
    carry, done = b"", False
    while not done:
        chunk = stream.read(CHUNK)
        if chunk.endswith(b"\r"):
            chunk += stream.read(1)
        done = not chunk
        text = carry + chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        cut = text.rfind(b"\n") + 1
        if done and text and not text.endswith(b"\n"):
            text += b"\n"
            cut = len(text)
        carry = text[cut:]
        yield text[:cut], done
