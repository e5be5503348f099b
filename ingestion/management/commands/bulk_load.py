"""Loads a county's roll from a file or from its legacy database, by the county's mapping."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from county_configs.county_argument import county_named
from ingestion.pipelines.control.control_totals import printed
from ingestion.pipelines.findings_file import write_findings
from ingestion.pipelines.reports import LoadRefused, LoadReport, finding_text
from ingestion.pipelines.requests import LoadRequest, Outcome, run_load
from terrafusion.errors import TerraFusionError
from terrafusion.full_disk import is_disk_full

SHOWN = 50


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("county", help="county id, for example king")
        parser.add_argument("--source", required=True, help="a file, or the name of a legacy database in the mapping")
        parser.add_argument("--mapping", type=Path, help="default: county_configs/<county>/mappings.yaml")
        parser.add_argument("--dataset", help="the data set of the mapping that reads the file")
        parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="tax_year=2026")
        parser.add_argument("--since", help="only what changed since; `last` means since the last load")
        parser.add_argument("--rejects", type=Path, help="writes all findings to this CSV file")
        parser.add_argument("--resume", action="store_true", help="continues the last load that was interrupted")
        parser.add_argument("--accept-drift", action="store_true", help="loads although the form of the source changed")
        parser.add_argument("--dry-run", action="store_true", help="checks everything, writes nothing")

    def handle(self, *, county: str, source: Any, mapping: Path | None, dry_run: bool, **options: Any) -> None:
        row = county_named(county)
        rejects: Path | None = options["rejects"]
        if rejects is not None:
            _check_writable(rejects, Path(source))
        request = LoadRequest(
            county=row,
            source=str(source),
            mapping=Path(mapping or settings.COUNTY_CONFIGS_DIR / county / "mappings.yaml"),
            dataset=options["dataset"],
            variables=_variables(options["set"]),
            since=options["since"],
            resume=options["resume"],
            accept_drift=options["accept_drift"],
            dry_run=dry_run,
        )
        try:
            with tqdm(unit=" rows", desc="Reading", disable=None) as bar:  # None shows no bar without a terminal

                def show(dataset: str, rows: int) -> None:
                    bar.update(max(0, rows - bar.n))

                outcome = run_load(request, show)
        except LoadRefused as error:
            if error.report is not None:
                self._list_findings(error.report, rejects)
            raise CommandError(str(error)) from error
        except TerraFusionError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            if not is_disk_full(error):
                raise
            raise CommandError("The disk is full; nothing was written. Make room, then load with --resume.") from error
        self._list_findings(outcome.report, rejects)
        self._summarise(outcome, dry_run)

    def _list_findings(self, report: LoadReport, rejects: Path | None) -> None:
        several = len(report.sets) > 1
        for name, loaded in report.sets.items():
            for row in loaded.findings.head(SHOWN).iter_rows(named=True):
                self.stdout.write(f"{name}: {finding_text(row)}" if several else finding_text(row))
            if loaded.findings.height > SHOWN:
                more = loaded.findings.height - SHOWN
                self.stdout.write(f"... and {more:,} more in {name}; --rejects FILE writes them all.")
        if rejects is not None:
            write_findings(rejects, {name: loaded.findings for name, loaded in report.sets.items()})

    def _summarise(self, outcome: Outcome, dry_run: bool) -> None:
        report = outcome.report
        for name, shape in outcome.run.shape.items():
            if shape["encoding"] == "latin-1":
                self.stdout.write(f"{outcome.run.source} ({name}) is not UTF-8; it was read as Latin-1. Check accents.")
        for name, loaded in report.sets.items():
            self.stdout.write(
                f"{name}: Read {loaded.read:,} rows, rejected {loaded.rejected:,}. "
                f"Values dropped: {loaded.dropped_values:,}. To be looked at: {loaded.warned:,}."
                f"{_own_count(loaded.counted)}"
            )
            for target, tally in loaded.targets.items():
                retired = f", {tally.retired:,} retired" if tally.retired else ""
                self.stdout.write(
                    f"{target.replace('_', ' ').capitalize()}: {tally.created:,} created, {tally.updated:,} updated, "
                    f"{tally.unchanged:,} unchanged{retired}."
                )
            for target, totals in report.control_totals.get(name, {}).items():
                for amount in ("rows", *totals["amounts"]):
                    self.stdout.write(f"  {target}.{amount}: {printed(totals, amount)}.")
        for note in report.notes:
            self.stdout.write(note)
        self.stdout.write("Dry run: nothing was written." if dry_run else f"Load {outcome.run.pk} is on the roll.")


def _own_count(counted: int | None) -> str:
    return "" if counted is None else f" The source's own count: {counted:,}."


def _variables(options: list[str]) -> dict[str, str]:
    variables = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or not name:
            raise CommandError(f"--set {option!r}: write NAME=VALUE, for example tax_year=2026.")
        variables[name] = value
    return variables


def _check_writable(rejects: Path, source: Path) -> None:
    """Raises CommandError if the file of rejects cannot be written, before the load and not after it."""
    if rejects.resolve() == source.resolve():
        raise CommandError("--rejects would overwrite the source; name another file.")
    try:
        rejects.open("a").close()
    except OSError as error:
        raise CommandError(f"--rejects {rejects.name} cannot be written: {error.strerror}.") from error
