"""The map page of an export and the tiles it requests."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.clickjacking import xframe_options_sameorigin
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication

from accounts.basic import QuickBasicAuthentication
from terrafusion.jobs.api.schema import JOB_ID
from terrafusion.jobs.api.views import JobViewSet
from terrafusion.jobs.models import JobArtifact
from terrafusion.jobs.rights import require_content
from terrafusion.web.openapi import BINARY, BYTES

from ..models import GisExportJob
from ..ogc.views import AnyAccept
from .tiles import map_artifact, map_json, tile

MAP_TILE = "application/vnd.mapbox-vector-tile"


@method_decorator(xframe_options_sameorigin, name="dispatch")  # the admin shows the map inside the page of a job
class MapViewSet(JobViewSet):
    """For users who may read the export's files. Without a login a browser asks for user name and password."""

    plugin = "gis_export"
    authentication_classes = [QuickBasicAuthentication, JWTAuthentication, SessionAuthentication]
    content_negotiation_class = AnyAccept

    @extend_schema(operation_id="gis_export_map", parameters=[JOB_ID], responses={(200, "text/html"): str, 410: None})
    def page(self, request: Request, job_id: str) -> HttpResponse:
        """The export on a map that loads nothing from the internet."""
        job, artifact = self._job_and_map(request, job_id)
        context: dict[str, Any] = {
            "job": job,
            "map": map_json(artifact),
            "tiles": f"/api/v1/gis-export/jobs/{job.pk}/tiles",
        }
        response = render(request, "gis_export/map.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response

    @extend_schema(
        operation_id="gis_export_tile",
        parameters=[JOB_ID],
        # Client generators recognise binary content by the media type BYTES.
        responses={(200, BYTES, MAP_TILE): BINARY, 204: OpenApiResponse(description="Nothing lies here."), 410: None},
    )
    def tile(self, request: Request, job_id: str, zoom: int, x: int, y: int) -> HttpResponse:
        """One vector tile; 204 where no feature lies."""
        job, artifact = self._job_and_map(request, job_id)
        content = tile(artifact, zoom, x, y)
        headers = {"Cache-Control": "no-store" if job.holds_owner_names else "private, max-age=3600"}
        if content is None:
            return HttpResponse(status=204, headers=headers)
        return HttpResponse(content, content_type=MAP_TILE, headers=headers | {"Content-Encoding": "gzip"})

    def _job_and_map(self, request: Request, job_id: str) -> tuple[GisExportJob, JobArtifact]:
        job = self._job(job_id, "view_gis_export_results")
        require_content(job, request.user)
        artifact = map_artifact(job)
        if artifact is None:
            raise NotFound
        return job, artifact
