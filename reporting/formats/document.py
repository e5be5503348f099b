"""A report before it has a format: facts about how it was made, tables and charts. No Django.

Every format is written from the same object, so all carry the same numbers. Tables hold plain Python values at full
precision; only the formats that are pages for a reader (PDF, HTML) round them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from terrafusion.charts.chart import Chart

Kind = Literal["text", "integer", "dollars", "number", "percent", "date"]
# The formats that carry a table: all of them, only the pages (PDF, HTML), only the data (JSON, CSV, XLSX), or only the
# workbook (XLSX).
Place = Literal["everywhere", "pages", "data", "workbook"]
Value = str | int | float | date | None
SHOWN_ROWS = 200
DASH = "\u2013"  # shown for an unknown value


@dataclass(frozen=True)
class Column:
    """A column of a table. name: its key in JSON and CSV. digits: decimals on a page.

    kind: what its values are; a value of the kind "percent" is a number of percent, so 14.5 means 14.5 %.
    """

    name: str
    heading: str
    kind: Kind = "text"
    digits: int = 0

    def shown(self, value: Any) -> str:
        """A value as a page shows it."""
        if value is None:
            return DASH
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
    """rows: a value for each column. A page shows at most `shown_rows` and says how many more there are.

    total_rows: the positions of the rows that are set off as totals.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    note: str = ""
    place: Place = "everywhere"
    shown_rows: int = SHOWN_ROWS
    total_rows: Sequence[int] = ()

    def is_in(self, *places: Place) -> bool:
        return self.place == "everywhere" or self.place in places

    @property
    def page_note(self) -> str:
        """The table's note, and how many rows a page does not show."""
        hidden = len(self.rows) - self.shown_rows
        if not self.rows:
            return f"{self.note} None.".strip()
        if hidden <= 0:
            return self.note
        return f"{self.note} {hidden:,} further rows are in the CSV, XLSX and JSON of this report.".strip()

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

    @property
    def page_tables(self) -> list[Table]:
        """The tables that a page shows."""
        return [table for table in self.tables if table.is_in("pages")]

    @property
    def is_on_pages(self) -> bool:
        """Whether a page has anything of the section to show."""
        return bool(self.page_tables or self.paragraphs or self.charts)


@dataclass(frozen=True)
class Fact:
    """One line about how the report was made. name: its key in JSON and CSV."""

    name: str
    label: str
    value: Value

    @property
    def shown(self) -> str:
        """The value as a page shows it."""
        return DASH if self.value is None else str(self.value)


@dataclass(frozen=True)
class Report:
    """headline: the few numbers a client shows without opening the file. findings: sentences of the title page."""

    report_type: str
    title: str
    subtitle: str
    facts: Sequence[Fact]
    headline: dict[str, Any]
    sections: Sequence[Section]
    findings: Sequence[str] = field(default=())
    single_page: bool = False
    landscape: bool = False

    def tables(self, *places: Place) -> Iterable[Table]:
        """The tables that a format with these places carries."""
        return (table for section in self.sections for table in section.tables if table.is_in(*places))

    def table(self, name: str) -> Table:
        return next(table for section in self.sections for table in section.tables if table.name == name)


def labelled(value: Any) -> str:
    """A code as a reader's heading: "property_class" is "Property class"."""
    text = str(value).replace("_", " ")
    return text[:1].upper() + text[1:]
