"""A second supervisor's schedules, without its workers: `python -m tests.chaos.supervisor_clock`.

Reads moments (ISO 8601) line by line, looks at the schedules as of that moment, and prints the slots it ran.
"""

import os
import sys
from datetime import datetime, time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "terrafusion.settings.test")
django.setup()

from terrafusion.jobs.workers import schedules  # noqa: E402 - needs the settings
from terrafusion.jobs.workers.sweep import sweep  # noqa: E402, F401 - registers sweep and purge


def main():
    ran = []
    run_once = schedules._run_once

    def watched(schedule, county, key, slot):
        if done := run_once(schedule, county, key, slot):
            ran.append(f"{key}@{slot.isoformat()}")
        return done

    schedules._run_once = watched
    schedules.register(
        schedules.Schedule("nightly", schedules.daily(time(2, 30)), lambda _: None, per_county=True, inside=True)
    )
    for line in sys.stdin:
        schedules.run_due(datetime.fromisoformat(line.strip()))
        sys.stdout.write(" ".join(ran) + "\n")
        sys.stdout.flush()
        ran.clear()


if __name__ == "__main__":
    main()
