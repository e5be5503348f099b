"""GET /api/v1/counties/{county_id}/lookup"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from terrafusion.roll.models import Property
from terrafusion.web.api import StrictSerializer
from terrafusion.web.query_parameters import StrictQuery

from ..views import seen_county
from .district_lookup import PARCEL_FIELDS, PlaceUnknown, look_up_parcel, look_up_point


class LookupQuerySerializer(StrictSerializer):
    """A point in degrees, or a parcel number."""

    lon = serializers.FloatField(required=False, min_value=-180, max_value=180)
    lat = serializers.FloatField(required=False, min_value=-90, max_value=90)
    parcel_number = serializers.CharField(required=False, max_length=64)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if set(attrs) not in ({"lon", "lat"}, {"parcel_number"}):
            raise serializers.ValidationError("Write lon and lat, or parcel_number.")
        return attrs


class LookedUpParcelSerializer(serializers.ModelSerializer):
    class Meta:
        model = Property
        fields = PARCEL_FIELDS


class DistrictSerializer(serializers.Serializer):
    """One polygon of a loaded layer. attributes: those of the layer, unchanged."""

    layer = serializers.CharField()
    feature_id = serializers.CharField()
    name = serializers.CharField()
    attributes = serializers.DictField()


class DistrictsOfPlaceSerializer(serializers.Serializer):
    """The place in degrees, the parcels there, and every district that contains it."""

    county_id = serializers.CharField()
    longitude = serializers.FloatField()
    latitude = serializers.FloatField()
    parcels = LookedUpParcelSerializer(many=True)
    tax_code_areas = serializers.ListField(child=serializers.CharField())
    districts = DistrictSerializer(many=True)


class LookupView(StrictQuery, APIView):
    @extend_schema(
        operation_id="district_lookup", parameters=[LookupQuerySerializer], responses=DistrictsOfPlaceSerializer
    )
    def get(self, request: Request, county_id: str) -> Response:
        """The districts a point or parcel is in: its tax code area, and the loaded polygons that contain it."""
        county = seen_county(request.user, county_id)
        names = LookupQuerySerializer().fields
        query = LookupQuerySerializer(
            data={name: value for name, value in request.query_params.items() if name in names}
        )
        query.is_valid(raise_exception=True)
        place = query.validated_data
        if "parcel_number" not in place:
            return Response(look_up_point(county, place["lon"], place["lat"]))
        try:
            return Response(look_up_parcel(county, place["parcel_number"]))
        except PlaceUnknown as error:
            raise serializers.ValidationError({"parcel_number": [str(error)]}) from error
