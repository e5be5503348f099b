"""Failures asked for on purpose, so that staff can rehearse one and alerts can be tried.

A request for one is refused (400) unless `TERRAFUSION_SIMULATED_FAILURES=true`.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from terrafusion.errors import TerraFusionError

from .models import FailureReason, Job


class SimulatedFailure(TerraFusionError):
    """A drill asked for this."""

    def __init__(self, drill: Drill) -> None:
        super().__init__(drill.sentence)
        self.failure_reason = drill.failure_reason


@dataclass(frozen=True)
class Drill:
    """The value of which own field asks for a drill, and how the job then fails."""

    field: str
    value: str
    sentence: str
    failure_reason: FailureReason = FailureReason.SIMULATED_FAILURE

    def is_requested_by(self, value: object) -> bool:
        """Whether a request with this value of the field is a drill, and drills are allowed here."""
        return value == self.value and settings.SIMULATED_FAILURES

    def run(self, job: Job) -> None:
        """Raises SimulatedFailure when the job is a drill."""
        if getattr(job, self.field) == self.value:
            raise SimulatedFailure(self)
