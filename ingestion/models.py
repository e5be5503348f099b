"""The ingestion job, the record of every load, the rows it refused, and the files staff hand in."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.db import models, transaction
from django.utils import timezone

from accounts.models import User
from county_configs.models import County
from terrafusion.jobs.models import Job


def uploads_storage() -> Storage:
    return storages["uploads"]


class SourceFile(models.Model):
    """A file handed in for a county, kept as it was."""

    county = models.ForeignKey(County, models.PROTECT, related_name="source_files")
    file = models.FileField(storage=uploads_storage, upload_to="ingestion/", max_length=300)
    name = models.CharField(max_length=200, help_text="As its owner called it.")
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    uploaded_at = models.DateTimeField()

    class Meta:
        ordering = ("-uploaded_at",)

    def __str__(self) -> str:
        return f"{self.name} ({self.uploaded_at:%Y-%m-%d})"

    def describe(self, uploaded_by: User, now: datetime) -> None:
        """Fills in what the file itself says: its owner's name for it, size and digest."""
        self.name, self.size_bytes = Path(str(self.file.name)).name[:200], self.file.size
        self.sha256 = hashlib.file_digest(self.file.file, "sha256").hexdigest()
        self.uploaded_by, self.uploaded_at = uploaded_by, now


class IngestionRun(models.Model):
    """One load of a source into a county's roll: what was read, by which mapping, what became of it.

    The run is the checkpoint too: an interrupted one is resumed from the batches it has staged.
    """

    class Status(models.TextChoices):
        STAGING = "staging", "Being read"
        FAILED = "failed", "Failed, nothing written"
        CHECKED = "checked", "Dry run, nothing written"
        LOADED = "loaded", "Loaded"

    county = models.ForeignKey(County, models.PROTECT, related_name="ingestion_runs")
    job = models.ForeignKey(Job, models.PROTECT, null=True, related_name="ingestion_runs")
    source = models.CharField(max_length=200, help_text="Name of the file or of the legacy database.")
    source_sha256 = models.CharField(max_length=64, blank=True)
    mapping_name = models.CharField(max_length=200)
    mapping_sha256 = models.CharField(max_length=64)
    mapping = models.JSONField(help_text="As it was when it was loaded by.")
    rules_version = models.CharField(max_length=16)
    options = models.JSONField(default=dict, help_text="Data set, variables, since.")
    status = models.CharField(max_length=16, choices=Status, default=Status.STAGING)
    message = models.TextField(blank=True)
    shape = models.JSONField(default=dict, help_text="Columns, types, encoding and delimiter of each data set.")
    watermark = models.JSONField(default=dict, help_text="By data set, the last change the source knew of.")
    results = models.JSONField(default=dict, help_text="By data set: rows and what became of them.")
    control_totals = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the rows read, in any order.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    signed_off_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    signed_off_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-started_at", "-id")
        indexes = [models.Index(fields=["county", "status", "-id"], name="ingestion_run_latest")]

    def __str__(self) -> str:
        return f"Load {self.pk} of {self.county_id}"

    @property
    def folder(self) -> Path:
        """Where its batches are staged until it is loaded."""
        return Path(settings.STAGING_DIR) / str(self.pk)

    def discard_staging(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def close_failed(self, message: str) -> None:
        """Nothing of it was written; what it staged goes once that is committed."""
        self.status, self.message, self.finished_at = self.Status.FAILED, message, timezone.now()
        self.save(update_fields=["status", "message", "finished_at"])
        transaction.on_commit(self.discard_staging)

    def waiting_corrections(self) -> models.QuerySet[RejectedRow]:
        """Its rejected rows that were corrected and are not on the roll yet."""
        return self.rejected_rows.filter(loaded_by=None).exclude(corrections={})


class RejectedRow(models.Model):
    """A source row that was not loaded, with the first reason; corrected and fed again in the admin."""

    run = models.ForeignKey(IngestionRun, models.CASCADE, related_name="rejected_rows")
    dataset = models.CharField(max_length=64)
    line = models.BigIntegerField()
    raw = models.JSONField(help_text="The row's cells by column.")
    column = models.CharField(max_length=200, blank=True)
    value = models.CharField(max_length=200, blank=True)
    rule = models.CharField(max_length=40)
    reason = models.TextField()
    corrections = models.JSONField(default=dict, blank=True, help_text='{"column": "what it should say"}')
    corrected_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    loaded_by = models.ForeignKey(IngestionRun, models.SET_NULL, null=True, related_name="corrected_rows")

    class Meta:
        ordering = ("run", "dataset", "line")
        constraints = [models.UniqueConstraint(fields=["run", "dataset", "line"], name="a_line_is_rejected_once")]

    def __str__(self) -> str:
        return f"{self.dataset}, line {self.line}: {self.rule}"


class IngestionJob(Job):
    """Loads a source into the county's roll."""

    job = models.OneToOneField(
        Job, models.CASCADE, parent_link=True, primary_key=True, db_column="job_id", db_comment="The row in jobs."
    )
    source = models.CharField(
        max_length=200, db_comment="A legacy database of the county's mapping, or a file handed in."
    )
    result = models.JSONField(
        null=True, db_column="result_json", db_comment="Control totals, counts of rows and digests."
    )

    class Meta:
        db_table = "ingestion_jobs"

    def store_result(self, result: Mapping[str, Any]) -> None:
        self.result = dict(result)

    def result_json(self) -> dict[str, Any]:
        return self.result or {}


def close_loads_of(job: Job, message: str, **_: Any) -> None:
    """A job that ended without a result leaves no load open. Called inside the transaction that ends it."""
    if job.kind == "ingestion":
        for run in IngestionRun.objects.filter(job_id=job.pk, status=IngestionRun.Status.STAGING):
            run.close_failed(message)
