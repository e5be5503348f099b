"""Runs the workers that do the jobs, and supervises them. SIGTERM drains within 30 s."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from terrafusion.jobs.workers.supervisor import Supervisor, WorkersDoNotStart


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workers", type=int, default=settings.WORKERS, help="worker processes")

    def handle(self, *, workers: int, **options: Any) -> None:
        if not 1 <= workers <= 64:
            raise CommandError(f"--workers is {workers}; it must lie between 1 and 64.")
        try:
            Supervisor(workers).run()
        except WorkersDoNotStart as error:
            raise CommandError(str(error)) from error
