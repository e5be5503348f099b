"""Rescues jobs whose supervisor is gone, and removes files past their time. Any supervisor may do it."""

import logging
from datetime import timedelta

from django.db.models.functions import Now

from .files import purge_expired
from .finish import give_back
from .models import Job

logger = logging.getLogger(__name__)

DEAD_SECONDS = 30


def sweep() -> int:
    """Gives back jobs without a heartbeat for 30 s, charged. Returns how many. Safe to run anywhere."""
    orphans = Job.objects.filter(status=Job.Status.RUNNING, heartbeat_at__lt=Now() - timedelta(seconds=DEAD_SECONDS))
    rescued = sum(give_back(job, "Its worker host stopped answering.", charge=True) for job in orphans)
    if rescued:
        logger.warning("Rescued %d orphaned jobs.", rescued)
    purge_expired()
    return rescued
