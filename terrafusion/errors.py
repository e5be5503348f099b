"""Errors whose sentence is meant for the user. Imports nothing of ours, so that every part may raise them."""

from __future__ import annotations

from collections.abc import Callable


class TerraFusionError(Exception):
    """A fault the user can mend; `str(error)` tells how and is shown to them.

    `failure_reason` is the word of the closed set in `terrafusion.jobs.models.FailureReason` under which
    a job that raised it is counted.
    """

    failure_reason = "bad_data"

    # What else is written when the error ends a job, inside the transaction that ends it. It must not hold the error,
    # whose frames would keep reads of the work open.
    on_failure: Callable[[], None] | None = None


class ConfigurationError(TerraFusionError):
    """A county's configuration file is wrong; the sentence names file and key."""


class JobStopped(Exception):
    """Raised inside the work of a job that was cancelled or is no longer this worker's to finish."""
