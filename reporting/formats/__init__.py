"""The formats a report is written in, one module for each."""

from __future__ import annotations

from pathlib import Path

from .document import Report

CONTENT_TYPES = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
}


def write_report(report: Report, name: str, path: Path) -> int | None:
    """Writes the report. name: one of CONTENT_TYPES. Returns the number of pages of a PDF, None for another format."""
    # Imported here, because requests are checked against CONTENT_TYPES in processes that never write a file.
    from .csv_file import write_csv
    from .html_page import write_html
    from .json_file import write_json
    from .pdf_file import write_pdf
    from .xlsx_file import write_xlsx

    if name == "pdf":
        return write_pdf(report, path)
    {"xlsx": write_xlsx, "csv": write_csv, "json": write_json, "html": write_html}[name](report, path)
    return None
