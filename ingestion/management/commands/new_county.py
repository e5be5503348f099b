"""Sets up a new county: its folder, a proposed mapping, roles, and a dry run that shows the faults of its data."""

import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from county_configs.county_file import read_county_file
from county_configs.models import County
from ingestion.connectors.files import open_file
from ingestion.legacy import alias_of, fault_of_alias
from ingestion.onboarding.checks import faults_of_county, not_checked
from ingestion.onboarding.folder import STATES, NewCounty, default_id, mapping_yaml, writable, write_folder
from ingestion.onboarding.proposals import Proposal, propose
from ingestion.pipelines.reports import LoadReport
from ingestion.pipelines.requests import LoadRequest, run_load
from terrafusion.errors import TerraFusionError

LEGACY = {"PACS": "benton"}  # the county whose mapping is copied, by legacy system


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("fips", help="the county's five digits, for example 53077")
        parser.add_argument("--name", required=True, help='for example "Yakima County"')
        parser.add_argument("--county-id", help="default: made from the name")
        parser.add_argument("--legacy-system", choices=sorted(LEGACY))
        parser.add_argument("--source", type=Path, help="a file of its roll, from which the mapping is proposed")

    def handle(self, *, fips: str, name: str, source: Path | None = None, **options: Any) -> None:
        if not re.fullmatch(r"\d{5}", fips) or fips[:2] not in STATES:
            raise CommandError(f"{fips!r} is not a county's FIPS code: five digits, the first two those of a state.")
        county = NewCounty(options["county_id"] or default_id(name), name, fips, options["legacy_system"])
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", county.county_id):
            raise CommandError(f"--county-id {county.county_id!r}: letters, digits, hyphen and underscore, at most 64.")
        folder = settings.COUNTY_CONFIGS_DIR / county.county_id
        proposals: list[Proposal] = []
        try:
            if source is not None:
                proposals = self._inspect(source)
            files = write_folder(folder, county, self._mapping(county, proposals))
        except FileExistsError:
            raise CommandError(f"The folder {county.county_id} exists; nothing was changed.") from None
        except TerraFusionError as error:
            raise CommandError(str(error)) from error
        for path in files:
            self.stdout.write(f"wrote {path.relative_to(settings.COUNTY_CONFIGS_DIR)}")
        row = County.from_county_file(read_county_file(folder / "county.yaml"))
        row.save()
        live = self._own_server(row, county.legacy_system)
        for fault in faults_of_county(folder, live):
            self.stdout.write(fault)
        for left_open in not_checked(folder, live):
            self.stdout.write(f"Not checked: {left_open}")
        if source is not None and writable(proposals):
            self._dry_run(row, source, folder / "mappings.yaml")

    def _own_server(self, county: County, legacy_system: str | None) -> str | None:
        """The alias of the county's own legacy database, if its address is set: names are best checked there."""
        if legacy_system is None:
            return None
        alias = alias_of(county, legacy_system.lower())
        if fault := fault_of_alias(alias):
            self.stdout.write(fault)
            return None
        self.stdout.write(f"Names are looked up in {alias}.")
        return alias

    def _mapping(self, county: NewCounty, proposals: list[Proposal]) -> str:
        if county.legacy_system:
            text = (settings.COUNTY_CONFIGS_DIR / LEGACY[county.legacy_system] / "mappings.yaml").read_text()
            pattern = LEGACY[county.legacy_system]
            head = f"# {county.name}: taken from {pattern}'s mapping. Codes differ by county: check them.\n"
            first, rest = text.split("\n", 1)
            return f"{first}\n{head}{rest}"
        return mapping_yaml(proposals)

    def _inspect(self, source: Path) -> list[Proposal]:
        first = next(open_file(source).batches(), None)
        if first is None or first.rows.is_empty():
            raise TerraFusionError(f"{source.name} has no row to propose a mapping from.")
        proposals = propose(first.rows)
        for proposal in proposals:
            remark = "" if proposal.is_certain else "  (a guess, left as a comment)"
            self.stdout.write(
                f"{proposal.target}.{proposal.field}: {proposal.source}, confidence {proposal.confidence:.2f}{remark}"
            )
        return proposals

    def _dry_run(self, county: County, source: Path, mapping: Path) -> None:
        """Reports on the quality of the data, by the rules of a load. Nothing is written to the roll."""
        request = LoadRequest(county=county, source=str(source), mapping=mapping, dry_run=True)
        try:
            report = run_load(request).report
        except TerraFusionError as error:
            self.stdout.write(f"Dry run: {error}")
            report = getattr(error, "report", None) or LoadReport()
        for loaded in report.sets.values():
            self.stdout.write(f"Dry run: {loaded.read:,} rows, {loaded.rejected:,} would be rejected.")
            for rule, number in sorted(loaded.findings["rule"].value_counts().iter_rows()):
                first = loaded.findings.filter(loaded.findings["rule"] == rule).row(0, named=True)
                self.stdout.write(f"  {rule}: {number:,}, first at line {first['line']}: {first['reason']}")
