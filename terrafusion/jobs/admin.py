"""Jobs in the admin: read, filtered, cancelled and retried, never typed. They end through jobs/finish.py alone."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.decorators import display

from accounts.permissions import may
from terrafusion.admin import CountyScopedAdmin
from terrafusion.problems import Conflict

from . import finish
from .models import Job, JobArtifact, JobLog
from .registry import permission_to_run, work_named
from .submit import retry

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
    actions: Any = ("cancel_selected", "retry_selected")

    @admin.action(description="Cancel the selected jobs")
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._act(request, queryset, finish.cancel, "asked to cancel")

    @admin.action(description="Retry the selected jobs")
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def retry_one(job: Job) -> bool:
            try:
                return bool(retry(work_named(job.kind).model.objects.get(pk=job.pk), request.user))
            except Conflict:
                return False

        self._act(request, queryset, retry_one, "queued again as new jobs")

    def _act(self, request: HttpRequest, queryset: QuerySet[Any], step: Callable[[Job], bool], done: str) -> None:
        """Takes the step for each job whose kind the user may run in its county, and says what became of all."""
        allowed = [job for job in queryset if may(request.user, permission_to_run(job.kind), job.county)]
        succeeded = sum(step(job) for job in allowed)
        unfit, forbidden = len(allowed) - succeeded, queryset.count() - len(allowed)
        for number, level, what in (
            (succeeded, messages.SUCCESS, done),
            (unfit, messages.WARNING, "left alone: their status does not allow it"),
            (forbidden, messages.ERROR, "left alone: your role may not run jobs of their kind"),
        ):
            if number:
                self.message_user(request, f"Jobs {what}: {number}.", level)

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
