"""Jobs in the admin: read and filtered, never typed. They end through jobs/finish.py alone."""

from typing import Any

from django.contrib import admin
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.decorators import display

from terrafusion.admin import CountyScopedAdmin

from .models import Job, JobArtifact, JobLog

# django-q2's own tables hold nothing here; showing them empty would mislead.
for unused in (Failure, OrmQ, Schedule, Success):
    if admin.site.is_registered(unused):
        admin.site.unregister(unused)

STATUS_COLOURS = {
    Job.Status.PENDING: "info",
    Job.Status.RUNNING: "warning",
    Job.Status.COMPLETED: "success",
    Job.Status.FAILED: "danger",
}


class JobAdminBase(CountyScopedAdmin):
    """Shared by the table of all jobs and each kind's own."""

    view_with = "review_jobs"
    list_display: Any = ("created_at", "kind", "county", "badge", "progress", "message", "submitted_by", "attempt")
    list_filter: Any = ("status", "kind", "failure_reason")
    list_select_related = ("county", "submitted_by")
    search_fields: Any = ("=id",)
    date_hierarchy = "created_at"
    ordering = ("-created_at",)

    @display(description="status", label=STATUS_COLOURS, ordering="status")
    def badge(self, row: Job) -> str:
        return row.status


@admin.register(Job)
class JobAdmin(JobAdminBase):
    pass


@admin.register(JobLog)
class JobLogAdmin(CountyScopedAdmin):
    county_path = "job__county"
    view_with = "review_jobs"
    list_display = ("at", "job", "attempt", "level", "message")
    list_filter = ("level",)
    list_select_related = ("job",)
    search_fields = ("=job__id",)


@admin.register(JobArtifact)
class JobArtifactAdmin(CountyScopedAdmin):
    county_path = "job__county"
    view_with = "review_jobs"
    list_display = ("created_at", "job", "name", "size_bytes", "expires_at", "purged_at")
    list_select_related = ("job",)
    search_fields = ("=job__id",)
