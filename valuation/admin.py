from django.contrib import admin

from terrafusion.jobs.admin import JobAdminBase

from .models import ValuationJob


@admin.register(ValuationJob)
class ValuationJobAdmin(JobAdminBase):
    list_display = ("created_at", "county", "property_id", "scope", "badge", "progress", "market_value", "message")
    list_filter = ("status", "failure_reason")
    search_fields = ("=id", "=property_id")
