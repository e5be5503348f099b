"""Housekeeping by the clock: lost jobs are rescued, files past their time removed, ended jobs tallied."""

import logging
from datetime import timedelta

from django.db.models.functions import Now

from ..files import purge_expired
from ..finish import give_back
from ..models import Job
from ..tallies import tally_ended
from .schedules import Schedule, every, register

logger = logging.getLogger(__name__)

DEAD_SECONDS = 30
SWEEP_SECONDS = 5
PURGE_SECONDS = 600
TALLY_SECONDS = 60


def sweep() -> int:
    """Gives back jobs without a heartbeat for 30 s, charged. Returns how many. Safe to run anywhere."""
    orphans = Job.objects.filter(status=Job.Status.RUNNING, heartbeat_at__lt=Now() - timedelta(seconds=DEAD_SECONDS))
    rescued = sum(give_back(job, "Its worker host stopped answering.", charge=True) for job in orphans)
    if rescued:
        logger.warning("Rescued %d orphaned jobs.", rescued)
    return rescued


register(Schedule("sweep", every(SWEEP_SECONDS), lambda _: sweep()))
register(Schedule("purge", every(PURGE_SECONDS), lambda _: purge_expired()))
register(Schedule("tally", every(TALLY_SECONDS), lambda _: tally_ended()))
