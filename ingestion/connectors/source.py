"""What every connector gives the pipeline: batches of rows with every cell as text, and the position of the reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import polars as pl

from terrafusion.errors import TerraFusionError

LINE = "__line__"  # where a row begins: the line of a text file, row of a sheet, or number of a feature or record
BATCH_ROWS = 50_000
FEWEST_TEXTS, NEARLY_ALL = 20, 0.95
_KINDS = {
    "number": r"^[$]?[-+]?[\d,]*\.?\d+([eE][-+]?\d+)?$",
    "date": r"^(\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{2,4}|\d{8}T)",
}


class UnreadableSource(TerraFusionError):
    """The source is not what it claims to be, or is not safe to read."""


@dataclass(frozen=True)
class BrokenRow:
    """A row that could not be split into its values: where it begins, its text, and why."""

    line: int
    raw: str
    reason: str


@dataclass(frozen=True)
class Note:
    """Something in a loaded row that somebody must look at: the place, the value, and what was done with it."""

    line: int
    column: str
    value: str
    reason: str
    dropped: bool = False  # the row is loaded without the value


@dataclass(frozen=True)
class Batch:
    """Some rows of a source.

    rows: a String column for each of the source's columns, and LINE. position: where the next batch begins.
    broken: rows that are not among `rows`. notes: about rows that are.
    """

    rows: pl.DataFrame
    position: Any
    broken: list[BrokenRow] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    watermark: str | None = None


class Source(Protocol):
    """A table that is read once, from its beginning or from a position it gave earlier."""

    @property
    def name(self) -> str:
        """The name in messages and reports; never a path."""

    def columns(self) -> list[str]:
        """The names of the columns. Raises UnreadableSource."""

    def shape(self) -> Mapping[str, Any]:
        """What is reported if it changes from load to load: columns, encoding, delimiter and types."""

    def digest(self) -> str:
        """The SHA-256 of the content; empty where it can only be computed from the rows."""

    def batches(self, after: Any = None) -> Iterator[Batch]:
        """Every row once, in an order that never changes. Raises UnreadableSource."""


@runtime_checkable
class Counted(Protocol):
    """A source that can count its rows independently of its reader."""

    def count(self) -> int | None:
        """The number of rows, including those that cannot be read; None where only the reader can count them.

        Raises UnreadableSource.
        """


def unique_names(names: list[str]) -> list[str]:
    """The names with numbers where one occurs twice (`VALUE (1)`, `VALUE (2)`), and the place for an empty one.

    So a mapping cannot read the wrong one of two columns by mistake. The names of columns it does not read do not
    matter.
    """
    seen: dict[str, int] = {}
    result = []
    for place, name in enumerate(names, 1):
        seen[name] = seen.get(name, 0) + 1
        several = bool(name) and names.count(name) > 1
        result.append(f"{name} ({seen[name]})" if several else name or f"column {place}")
    return result


def text_frame(columns: list[str], rows: list[list[str]], lines: list[int]) -> pl.DataFrame:
    """A data frame of rows of texts and their lines."""
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    data = [pl.Series(name, texts, dtype=pl.String) for name, texts in zip(columns, cells, strict=True)]
    return pl.DataFrame([*data, pl.Series(LINE, lines, dtype=pl.Int64)])


def kind_of_text(texts: pl.Series) -> str:
    """What nearly all texts of a column look like: number, date or text; `empty` where too few are filled.

    A load reports a column whose kind has changed since the last load.
    """
    filled = texts.str.strip_chars().filter(texts.str.strip_chars() != "")
    if len(filled) < FEWEST_TEXTS:
        return "empty"
    for kind, pattern in _KINDS.items():
        if filled.str.contains(pattern).sum() >= NEARLY_ALL * len(filled):
            return kind
    return "text"


def kinds_of(rows: pl.DataFrame) -> dict[str, str]:
    return {name: kind_of_text(rows[name]) for name in rows.columns if name != LINE}
