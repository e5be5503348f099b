from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from terrafusion.admin import CountyScopedAdmin

from .models import County


@admin.register(County)
class CountyAdmin(CountyScopedAdmin):
    """Counties come from their county.yaml files (load_counties), so the admin only shows them."""

    county_path = "pk"
    list_display = ("county_id", "name", "state", "fips", "crs", "max_running_jobs")
    search_fields = ("county_id", "name", "fips")

    def get_list_filter(self, request: HttpRequest) -> Any:
        return ()
