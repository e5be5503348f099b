"""The work of a report job: read, build the report, write it in the asked format."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from terrafusion.jobs.outcome import Outcome

from .models import ReportJob, ReportType

# Where each report is made. Imported when asked for: charts and statistics cost a second at the start of a process.
MAKERS = {
    ReportType.SALES_RATIO_STUDY: "reporting.ratio_study.work",
    ReportType.ASSESSMENT_ROLL: "reporting.roll.work",
    ReportType.VALUE_CHANGE: "reporting.value_change.work",
    ReportType.PROPERTY_RECORD_CARD: "reporting.property_page.work",
    ReportType.COMPARABLES_GRID: "reporting.property_page.work",
    ReportType.DOR_RATIO_REPORT: "reporting.dor_ratio.work",
}


def make_report(job: ReportJob) -> Outcome:
    """Makes the requested report."""
    make: Callable[[ReportJob], Outcome] = import_module(MAKERS[ReportType(job.report_type)]).make
    return make(job)
