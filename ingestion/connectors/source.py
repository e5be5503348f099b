"""What every connector gives the pipeline: batches of rows, each cell as text, and where the reading stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import polars as pl

from terrafusion.errors import TerraFusionError

LINE = "__line__"  # where a row begins: line of a text file, row of a sheet, number of a feature or database row
BATCH_ROWS = 50_000
FEWEST_TEXTS, NEARLY_ALL = 20, 0.95
_KINDS = {
    "number": r"^[$]?[-+]?[\d,]*\.?\d+([eE][-+]?\d+)?$",
    "date": r"^(\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{2,4}|\d{8}T)",
}


class UnreadableSource(TerraFusionError):
    """The source cannot be read as what it claims to be, or it is not safe to read."""


@dataclass(frozen=True)
class BrokenRow:
    """A row that could not be taken apart: where it begins, what it says, why."""

    line: int
    raw: str
    reason: str


@dataclass(frozen=True)
class Told:
    """Something about a row that is kept, which somebody must look at: where, what it says, what was made of it."""

    line: int
    column: str
    value: str
    reason: str
    dropped: bool = False  # the row is kept without the value


@dataclass(frozen=True)
class Batch:
    """rows: a String column for each of the source's columns, and LINE. position: where the next batch begins.

    told: about rows that are among `rows`.
    """

    rows: pl.DataFrame
    position: Any
    broken: list[BrokenRow] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    watermark: str | None = None


class Source(Protocol):
    """A table to be read once, from the beginning or from a position it gave earlier."""

    @property
    def name(self) -> str:
        """What messages and reports call it; never a path."""

    def columns(self) -> list[str]:
        """Raises UnreadableSource."""

    def shape(self) -> Mapping[str, Any]:
        """What must not change from load to load without somebody knowing: columns, encoding, delimiter, types."""

    def digest(self) -> str:
        """SHA-256 of the content; empty where only the rows themselves can tell."""

    def batches(self, after: Any = None) -> Iterator[Batch]:
        """Every row once, in an order that never changes. Raises UnreadableSource."""


@runtime_checkable
class Counted(Protocol):
    """A source that can say how many rows it holds by another way than its reader takes."""

    def count(self) -> int | None:
        """Rows, those that cannot be read among them; None where this source has no second way.

        Raises UnreadableSource.
        """


def unique_names(names: list[str]) -> list[str]:
    """Names that stand twice are numbered: `VALUE (1)`, `VALUE (2)`; an empty one is called by its place.

    A mapping cannot mean one of two by mistake, and columns it does not read may be called as they like.
    """
    seen: dict[str, int] = {}
    result = []
    for place, name in enumerate(names, 1):
        seen[name] = seen.get(name, 0) + 1
        several = bool(name) and names.count(name) > 1
        result.append(f"{name} ({seen[name]})" if several else name or f"column {place}")
    return result


def text_frame(columns: list[str], rows: list[list[str]], lines: list[int]) -> pl.DataFrame:
    """Rows of texts as columns."""
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    data = [pl.Series(name, each, dtype=pl.String) for name, each in zip(columns, cells, strict=True)]
    return pl.DataFrame([*data, pl.Series(LINE, lines, dtype=pl.Int64)])


def kind_of_text(texts: pl.Series) -> str:
    """What nearly all texts of a column look like: number, date or text; `empty` where too few say anything.

    Tells when a source's column changes its type.
    """
    said = texts.str.strip_chars().filter(texts.str.strip_chars() != "")
    if len(said) < FEWEST_TEXTS:
        return "empty"
    for kind, pattern in _KINDS.items():
        if said.str.contains(pattern).sum() >= NEARLY_ALL * len(said):
            return kind
    return "text"


def kinds_of(rows: pl.DataFrame) -> dict[str, str]:
    return {name: kind_of_text(rows[name]) for name in rows.columns if name != LINE}
