"""The kind of job that exports GIS layers, with everything the system must know of it."""

from collections.abc import Sequence

from terrafusion.jobs.registry import JobKind, KindMetrics, register

from .county_settings import GisExportSection
from .models import GisExportJob
from .results import GisExportFields, GisExportResultSerializer
from .serializers import GisExportRequestSerializer, check_again
from .tasks import export_layers


def permissions_of_content(job: GisExportJob) -> Sequence[str]:
    return ["view_owner_names"] if job.holds_owner_names else []


register(
    JobKind(
        name="gis_export",
        model=GisExportJob,
        work=export_layers,
        request=GisExportRequestSerializer,
        fields=GisExportFields,
        result=GisExportResultSerializer,
        executed_by="analyst",
        metrics=KindMetrics("gis_export", (5, 10, 30, 60, 120, 300, 600, 1800, 3600), "export_format"),
        own_fields=("export_format", "area_of_interest", "layers"),
        list_fields=("export_format", "layers", "result_record_count"),
        sections=(GisExportSection,),
        also_needs=permissions_of_content,
        check_again=check_again,
        routes="gis_export.urls",
        county_routes="gis_export.county_urls",
    )
)
