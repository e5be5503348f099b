from django.contrib import admin
from django.template.loader import render_to_string
from unfold.decorators import display

from terrafusion.jobs.admin import JobAdminBase
from terrafusion.jobs.outcome import whole_kb

from .map.tiles import map_artifact
from .models import GisExportJob


@admin.register(GisExportJob)
class GisExportJobAdmin(JobAdminBase):
    readonly_fields = ("map_panel",)

    @display(description="map and files")
    def map_panel(self, row: GisExportJob) -> str:
        """The export on its map page, and its files; each asks for the reader's own permission again."""
        files = [
            {
                "name": artifact.friendly_name,
                "location": row.artifact_address(artifact.name),
                "kilobytes": whole_kb(artifact.size_bytes),
            }
            for artifact in row.artifacts.order_by("pk")
        ]
        if not files:
            return "none"
        address = f"{row.address}/jobs/{row.pk}/map" if map_artifact(row) is not None else "about:blank"
        return render_to_string("gis_export/map_panel.html", {"address": address, "files": files})
