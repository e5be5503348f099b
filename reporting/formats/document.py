"""A report before it has a format: facts about how it was made, tables, charts. No Django.

Every format is written from the same object, so all carry the same numbers. Tables hold plain Python values at full
precision; only the formats meant to be read (PDF, HTML) round them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from terrafusion.charts.chart import Chart

Kind = Literal["text", "integer", "dollars", "number", "percent", "date"]
# Where a table stands: in every format, only where it is read (PDF, HTML), only where it is worked on (JSON, CSV,
# XLSX), or only as a sheet of the workbook.
Place = Literal["everywhere", "pages", "data", "workbook"]
Value = str | int | float | date | None
SHOWN_ROWS = 200


@dataclass(frozen=True)
class Column:
    """name: its key in JSON and CSV. digits: decimals where it is read. percent: the number itself is percent."""

    name: str
    heading: str
    kind: Kind = "text"
    digits: int = 0

    def shown(self, value: Any) -> str:
        """As a reader sees it; unknown is a dash."""
        if value is None:
            return "\u2013"
        if self.kind == "dollars":
            return f"-${-value:,.0f}" if value < 0 else f"${value:,.0f}"
        if self.kind == "integer":
            return f"{value:,}"
        if self.kind in ("number", "percent"):
            return f"{value:,.{self.digits}f}" + (" %" if self.kind == "percent" else "")
        return str(value)

    @property
    def is_number(self) -> bool:
        return self.kind not in ("text", "date")


@dataclass(frozen=True)
class Table:
    """rows: one value a column. A page shows at most `shown_rows` and says how many there are."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    note: str = ""
    place: Place = "everywhere"
    shown_rows: int = SHOWN_ROWS
    total_rows: Sequence[int] = ()  # rows set off as totals

    def is_in(self, *places: Place) -> bool:
        return self.place in places

    def records(self) -> list[dict[str, Any]]:
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Section:
    heading: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    new_page: bool = False


@dataclass(frozen=True)
class Fact:
    """One line of how the report was made. name: its key in JSON and CSV."""

    name: str
    label: str
    value: Value


@dataclass(frozen=True)
class Report:
    """headline: the few numbers a client shows without opening the file."""

    report_type: str
    title: str
    subtitle: str
    facts: Sequence[Fact]
    headline: dict[str, Any]
    sections: Sequence[Section]
    findings: Sequence[str] = field(default=())  # sentences of the title page
    single_page: bool = False
    landscape: bool = False

    def tables(self, *places: Place) -> Iterable[Table]:
        return (table for section in self.sections for table in section.tables if table.is_in("everywhere", *places))

    def table(self, name: str) -> Table:
        return next(each for section in self.sections for each in section.tables if each.name == name)


def labelled(value: Any) -> str:
    """A code as the title of a reader: "property_class" is "Property class"."""
    text = str(value).replace("_", " ")
    return text[:1].upper() + text[1:]
