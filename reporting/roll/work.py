"""The assessment roll: streams the listing into its file and checks it against the totals of the database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from terrafusion.csv_files import CsvWriter
from terrafusion.errors import TerraFusionError
from terrafusion.jobs.outcome import Outcome, OutputFile

from ..delivery import named, outcome_of
from ..formats import write_report
from ..formats.csv_file import write_csv
from ..formats.document import Column, Report, Section, Table
from ..formats.json_file import plain
from ..formats.provenance import facts_of
from ..formats.xlsx_file import Workbook
from ..models import ReportJob
from ..ratio_study.sales_from_roll import NothingSelected, latest_tax_year, require_filters, require_tax_year
from ..serializers import filters_in
from .listing import PAGE_COLUMNS, ControlTotals, counted, roll_columns
from .roll_reader import properties_without_value, roll_entries, totals_in_database

LISTED_ON_PAGES = 2000  # properties; a longer listing is delivered as CSV beside the PDF or HTML


class RollChanged(TerraFusionError):
    """The listing and the database's totals differ."""


def make(job: ReportJob) -> Outcome:
    parameters, county = job.parameters, job.county
    tax_year, filters = parameters.get("year") or latest_tax_year(county), filters_in(parameters)
    require_tax_year(county, tax_year)
    require_filters(county, filters)
    expected = totals_in_database(county, tax_year, filters)
    if not expected.overall[0]:
        raise NothingSelected(f"No property with a value in {tax_year} matches the filters.")
    listing = _Listing(job, tax_year, filters, expected)
    without = properties_without_value(county, tax_year, filters)
    files, pages, report = _written(job, listing, without)
    return outcome_of(job, report, files, pages)


class _Listing:
    """The rows of the roll, to be read once. Then `digest` is the digest of the rows that were read."""

    def __init__(self, job: ReportJob, tax_year: int, filters: Mapping[str, str], expected: ControlTotals) -> None:
        self.job, self.tax_year, self.filters, self.expected = job, tax_year, filters, expected
        self.columns = roll_columns(job.shows_owner_names)
        self.digest = ""

    def __len__(self) -> int:
        return self.expected.overall[0]

    def rows(self) -> Iterator[list[Any]]:
        """Yields the rows. Raises RollChanged at the end when they do not add up to the totals of the database."""
        digest, read = hashlib.sha256(), ControlTotals()
        entries = roll_entries(
            self.job.county,
            self.tax_year,
            self.filters,
            with_owner=self.job.shows_owner_names,
            reader=self.job.submitted_by,
        )
        for done, entry in enumerate(counted(entries, read), start=1):
            row = entry.row(self.columns)
            digest.update(repr(row).encode())
            if done % 1000 == 0:
                self.job.report(done, len(self), f"{done:,} of {len(self):,} properties.")
            yield row
        if read != self.expected:
            raise RollChanged(
                f"The listing holds {read.overall[0]:,} properties and ${read.overall[3]:,}, the database "
                f"{self.expected.overall[0]:,} and ${self.expected.overall[3]:,}: the roll changed while it was read. "
                "Run the report again."
            )
        self.digest = digest.hexdigest()


def _written(job: ReportJob, listing: _Listing, without: int) -> tuple[list[OutputFile], int | None, Report]:
    """Writes the files; returns them, the number of pages, and the report about the listing."""
    path = job.workspace / job.file_name
    about = job.workspace / f"{job.pk}_about.csv"
    if job.format == "csv":
        write_listing(path, listing.columns, listing.rows())
        report = _report(job, listing, without, [])
        write_csv(report, about)
        return [named(job, path), named(job, about, "_about")], None, report
    if job.format == "xlsx":
        report = _write_workbook(job, path, listing, without)
        return [named(job, path)], None, report
    if job.format == "json":
        report = _write_json(job, path, listing, without)
        return [named(job, path)], None, report
    return _written_as_pages(job, path, listing, without)


