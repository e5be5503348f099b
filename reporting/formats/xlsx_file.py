"""A report as a workbook with typed cells, frozen headers and a sheet for each table. No Django."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from terrafusion.csv_files import FORMULA_STARTS

from . import excel_limits
from .document import Column, Fact, Report, Table

_NOT_IN_A_SHEET_NAME = re.compile(r"[\[\]:*?/\\]")


class Workbook:
    """A workbook whose rows go to disk as they are written, so memory does not grow. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self._book = xlsxwriter.Workbook(
            str(path),
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        self._bold = self._book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self._title = self._book.add_format({"bold": True, "font_size": 13})
        # Excel then treats the text as if typed after an apostrophe, also when a cell is edited or saved as CSV.
        self._inert = self._book.add_format({"quote_prefix": True})
        self._plain: Any = None
        self._formats: dict[tuple[str, int], Any] = {}
        self._names: set[str] = set()

    def __enter__(self) -> Workbook:
        return self

    def __exit__(self, *_: object) -> None:
        self._book.close()

    def add_facts(self, title: str, subtitle: str, facts: Iterable[Fact], findings: Iterable[str]) -> None:
        sheet = self._sheet("About")
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, 1, 90)
        sheet.write_string(0, 0, title, self._title)
        sheet.write_string(1, 0, subtitle)
        at = 3
        for fact in facts:
            sheet.write_string(at, 0, fact.label)
            self._write(sheet, at, 1, fact.value, None)
            at += 1
        for finding in findings:
            at += 1
            self._text(sheet, at, 0, finding)

    def add_table(self, name: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> int:
        """Returns the number of rows. A table longer than a sheet continues on the next sheet."""
        remaining, count, part = iter(rows), 0, 1
        while True:
            sheet = self._table_sheet(name if part == 1 else f"{name} {part}", columns)
            written = self._write_rows(sheet, columns, remaining)
            count, part = count + written, part + 1
            if written < excel_limits.ROWS - 1:
                return count

    def _table_sheet(self, name: str, columns: Sequence[Column]) -> Worksheet:
        sheet = self._sheet(name)
        sheet.freeze_panes(1, 0)
        for at, column in enumerate(columns):
            sheet.set_column(at, at, _width(column))
            sheet.write_string(0, at, column.heading, self._bold)
        return sheet

    def _write_rows(self, sheet: Worksheet, columns: Sequence[Column], rows: Iterator[Sequence[Any]]) -> int:
        formats = [self._format(column) for column in columns]
        at = 0
        while at < excel_limits.ROWS - 1:
            row = next(rows, None)
            if row is None:
                break
            at += 1
            for place, value in enumerate(row):
                self._write(sheet, at, place, value, formats[place])
        return at

    def _write(self, sheet: Worksheet, row: int, column: int, value: Any, cell_format: Any) -> None:
        if value is None or value == "":
            return
        if isinstance(value, str):
            self._text(sheet, row, column, value)
        elif isinstance(value, int | float):
            sheet.write_number(row, column, value, cell_format)
        elif hasattr(value, "isoformat"):
            sheet.write_datetime(row, column, value, cell_format)
        else:
            sheet.write_number(row, column, float(value), cell_format)

    def _text(self, sheet: Worksheet, row: int, column: int, text: str) -> None:
        inert = self._inert if text.startswith(FORMULA_STARTS) else self._plain
        sheet.write_string(row, column, text[: excel_limits.CHARACTERS], inert)

    def _format(self, column: Column) -> Any:
        key = (column.kind, column.digits)
        if key not in self._formats:
            decimals = "." + "0" * column.digits if column.digits else ""
            pattern = {
                "dollars": "$#,##0;-$#,##0",
                "integer": "#,##0",
                "number": f"#,##0{decimals}",
                "percent": f"#,##0{decimals}",
                "date": "yyyy-mm-dd",
                "text": "General",
            }[column.kind]
            self._formats[key] = self._book.add_format({"num_format": pattern})
        return self._formats[key]

    def _sheet(self, title: str) -> Worksheet:
        """A new sheet. Its name is the title as far as Excel allows it, with a number where the name is taken."""
        name = _NOT_IN_A_SHEET_NAME.sub(" ", title).strip("' ")[: excel_limits.SHEET_NAME] or "Sheet"
        number = 2
        while name.lower() in self._names or name.lower() == "history":  # Excel reserves this name.
            suffix = f" ({number})"
            name = name[: excel_limits.SHEET_NAME - len(suffix)] + suffix
            number += 1
        self._names.add(name.lower())
        return self._book.add_worksheet(name)


def write_xlsx(report: Report, path: Path) -> None:
    with Workbook(path) as book:
        book.add_facts(report.title, report.subtitle, report.facts, report.findings)
        for table in report.tables("data", "workbook"):
            book.add_table(_sheet_title(table), table.columns, table.rows)


def _sheet_title(table: Table) -> str:
    return table.title if table.place == "workbook" else table.name.replace("_", " ").capitalize()


def _width(column: Column) -> float:
    return max(10, min(40, len(column.heading) + 2, 24)) if column.is_number else 24
