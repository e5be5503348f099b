"""The GIS export API."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import counties_of, require
from county_configs.models import County
from terrafusion.jobs.views import JobViewSet
from terrafusion.query_parameters import StrictQuery

from .county_rules import defaults_json, formats_json
from .models import GisExportJob
from .results import CountyDefaultsSerializer, CountyFormatsSerializer
from .serializers import OWNERS, check_again


class GisExportJobViewSet(JobViewSet):
    """Request exports and collect their files. Files with owner names need view_owner_names, whoever asked for them."""

    model = GisExportJob

    def retry(self, request: Request, job_id: str) -> Response:
        self._check_owner_names(request, job_id, "execute_gis_export")
        check_again(self._job(job_id, "execute_gis_export"))
        return super().retry(request, job_id)

    def artifact(self, request: Request, job_id: str, name: str) -> HttpResponseBase:
        self._check_owner_names(request, job_id, "view_gis_export_results")
        return super().artifact(request, job_id, name)

    def _check_owner_names(self, request: Request, job_id: str, codename: str) -> None:
        job = self._job(job_id, codename)
        if job.holds_owner_names:
            require(request.user, OWNERS, job.county)


def seen_county(user: Any, county_id: str) -> County:
    """The county, for one who may view it. Raises NotFound for a foreign or missing one, PermissionDenied."""
    county = counties_of(user).filter(pk=county_id).first()
    if county is None:
        raise NotFound
    require(user, "view_county", county)
    return county


class FormatsView(StrictQuery, APIView):
    @extend_schema(operation_id="gis_export_formats", responses=CountyFormatsSerializer)
    def get(self, request: Request, county_id: str) -> Response:
        """The formats the county exports."""
        return Response(formats_json(seen_county(request.user, county_id)))


class DefaultsView(StrictQuery, APIView):
    @extend_schema(operation_id="gis_export_defaults", responses=CountyDefaultsSerializer)
    def get(self, request: Request, county_id: str) -> Response:
        """The county's layers, default parameters and limits."""
        return Response(defaults_json(seen_county(request.user, county_id)))
