"""Writes a county's accepted values in the layout its legacy system loads, with control totals."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from county_configs.county_argument import county_named
from ingestion.pipelines.export import export_values
from terrafusion.errors import TerraFusionError


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("county")
        parser.add_argument("--tax-year", type=int, required=True)
        parser.add_argument("--out", type=Path, required=True, help="for example 2026_APPRAISAL_INFO.TXT")
        parser.add_argument("--proposed", action="store_true", help="also values that are not decided yet")

    def handle(self, *, county: str, tax_year: int, out: Path, proposed: bool = False, **options: Any) -> None:
        row = county_named(county)
        if out.exists():
            raise CommandError(f"{out.name} exists; nothing was written.")
        try:
            totals = export_values(row, tax_year, out, proposed=proposed)
        except TerraFusionError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{out.name} cannot be written: {error.strerror}.") from error
        self.stdout.write(
            f"{totals.records:,} records: land ${totals.land:,} + improvement ${totals.improvement:,} = "
            f"market ${totals.market:,}; {totals.skipped:,} skipped without a land value. SHA-256 {totals.sha256}."
        )
