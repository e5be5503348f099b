from django.contrib import admin

from terrafusion.jobs.admin import JobAdminBase

from .models import ReportJob


@admin.register(ReportJob)
class ReportJobAdmin(JobAdminBase):
    list_display = ("created_at", "county", "report_type", "badge", "progress", "message", "submitted_by")
    list_filter = ("report_type", "status", "failure_reason")
