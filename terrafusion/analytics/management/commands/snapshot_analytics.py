"""Copies a county to the analytics store and makes the copy the current one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from county_configs.county_argument import county_named
from terrafusion.analytics.writing import publish_snapshot, write_snapshot
from terrafusion.errors import TerraFusionError


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("county", help="county id, for example king")

    def handle(self, *, county: str, **options: Any) -> None:
        row = county_named(county)
        with tqdm(unit=" rows", desc="Snapshot", disable=None) as bar:  # None: silent where there is no terminal

            def show(table: str, rows: int) -> None:
                bar.set_postfix_str(table, refresh=False)
                bar.update(rows)

            try:
                now = timezone.now()
                snapshot = write_snapshot(row, now, show)
                flipped = publish_snapshot(snapshot, now)
            except (TerraFusionError, OSError) as error:
                raise CommandError(f"The snapshot was not taken; the last one stays current. {error}") from error
        manifest = snapshot.manifest
        state = "is current" if flipped else "was written, but a newer one is current"
        self.stdout.write(f"Snapshot {manifest.snapshot_id} of {row.pk} {state}.")
        for table, rows in manifest.rows.items():
            size = manifest.size_bytes[table] / 1e6
            self.stdout.write(f"  {table.replace('_', ' '):<16}{rows:>12,} rows {size:>10,.1f} MB")
        if manifest.first_sale:
            self.stdout.write(f"  Sales from {manifest.first_sale} to {manifest.last_sale}.")
