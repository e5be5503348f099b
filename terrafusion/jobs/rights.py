"""What whoever asked for a job must be allowed, from the request to the last byte of its files."""

from __future__ import annotations

from accounts.permissions import Anyone, may, require
from terrafusion.errors import TerraFusionError

from .models import FailureReason, Job
from .registry import any_kind_named


class PermissionWithdrawn(TerraFusionError):
    """Whoever asked for the job may not have its result any more."""

    failure_reason = FailureReason.PERMISSION_WITHDRAWN

    def __init__(self, codename: str) -> None:
        super().__init__(f"The permission {codename} was withdrawn before the job finished; its result was discarded.")


def check_still_permitted(job: Job) -> None:
    """Raises PermissionWithdrawn when whoever asked for the job may no longer run it, or have what it holds."""
    kind = any_kind_named(job.kind)
    for codename in (kind.permission, *kind.also_needs(job)):
        if not may(job.submitted_by, codename, job.county):
            raise PermissionWithdrawn(codename)


def require_content(job: Job, user: Anyone | None) -> None:
    """Raises PermissionDenied, naming the permission, when the user may not have what the job holds."""
    if user is None:
        return  # the system itself
    for codename in any_kind_named(job.kind).also_needs(job):
        require(user, codename, job.county)
