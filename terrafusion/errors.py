"""Errors whose sentence is meant for the user. This module imports nothing, so that every part may raise them."""


class TerraFusionError(Exception):
    """A fault the user can correct; `str(error)` says how, and is shown to the user.

    `failure_reason` is the member of `terrafusion.jobs.models.FailureReason` under which a job that fails with this
    error is counted.
    """

    failure_reason = "bad_data"


class ConfigurationError(TerraFusionError):
    """A county's configuration file is wrong; the sentence names file and key."""


class JobStopped(Exception):
    """Raised in the work of a job that was cancelled, or that this worker may no longer finish."""
