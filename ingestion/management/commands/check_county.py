"""Checks a county's folder: county.yaml, mappings.yaml and roles. Each fault has file, line and what to write."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ingestion.onboarding.checks import faults_of_county, not_checked


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("county", help="county id: the name of its folder")
        parser.add_argument("--live", metavar="ALIAS", help="looks names up in this database, for example benton_pacs")

    def handle(self, *, county: str, live: str | None = None, **options: Any) -> None:
        folder = settings.COUNTY_CONFIGS_DIR / county
        if not folder.is_dir():
            known = ", ".join(sorted(path.parent.name for path in settings.COUNTY_CONFIGS_DIR.glob("*/county.yaml")))
            raise CommandError(f"There is no folder for {county!r}. Known: {known}.")
        faults = faults_of_county(folder, live)
        for fault in faults:
            self.stdout.write(fault)
        for left_open in not_checked(folder, live):
            self.stdout.write(f"Not checked: {left_open}")
        if faults:
            raise CommandError(f"{county}: {len(faults)} faults.")
        self.stdout.write(f"{county}: no fault found.")
