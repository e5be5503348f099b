"""The job that takes a snapshot."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from terrafusion.jobs.models import Job


class SnapshotJob(Job):
    """Takes a snapshot of a county's roll and makes it the current one. The system asks for it, never a user."""

    job = models.OneToOneField(
        Job, models.CASCADE, parent_link=True, primary_key=True, db_column="job_id", db_comment="The row in jobs."
    )
    snapshot_id = models.CharField(max_length=64, blank=True, db_comment="The snapshot it took; empty until completed.")
    rows = models.JSONField(null=True, db_comment="How many rows the snapshot has, by table.")

    class Meta:
        db_table = "analytics_snapshot_jobs"

    def store_result(self, result: Mapping[str, Any]) -> None:
        self.snapshot_id, self.rows = result["snapshot_id"], result["rows"]

    def result_json(self) -> dict[str, Any]:
        return {"snapshot_id": self.snapshot_id, "rows": self.rows}
