"""Creates or updates County rows from the county_configs folders."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from county_configs.county_file import read_county_file
from county_configs.models import County
from terrafusion.errors import ConfigurationError


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options: Any) -> None:
        """Reads every county.yaml before it writes a row, so that a fault in one file stops the whole command."""
        paths = sorted(settings.COUNTY_CONFIGS_DIR.glob("*/county.yaml"))
        try:
            files = [read_county_file(path) for path in paths]
        except ConfigurationError as error:
            raise CommandError(str(error)) from error
        with transaction.atomic():
            for file in files:
                County.from_county_file(file).save()
                self.stdout.write(f"{file.county_id}: {file.name}, {file.state} ({file.fips})")