def _written_as_pages(
    job: ReportJob, path: Path, listing: _Listing, without: int
) -> tuple[list[OutputFile], int | None, Report]:
    """Writes the totals with a short listing, or the totals alone and a long listing beside them as CSV."""
    if len(listing) <= LISTED_ON_PAGES:
        rows = list(listing.rows())
        report = _report(job, listing, without, [_page_listing(listing.columns, rows)])
        return [named(job, path)], write_report(report, job.format, path), report
    listed = job.workspace / f"{job.pk}.csv"
    write_listing(listed, listing.columns, listing.rows())
    report = _report(job, listing, without, [])
    pages = write_report(report, job.format, path)
    return [named(job, path), named(job, listed, "_listing")], pages, report


def write_listing(path: Path, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> None:
    """Writes one CSV table and nothing else, so that any program can read the file."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = CsvWriter(stream)
        writer.writerow([column.name for column in columns])
        writer.writerows(rows)


def _write_workbook(job: ReportJob, path: Path, listing: _Listing, without: int) -> Report:
    with Workbook(path) as book:
        book.add_table("Roll", listing.columns, listing.rows())
        report = _report(job, listing, without, [])
        for table in report.tables("data"):
            book.add_table(table.title, table.columns, table.rows)
        book.add_facts(report.title, report.subtitle, report.facts, report.findings)
    return report


def _write_json(job: ReportJob, path: Path, listing: _Listing, without: int) -> Report:
    """Writes the JSON that every report has, but its listing row by row."""
    names = [column.name for column in listing.columns]
    with path.open("w", encoding="utf-8") as stream:
        stream.write('{\n "report_type": "assessment_roll",\n "tables": {\n  "properties": [')
        for position, row in enumerate(listing.rows()):
            stream.write(",\n" if position else "\n")
            stream.write("   " + json.dumps(dict(zip(names, row, strict=True)), allow_nan=False, default=plain))
        report = _report(job, listing, without, [])
        stream.write("\n  ]")
        for table in report.tables("data"):
            stream.write(f',\n  "{table.name}": {json.dumps(table.records(), allow_nan=False)}')
        rest = {
            "title": report.title,
            "subtitle": report.subtitle,
            "provenance": {fact.name: fact.value for fact in report.facts},
            "headline": report.headline,
            "findings": list(report.findings),
        }
        stream.write("\n }")
        for name, content in rest.items():
            stream.write(f',\n "{name}": {json.dumps(content, allow_nan=False)}')
        stream.write("\n}\n")
    return report


def _page_listing(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> Table:
    chosen = [position for position, column in enumerate(columns) if column.name in PAGE_COLUMNS]
    return Table(
        "properties",
        "Properties",
        [columns[position] for position in chosen],
        [[row[position] for position in chosen] for row in rows],
        place="pages",
        shown_rows=len(rows),
    )


def _report(job: ReportJob, listing: _Listing, without: int, listed: Sequence[Table]) -> Report:
    number, _, _, total, *_, taxable = listing.expected.overall
    findings = [
        f"{number:,} properties, ${total:,} of market value, ${taxable:,} taxable.",
        "The control totals were summed by the database and by the listing; both agree to the dollar.",
    ]
    if without:
        findings.append(f"{without:,} properties on the roll today have no value in {listing.tax_year}.")
    if not listed and job.format in ("pdf", "html"):
        findings.append("The listing is too long for pages; it is delivered as CSV beside this file.")
    sections = [Section("Control totals", tables=listing.expected.tables(), new_page=True)]
    if listed:
        sections.append(Section("Listing", tables=listed, new_page=True))
    return Report(
        report_type="assessment_roll",
        title=f"Assessment roll {listing.tax_year}",
        subtitle=str(job.county),
        facts=facts_of(job.county, listing.tax_year, listing.filters, listing.digest),
        headline={"properties": number, "market_total": total, "taxable_value": taxable},
        findings=findings,
        sections=sections,
        landscape=True,
    )
