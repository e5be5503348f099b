"""GeoJSON (RFC 7946) as the OpenAPI document shows it."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


def position_lists(depth: int) -> serializers.ListField:
    """Lists of positions in each other: 1 for a line, 2 for the rings of a polygon, 3 for several polygons."""
    field: serializers.ListField = serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=4)
    for _ in range(depth):
        field = serializers.ListField(child=field)
    return field


@extend_schema_field({"type": "array", "items": {}})
class CoordinatesField(serializers.Field):
    """Positions, as deeply nested as the type of the geometry asks."""


class GeoJsonGeometrySerializer(serializers.Serializer):
    """type: Point, LineString, Polygon, MultiPoint, MultiLineString or MultiPolygon. Longitude first, degrees."""

    type = serializers.CharField()
    coordinates = CoordinatesField()
