"""Loads properties and sales of a county from a CSV file, as its mapping says."""

import csv
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from county_configs.models import County
from ingestion.connectors.files import CsvSource
from ingestion.pipelines.bulk_load import LoadReport, NoUsableRow, bulk_load
from ingestion.transforms.mapper import read_mapping
from terrafusion.errors import TerraFusionError

SHOWN = 50


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("county", help="county id, for example king")
        parser.add_argument("--source", type=Path, required=True, help=".csv or .csv.gz")
        parser.add_argument("--mapping", type=Path, help="default: county_configs/<county>/mappings.yaml")
        parser.add_argument("--rejects", type=Path, help="writes everything that was found to this CSV")
        parser.add_argument("--dry-run", action="store_true", help="checks everything, writes nothing")

    def handle(self, *, county: str, source: Path, mapping: Path | None, dry_run: bool, **options: Any) -> None:
        row = County.objects.filter(pk=county).first()
        if row is None:
            known = ", ".join(County.objects.values_list("pk", flat=True)) or "none; run load_counties first"
            raise CommandError(f"Unknown county {county!r}. Known: {known}.")
        rejects: Path | None = options["rejects"]
        if rejects is not None:
            _check_writable(rejects, source)
        path = mapping or settings.COUNTY_CONFIGS_DIR / county / "mappings.yaml"
        csv_source = CsvSource(source)
        try:
            report = bulk_load(row, csv_source, read_mapping(path), dry_run=dry_run, progress=_progress)
        except NoUsableRow as error:
            self._list_findings(error.report, rejects)
            raise CommandError(str(error)) from error
        except TerraFusionError as error:
            raise CommandError(str(error)) from error
        self._list_findings(report, rejects)
        self._summarise(report, csv_source, dry_run)

    def _list_findings(self, report: LoadReport, rejects: Path | None) -> None:
        for each in report.findings[:SHOWN]:
            self.stdout.write(str(each))
        if len(report.findings) > SHOWN:
            self.stdout.write(f"... and {len(report.findings) - SHOWN:,} more; --rejects FILE writes them all.")
        if rejects is not None:
            _write_findings(rejects, report)

    def _summarise(self, report: LoadReport, source: CsvSource, dry_run: bool) -> None:
        if source.encoding == "latin-1":
            self.stdout.write(f"{source.path.name} is not UTF-8; it was read as Latin-1. Check names with accents.")
        self.stdout.write(
            f"Read {report.read:,} rows, rejected {report.rejected_rows:,}. Values dropped: {report.dropped_values:,}."
        )
        tallies = (
            ("Properties", report.properties),
            ("Sales", report.sales),
            ("Assessed values", report.assessed_values),
        )
        for name, tally in tallies:
            self.stdout.write(
                f"{name}: {tally.created:,} created, {tally.updated:,} updated, {tally.unchanged:,} unchanged."
            )
        if dry_run:
            self.stdout.write("Dry run: nothing was written.")


def _progress(rows: Iterable[Any]) -> Iterable[Any]:
    return tqdm(rows, unit=" rows", desc="Reading", disable=None)  # None: silent where there is no terminal


def _check_writable(rejects: Path, source: Path) -> None:
    """Found out before the load, not after it."""
    if rejects.resolve() == source.resolve():
        raise CommandError("--rejects would overwrite the source; name another file.")
    try:
        rejects.open("a").close()
    except OSError as error:
        raise CommandError(f"--rejects {rejects.name} cannot be written: {error.strerror}.") from error


def _write_findings(path: Path, report: LoadReport) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["line", "column", "value", "reason", "fate"])
        writer.writerows([each.line, each.column, each.value, each.reason, each.fate] for each in report.findings)
