from django.contrib import admin

from terrafusion.jobs.admin import JobAdminBase

from .models import MarketAnalysisJob


@admin.register(MarketAnalysisJob)
class MarketAnalysisJobAdmin(JobAdminBase):
    list_display = ("created_at", "county", "analysis_type", "badge", "progress", "finding", "message")
    list_filter = ("status", "analysis_type", "failure_reason")
    search_fields = ("=id", "=analysis_type")

    @admin.display(description="key finding")
    def finding(self, row: MarketAnalysisJob) -> str:
        return str((row.result_summary or {}).get("key_finding", ""))
