from django.contrib import admin
from django.template.loader import render_to_string
from unfold.decorators import display

from terrafusion.jobs.admin import JobAdminBase
from terrafusion.jobs.outcome import whole_kb

from .map.tiles import map_artifact
from .models import GisExportJob

ROOT = "/api/v1/gis-export/jobs"


@admin.register(GisExportJob)
class GisExportJobAdmin(JobAdminBase):
    list_display = (
        "created_at", "county", "export_format", "layers", "badge", "progress", "result_record_count", "message",
    )  # fmt: skip
    list_filter = ("status", "export_format", "failure_reason")
    readonly_fields = ("map_panel",)

    @display(description="map and files")
    def map_panel(self, row: GisExportJob) -> str:
        """The export on its map page, and its files; each asks for the reader's own permission again."""
        files = [
            {
                "name": each.friendly_name,
                "location": f"{ROOT}/{row.pk}/artifacts/{each.name}",
                "kilobytes": whole_kb(each.size_bytes),
            }
            for each in row.artifacts.order_by("pk")
        ]
        if not files:
            return "none"
        address = f"{ROOT}/{row.pk}/map" if map_artifact(row) is not None else "about:blank"
        return render_to_string("gis_export/map_panel.html", {"address": address, "files": files})
