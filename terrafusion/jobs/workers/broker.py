"""Wakes django-q2's workers. The message carries nothing: whoever gets it claims the next due row.

Nothing django-q2 loses, repeats or delays can therefore lose, repeat or delay a job.
"""

import logging
from time import sleep
from typing import Any

from django.conf import settings
from django.db import Error, close_old_connections, connection
from django_q.brokers.orm import ORM
from django_q.signing import SignedPackage

from terrafusion.database_faults import Fault, fault_of

from .queue import waiting

logger = logging.getLogger(__name__)

_TASK: dict[str, Any] = {
    "id": "wake-up",
    "name": "wake-up",
    "func": "terrafusion.jobs.workers.runner.run_next_job",
    "args": (),
    "kwargs": {},
    "started": None,
}


class WakeUpBroker(ORM):
    """django-q2's `broker_class`. Extends its ORM broker so that django-q2's own commands still import."""

    def dequeue(self) -> list[tuple[None, str]]:
        """As many equal tokens as jobs could start now, at most one for each worker."""
        try:
            close_old_connections()
            tokens = min(waiting().slots, settings.WORKERS)
        except Error as error:
            # Raised on, it would end the pusher; the database may be back in a second.
            logger.warning("%s Looking again in a second.", (fault_of(error) or Fault.OTHER).value)
            connection.close()
            sleep(1)
            return []
        if not tokens:
            sleep(settings.Q_CLUSTER["poll"])
            return []
        # No acknowledgement id: the monitor never touches the database.
        return [(None, SignedPackage.dumps(_TASK))] * tokens
