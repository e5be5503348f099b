"""The reporting API."""

from django.http import HttpResponseBase
from rest_framework.request import Request

from accounts.permissions import require
from terrafusion.jobs.views import JobViewSet

from .models import ReportJob

OWNER_NAMES = "view_owner_names"


class ReportJobViewSet(JobViewSet):
    """Request reports and collect them."""

    model = ReportJob

    def artifact(self, request: Request, job_id: str, name: str) -> HttpResponseBase:
        """A file of the report. One that holds owner names only with the permission to see them."""
        job = self._job(job_id, "view_reporting_results")
        if job.shows_owner_names:
            require(request.user, OWNER_NAMES, job.county)
        return super().artifact(request, job_id, name)
