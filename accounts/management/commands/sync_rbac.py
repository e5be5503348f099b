"""Applies county_configs/<county>/rbac/<county>_users.json: users, roles, permissions."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.rbac import apply_users_file, read_users_file
from county_configs.county_argument import county_named
from terrafusion.errors import ConfigurationError


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("county", help="county id, for example benton")

    def handle(self, *, county: str, **options: Any) -> None:
        row = county_named(county)
        path = settings.COUNTY_CONFIGS_DIR / county / "rbac" / f"{county}_users.json"
        try:
            changes = apply_users_file(read_users_file(path, row), row)
        except ConfigurationError as error:
            raise CommandError(str(error)) from error
        for title, lines in vars(changes).items():
            for line in lines:
                self.stdout.write(f"{title}: {line}")
        self.stdout.write(
            f"{county}: {len(changes.created)} users created, {len(changes.granted)} roles granted, "
            f"{len(changes.withdrawn)} withdrawn."
        )
