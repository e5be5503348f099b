"""A report as one CSV file: how it was made, then every table under its title. No Django."""

from __future__ import annotations

from pathlib import Path

from terrafusion.csv_files import CsvWriter

from .document import Report


def write_csv(report: Report, path: Path) -> None:
    """The same report gives the same bytes. The file is UTF-8; Excel is served by the XLSX format."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = CsvWriter(stream)
        writer.writerow(["title", report.title])
        writer.writerow(["subtitle", report.subtitle])
        writer.writerows([fact.name, fact.value] for fact in report.facts)
        for table in report.tables("data"):
            writer.writerow([])
            writer.writerow([table.title])
            writer.writerow([column.name for column in table.columns])
            writer.writerows(table.rows)
