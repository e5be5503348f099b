from django.contrib import admin

from terrafusion.jobs.admin import JobAdminBase

from .models import GisExportJob


@admin.register(GisExportJob)
class GisExportJobAdmin(JobAdminBase):
    list_display = (
        "created_at", "county", "export_format", "layers", "badge", "progress", "result_record_count", "message",
    )  # fmt: skip
    list_filter = ("status", "export_format", "failure_reason")
