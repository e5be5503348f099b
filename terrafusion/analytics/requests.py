"""When a snapshot is taken: after every load that changed a roll, and every night."""

from __future__ import annotations

from datetime import time
from typing import Any

from county_configs.models import County
from terrafusion.jobs.api.submit import submit
from terrafusion.jobs.models import Job
from terrafusion.jobs.workers.schedules import Schedule, daily, register
from terrafusion.roll.models import Sale

from .kind import SNAPSHOTS
from .models import SnapshotJob

NIGHTLY_AT = time(1, 30)  # the county's own time


def request_snapshot(county: County) -> Job | None:
    """Queues a snapshot. None when one is waiting already: it will see the roll as it is now."""
    if SnapshotJob.objects.filter(county=county, status=Job.Status.PENDING).exists():
        return None
    return submit(SNAPSHOTS, county, None, own_fields={}, parameters={}, digest="")


def request_after_load(county: County, **_: Any) -> None:
    """After the load's commit: a snapshot that waits now may begin before a commit, and not see the load."""
    request_snapshot(county)


def request_nightly(county: County | None) -> None:
    """Every county that has sales; there is nothing to analyse in the others."""
    if county is not None and Sale.objects.in_county(county).current().exists():
        request_snapshot(county)


# Inside the claim of the slot: the job and the claim are one transaction, so no night is lost between them.
NIGHTLY = register(Schedule("analytics_snapshot", daily(NIGHTLY_AT), request_nightly, per_county=True, inside=True))
