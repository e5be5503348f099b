import os

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class ProbeConfig(AppConfig):
    name = "tests.probe"
    label = "probe"

    def ready(self):
        from terrafusion.jobs.models import Job
        from terrafusion.jobs.workers import schedules

        from . import locks, roles, sabotage
        from .behaviours import wrap_registered_kinds

        wrap_registered_kinds()
        connection_created.connect(locks.watch, dispatch_uid="tests.probe.locks")
        if file := os.environ.get("TERRAFUSION_PROBE_ROLES"):
            roles.record(file)
        if removed := os.environ.get("TERRAFUSION_SABOTAGE"):
            sabotage.apply(removed)
        if os.environ.get("TERRAFUSION_TEST_EAGER_REPORTS"):
            Job.REPORT_SECONDS = 0.0  # every report is written, as in a job of hours
        if os.environ.get("TERRAFUSION_TEST_NO_SCHEDULES"):
            schedules._schedules.clear()  # nothing runs but what a test asks for
