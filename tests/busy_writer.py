"""Another client of the database, which writes a small row again and again until it is stopped.

    python -m tests.busy_writer COUNTY [PAUSE_SECONDS]

Its commits are what makes the snapshot of a reader on SQLite a stale one.
"""

import contextlib
import subprocess
import sys
import time

import django
from django.conf import settings


@contextlib.contextmanager
def writing_beside(county_id, environment, *, pause=0.005):
    """Starts it as a process of its own; gives a function that counts its commits so far."""
    command = [sys.executable, "-m", "tests.busy_writer", county_id, str(pause)]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment)
    try:
        yield lambda: _index(county_id).count()
    finally:
        process.terminate()
        process.wait(timeout=20)


def _index(county_id):
    from terrafusion.roll.models import TimeIndex

    return TimeIndex.objects.filter(county_id=county_id, series="busy_writer")


def main():
    django.setup()
    from datetime import date, timedelta

    from django.db import OperationalError

    from terrafusion.roll.models import TimeIndex

    county_id, pause = sys.argv[1], float(sys.argv[2])
    day = date(1800, 1, 1)
    while True:
        with contextlib.suppress(OperationalError):  # locked for long by a load: it goes on afterwards
            TimeIndex.objects.create(
                county_id=county_id, series="busy_writer", period_start=day, level=1.0, sales_volume=0
            )
            day += timedelta(days=1)
        time.sleep(pause)


if __name__ == "__main__":
    main()
