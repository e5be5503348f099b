"""Errors whose sentence is meant for the user. This module imports no other one of TerraFusion."""

from __future__ import annotations

from collections.abc import Callable


class TerraFusionError(Exception):
    """A fault the user can correct; `str(error)` says how, and is shown to the user.

    `failure_reason` is the member of `terrafusion.jobs.models.FailureReason` under which a job that fails with this
    error is counted.
    """

    failure_reason = "bad_data"

    # Called when the error ends a job, inside the transaction that ends it. It must hold no reference to the error,
    # whose frames would keep reads of the work open.
    on_failure: Callable[[], None] | None = None


class ConfigurationError(TerraFusionError):
    """A county's configuration file is wrong; the sentence names file and key."""


class JobStopped(Exception):
    """Raised in the work of a job that was cancelled, or that this worker may no longer finish."""
