"""The work of a report job: read, build the report, write it in the asked format."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from accounts.permissions import may
from terrafusion.errors import TerraFusionError
from terrafusion.jobs.models import FailureReason
from terrafusion.jobs.outcome import Outcome
from terrafusion.jobs.registry import job_kind

from .models import ReportJob, ReportType
from .results import ReportFields, ReportResultSerializer
from .serializers import OWNER_NAMES, ReportRequestSerializer

# Where each report is made. Imported when asked for: charts and statistics cost a second at the start of a process.
MAKERS = {
    ReportType.SALES_RATIO_STUDY: "reporting.ratio_study.work",
    ReportType.ASSESSMENT_ROLL: "reporting.roll.work",
    ReportType.VALUE_CHANGE: "reporting.value_change.work",
    ReportType.PROPERTY_RECORD_CARD: "reporting.property_page.work",
    ReportType.COMPARABLES_GRID: "reporting.property_page.work",
    ReportType.DOR_RATIO_REPORT: "reporting.dor_ratio.work",
}


class PermissionWithdrawn(TerraFusionError):
    failure_reason = FailureReason.PERMISSION_WITHDRAWN


@job_kind(
    ReportJob,
    request=ReportRequestSerializer,
    fields=ReportFields,
    result=ReportResultSerializer,
    time_limit=3600,
    memory_limit=2048,
)
def make_report(job: ReportJob) -> Outcome:
    """Makes the requested report."""
    if job.shows_owner_names and not may(job.submitted_by, OWNER_NAMES, job.county):
        raise PermissionWithdrawn(f"The report holds owner names, for which {OWNER_NAMES} is needed.")
    make: Callable[[ReportJob], Outcome] = import_module(MAKERS[ReportType(job.report_type)]).make
    return make(job)
