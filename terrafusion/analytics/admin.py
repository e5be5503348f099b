"""Snapshots in the admin: when they were taken, and of how many rows."""

from django.contrib import admin

from terrafusion.jobs.admin import JobAdminBase

from .models import SnapshotJob


@admin.register(SnapshotJob)
class SnapshotJobAdmin(JobAdminBase):
    list_display = ("created_at", "county", "badge", "progress", "message", "snapshot_id")
    list_filter = ("status", "failure_reason")
