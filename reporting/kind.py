"""All that the system must know of the report job."""

from collections.abc import Sequence

from terrafusion.jobs.registry import JobKind, KindMetrics, register

from .county_settings import DorRatioSection, RatioStudySection
from .models import ReportJob
from .results import ReportFields, ReportResultSerializer
from .serializers import ReportRequestSerializer
from .tasks import make_report


def permissions_of_content(job: ReportJob) -> Sequence[str]:
    return ["view_owner_names"] if job.shows_owner_names else []


register(
    JobKind(
        name="reporting",
        model=ReportJob,
        work=make_report,
        request=ReportRequestSerializer,
        fields=ReportFields,
        result=ReportResultSerializer,
        executed_by="analyst",
        metrics=KindMetrics("report", (0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300), "report_type"),
        identifier="report_id",
        own_fields=("report_type",),
        list_fields=("report_type",),
        sections=(RatioStudySection, DorRatioSection),
        also_needs=permissions_of_content,
    )
)
