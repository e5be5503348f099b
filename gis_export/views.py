"""What a county exports: its formats, layers, defaults and limits."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import counties_of, require
from county_configs.models import County
from terrafusion.web.query_parameters import StrictQuery

from .county_rules import defaults_json, formats_json
from .results import CountyDefaultsSerializer, CountyFormatsSerializer


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
