"""A report as JSON: its title, how it was made, and every table by name. No Django."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from .document import Report


def write_json(report: Report, path: Path) -> None:
    """The same report gives the same bytes. Numbers have full precision; an unknown value is null."""
    body = {
        "report_type": report.report_type,
        "title": report.title,
        "subtitle": report.subtitle,
        "provenance": {fact.name: fact.value for fact in report.facts},
        "headline": report.headline,
        "findings": list(report.findings),
        "tables": {table.name: table.records() for table in report.tables("data")},
    }
    path.write_text(json.dumps(body, indent=1, allow_nan=False, default=plain) + "\n", encoding="utf-8")


def plain(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a report.")
