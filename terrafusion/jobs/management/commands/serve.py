"""Serves web and workers together, in the foreground, until interrupted (`make run`)."""

import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from terrafusion.embedded import FolderInUse, sole_use, start


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=settings.WORKERS, help="worker processes")

    def handle(self, *, port: int, workers: int, **options: Any) -> None:
        if not 1 <= port <= 65535:
            raise CommandError(f"--port is {port}; it must lie between 1 and 65535.")
        try:
            with sole_use(settings.VAR_DIR, "manage.py serve", inherited=settings.FOLDER_LOCK_FD):
                self._serve(port, workers)
        except FolderInUse as error:
            raise CommandError(str(error)) from error

    def _serve(self, port: int, workers: int) -> None:
        call_command("migrate", verbosity=0)
        call_command("load_counties", stdout=open(os.devnull, "w"))  # noqa: SIM115 - ends with the process
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        web = [sys.executable, "-m", "gunicorn", "terrafusion.wsgi", "--bind", f"127.0.0.1:{port}"]
        processes = {
            "web server": start(
                [*web, "--workers", "2", "--threads", "4", "--log-level", "warning"], cwd=settings.BASE_DIR
            ),
            "workers": start([*manage, "runworkers", "--workers", str(workers)], cwd=settings.BASE_DIR),
        }
        self.stdout.write(f"TerraFusion: http://localhost:{port}/api/docs  admin: http://localhost:{port}/admin/")
        self.stdout.write("Ctrl-C stops it.")
        self._until_interrupted(processes)

    def _until_interrupted(self, processes: dict[str, subprocess.Popen[bytes]]) -> None:
        """Waits for a signal, then ends both processes.

        When one of them ends by itself, ends the other and raises CommandError.
        """
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        ended = None
        try:
            while ended is None:
                time.sleep(0.5)
                ended = next((name for name, process in processes.items() if process.poll() is not None), None)
        except KeyboardInterrupt:
            self.stdout.write("Stopping; running jobs get up to 24 s.")
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait()
        if ended is not None:
            raise CommandError(f"The {ended} ended by itself; see above. Everything was stopped.")
