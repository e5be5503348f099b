"""An area of interest as the OpenAPI document shows it; area_of_interest.py reads it."""

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from terrafusion.roll.api.geojson import position_lists
from terrafusion.web.openapi import constant


class BoundingBoxSerializer(serializers.Serializer):
    """coordinates: west, south, east, north in degrees. West above east crosses the antimeridian."""

    type = constant("bbox")
    coordinates = serializers.ListField(child=serializers.FloatField(), min_length=4, max_length=4)


class WktAreaSerializer(serializers.Serializer):
    """wkt: a POLYGON or MULTIPOLYGON in longitude and latitude."""

    type = constant("wkt")
    wkt = serializers.CharField()


class CountyBoundarySerializer(serializers.Serializer):
    type = constant("county_boundary")


class PolygonAreaSerializer(serializers.Serializer):
    """A GeoJSON Polygon: rings of positions, the outline first."""

    may_have_more = True  # GeoJSON also allows members such as bbox and crs

    type = constant("Polygon")
    coordinates = position_lists(2)


class MultiPolygonAreaSerializer(serializers.Serializer):
    may_have_more = True

    type = constant("MultiPolygon")
    coordinates = position_lists(3)


class FeatureAreaSerializer(serializers.Serializer):
    """A GeoJSON Feature. Only its geometry is read."""

    may_have_more = True

    type = constant("Feature")
    geometry = PolymorphicProxySerializer(
        "AreaGeometry", [PolygonAreaSerializer, MultiPolygonAreaSerializer], resource_type_field_name=None
    )


AREA_OF_INTEREST = PolymorphicProxySerializer(
    "AreaOfInterest",
    {
        "bbox": BoundingBoxSerializer,
        "wkt": WktAreaSerializer,
        "county_boundary": CountyBoundarySerializer,
        "Polygon": PolygonAreaSerializer,
        "MultiPolygon": MultiPolygonAreaSerializer,
        "Feature": FeatureAreaSerializer,
    },
    resource_type_field_name="type",
)


@extend_schema_field(AREA_OF_INTEREST)
class AreaOfInterestField(serializers.DictField):
    """Any of these shapes; null is the whole county."""
