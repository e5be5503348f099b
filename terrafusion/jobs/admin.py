"""Jobs in the admin: read, filtered, cancelled and retried, never typed. They end through jobs/finish.py alone."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django_q.models import Failure, OrmQ, Schedule, Success
from rest_framework.exceptions import APIException
from unfold.decorators import display

from accounts.permissions import require
from terrafusion.admin import CountyScopedAdmin
from terrafusion.web.problems import sentence_of

from . import finish
from .api.filters import own_text_fields
from .api.submit import retry
from .models import Job, JobArtifact, JobLog
from .registry import any_kind_named, every_kind, kind_of

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
    """The page of one kind of job, or of all: a kind's own columns, filter and search follow from what it says."""

    view_with = "review_jobs"
    list_select_related = ("county", "submitted_by")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    actions: Any = ("cancel_selected", "retry_selected")

    # Properties, because the pages are made before the kinds are known.
    @property
    def list_display(self) -> Any:
        kind = kind_of(self.model)
        if kind is None:
            return ("created_at", "kind", "county", "badge", "progress", "message", "submitted_by", "attempt")
        return ("created_at", "county", *kind.list_fields, "badge", "progress", "message", "submitted_by")

    @property
    def list_filter(self) -> Any:
        kind = kind_of(self.model)
        own = "kind" if kind is None else kind.metrics.label
        return (*([own] if own else []), "status", "failure_reason")

    @property
    def search_fields(self) -> Any:
        kind = kind_of(self.model)
        return ("=id", *(f"={name}" for name in (own_text_fields(kind) if kind else ())))

    @admin.action(description="Cancel the selected jobs")
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._act(request, queryset, finish.cancel, "asked to cancel")

    @admin.action(description="Retry the selected jobs")
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def retry_one(job: Job) -> bool:
            return bool(retry(job, request.user))

        self._act(request, queryset, retry_one, "queued again as new jobs")

    def _act(self, request: HttpRequest, queryset: QuerySet[Any], step: Callable[[Job], bool], done: str) -> None:
        """Takes the step for each job whose kind the user may run in its county, and says what became of all."""
        outcomes = [self._outcome(request, job, step) for job in queryset]
        refusals = Counter(outcome for outcome in outcomes if outcome)
        if succeeded := outcomes.count(""):
            self.message_user(request, f"Jobs {done}: {succeeded}.", messages.SUCCESS)
        for why, number in refusals.items():
            self.message_user(request, f"Jobs left alone: {number}. {why}", messages.WARNING)

    def _outcome(self, request: HttpRequest, job: Job, step: Callable[[Job], bool]) -> str:
        """Why the step was refused; empty when it was taken."""
        try:
            require(request.user, any_kind_named(job.kind).permission, job.county)
            return "" if step(job) else "Their status does not allow it."
        except APIException as error:
            return sentence_of(error)

    @display(description="status", label=STATUS_COLOURS, ordering="status")
    def badge(self, row: Job) -> str:
        return row.status


admin.site.register(Job, JobAdminBase)


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


def register_kinds() -> None:
    """Gives every kind its page, unless its plugin has registered one of its own."""
    for kind in every_kind():
        if not admin.site.is_registered(kind.model):
            admin.site.register(kind.model, JobAdminBase)
