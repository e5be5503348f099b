"""Errors whose sentence is meant for the user. Imports nothing, so that every part may raise them."""


class TerraFusionError(Exception):
    """A fault the user can mend; `str(error)` tells how and is shown to them.

    `failure_reason` is the word of the closed set in `terrafusion.jobs.models.FailureReason` under which
    a job that raised it is counted.
    """

    failure_reason = "bad_data"


class ConfigurationError(TerraFusionError):
    """A county's configuration file is wrong; the sentence names file and key."""


class JobStopped(Exception):
    """Raised inside the work of a job that was cancelled or is no longer this worker's to finish."""
