"""The job: one row is one accepted request, and the row is the queue.

Each plugin's job is a child of `Job` by multi-table inheritance. See docs/decisions/0002-job-table-over-the-queue.md.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from county_configs.models import County
from terrafusion.web.api import PUBLIC_ROOT

from .journal import record_line, record_progress


class FailureReason(models.TextChoices):
    """Why a job failed: a closed set, a label of the metrics."""

    SIMULATED_FAILURE = "simulated_failure"
    SIMULATED_FORMAT_FAILURE = "simulated_format_failure"
    PROCESSING_EXCEPTION = "processing_exception"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    WORKER_LOST = "worker_lost"
    STORAGE = "storage"
    BAD_DATA = "bad_data"
    PERMISSION_WITHDRAWN = "permission_withdrawn"


def plugin_path(plugin: str) -> str:
    """How a plugin is written in a URL: gis-export."""
    return plugin.replace("_", "-")


class Job(models.Model):
    class Status(models.TextChoices):
        PENDING = "PENDING"
        RUNNING = "RUNNING"
        COMPLETED = "COMPLETED"
        FAILED = "FAILED"
        CANCELLED = "CANCELLED"

    OPEN = (Status.PENDING, Status.RUNNING)

    REPORT_SECONDS: ClassVar[float] = 1.0  # between two writes of the progress

    id = models.UUIDField(
        primary_key=True,
        default=uuid.uuid4,
        editable=False,
        db_column="job_id",
        db_comment="The job; its kind's own table links to it.",
    )
    kind = models.CharField(max_length=32, editable=False)
    county = models.ForeignKey(County, models.PROTECT, related_name="jobs", db_comment="The county the job is for.")
    status = models.CharField(
        max_length=16,
        choices=Status,
        default=Status.PENDING,
        db_index=True,
        db_comment="PENDING, RUNNING, COMPLETED, FAILED or CANCELLED.",
    )
    message = models.TextField(blank=True, db_comment="What happened, in a sentence for whoever asked.")
    parameters = models.JSONField(
        default=dict,
        db_column="parameters_json",
        db_comment="What the request asked for, with the defaults of its day.",
    )
    progress = models.PositiveSmallIntegerField(default=0, help_text="Percent; 100 only when completed.")
    priority = models.SmallIntegerField(default=100, help_text="Lower runs first within the county.")
    run_at = models.DateTimeField(default=timezone.now)
    time_limit = models.PositiveIntegerField(help_text="Seconds.")
    memory_limit = models.PositiveIntegerField(help_text="MB of the worker process.")

    attempt = models.PositiveIntegerField(default=0, help_text="Rises at every claim: the fence.")
    charged = models.PositiveSmallIntegerField(default=0, help_text="Attempts held against the job.")
    worker = models.CharField(max_length=64, blank=True, help_text="Boot id of the worker tree.")
    pid = models.PositiveIntegerField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    cancel_at = models.DateTimeField(null=True, help_text="When cancel was requested.")
    failure_reason = models.CharField(max_length=32, choices=FailureReason, blank=True)

    submitted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="jobs")
    retry_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="retries")
    idempotency_key = models.CharField(max_length=255, null=True)
    input_digest = models.CharField(max_length=64, help_text="SHA-256 of the accepted request.")

    created_at = models.DateTimeField(default=timezone.now, db_comment="When the request was accepted.")
    updated_at = models.DateTimeField(default=timezone.now, db_comment="When the row last changed.")
    started_at = models.DateTimeField(null=True, db_comment="When the last run started; null before the first.")
    completed_at = models.DateTimeField(null=True, db_comment="When the job ended, however it ended.")
    processing_seconds = models.FloatField(null=True, help_text="Of the last run that ended.")
    is_tallied = models.BooleanField(default=False, help_text="Ended, and counted in JobTally.")

    class Meta:
        db_table = "jobs"
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["submitted_by", "kind", "idempotency_key"],
                name="one_job_an_idempotency_key",
            )
        ]
        indexes = [
            # The next due row of a county, and how many of it run.
            models.Index(
                fields=["county", "priority", "created_at", "id"],
                condition=Q(status="PENDING"),
                name="job_next_of_county",
            ),
            models.Index(fields=["county"], condition=Q(status="RUNNING"), name="job_running"),
            models.Index(fields=["county", "started_at"], name="job_turn"),
            models.Index(fields=["kind", "county", "-created_at", "id"], name="job_list"),
            models.Index(fields=["kind"], condition=Q(is_tallied=False), name="job_not_tallied"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def address(self) -> str:
        """URL path of the routes of its kind."""
        return f"{PUBLIC_ROOT}/{plugin_path(self.kind)}"

    def artifact_address(self, name: str) -> str:
        """URL path of one of its files."""
        return f"{self.address}/jobs/{self.pk}/artifacts/{name}"

    # --- What a kind overrides ---

    @property
    def product(self) -> str:
        """What the job makes, as its messages name it."""
        return self.kind.replace("_", " ").capitalize()

    def store_result(self, result: Mapping[str, Any]) -> None:
        """Puts the result into the kind's own result columns (not saved)."""
        raise TypeError(f"{type(self).__name__} does not say where its result is kept.")

    def result_json(self) -> dict[str, Any]:
        """The result as the API gives it, from the kind's own columns."""
        raise TypeError(f"{type(self).__name__} does not say where its result is kept.")

    # --- While it runs ---

    @property
    def workspace(self) -> Path:
        """This attempt's own folder; files left here and not named in the Outcome are thrown away."""
        folder = Path(settings.WORKSPACE_DIR) / str(self.pk) / str(self.attempt)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def report(self, done: int, total: int, message: str = "") -> None:
        """Call often while working: shows progress and stops a cancelled job. One query a second at most.

        Raises JobStopped when the job was cancelled or given to another worker.
        """
        now = time.monotonic()
        if now - getattr(self, "_reported_at", -self.REPORT_SECONDS) < self.REPORT_SECONDS:
            return
        self._reported_at = now
        self.progress = max(self.progress, min(99, 100 * done // max(total, 1)))
        fields: dict[str, Any] = {"progress": self.progress, "updated_at": Now()}
        database = settings.JOURNAL_DATABASE
        mine = Job.objects.using(database).filter(
            pk=self.pk, attempt=self.attempt, status=self.Status.RUNNING, cancel_at__isnull=True
        )
        record_progress(str(self), mine, fields | ({"message": message} if message else {}))

    def log(self, message: str, level: str = "info") -> None:
        """A line for whoever asks what happened. No personal data."""
        line = JobLog(job_id=self.pk, attempt=self.attempt, level=level, message=message)
        record_line(line, settings.JOURNAL_DATABASE)


class JobLog(models.Model):
    """One line of a job's story."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="log_lines")
    attempt = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    level = models.CharField(max_length=8, default="info")
    message = models.TextField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.message


class JobArtifact(models.Model):
    """A file a completed job delivers."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="artifacts")
    name = models.CharField(max_length=200, help_text="Last segment of its URL.")
    friendly_name = models.CharField(max_length=200, help_text="The file name a browser saves it under.")
    path = models.CharField(max_length=300, help_text="In the results storage.")
    content_type = models.CharField(max_length=100)
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    purged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "name"], name="artifact_name_a_job")]
        indexes = [models.Index(fields=["expires_at"], condition=Q(purged_at=None), name="artifact_expiry")]

    def __str__(self) -> str:
        return self.name


class ScheduledSlot(models.Model):
    """The last slot of a schedule that was claimed: see schedules.py."""

    key = models.CharField(primary_key=True, max_length=128, help_text="The schedule, and its county where it has one.")
    slot = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key} at {self.slot:%Y-%m-%d %H:%M} UTC"


class JobTally(models.Model):
    """How many jobs of a kind have ended alike, for the metrics: see tallies.py."""

    kind = models.CharField(max_length=32)
    county = models.ForeignKey(County, models.PROTECT, related_name="+")
    label = models.CharField(max_length=64, blank=True, help_text="Value of the label that the kind's metrics have.")
    status = models.CharField(max_length=16, choices=Job.Status)
    failure_reason = models.CharField(max_length=32, choices=FailureReason, blank=True)
    number = models.PositiveBigIntegerField(default=0)
    timed = models.PositiveBigIntegerField(default=0, help_text="Those of them that ran.")
    seconds = models.FloatField(default=0.0, help_text="Sum of their processing seconds.")
    within = models.JSONField(default=dict, help_text="By the bounds of the histogram, how many took no longer.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "county", "label", "status", "failure_reason"], name="one_tally_an_ending"
            )
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind} {self.status}"
