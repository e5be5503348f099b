"""The documents of OGC API - Features (17-069r4) as the OpenAPI document shows them."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from terrafusion.roll.api.geojson import GeoJsonGeometrySerializer
from terrafusion.web.openapi import constant


class LinkSerializer(serializers.Serializer):
    """href: a complete address. rel: how it relates to the document that holds the link. type: its media type."""

    href = serializers.URLField()
    rel = serializers.CharField()
    type = serializers.CharField()
    title = serializers.CharField(required=False)


class LandingPageSerializer(serializers.Serializer):
    title = serializers.CharField()
    description = serializers.CharField()
    links = LinkSerializer(many=True)


class ConformanceSerializer(serializers.Serializer):
    conformsTo = serializers.ListField(child=serializers.URLField())  # noqa: N815 - the standard's name


class SpatialExtentSerializer(serializers.Serializer):
    """bbox: a list with one box: west, south, east, north."""

    bbox = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=4, max_length=4)
    )
    crs = serializers.CharField()


class ExtentSerializer(serializers.Serializer):
    spatial = SpatialExtentSerializer()


class CollectionSerializer(serializers.Serializer):
    """One layer. extent: absent while the county has no shapes. crs: the systems in which its items are offered."""

    id = serializers.CharField()
    title = serializers.CharField()
    itemType = serializers.CharField()  # noqa: N815
    crs = serializers.ListField(child=serializers.CharField())
    storageCrs = serializers.CharField()  # noqa: N815
    links = LinkSerializer(many=True)
    extent = ExtentSerializer(required=False)


class CollectionsSerializer(serializers.Serializer):
    links = LinkSerializer(many=True)
    collections = CollectionSerializer(many=True)
    crs = serializers.ListField(child=serializers.CharField())


@extend_schema_field({"type": ["integer", "string"]})
class FeatureKeyField(serializers.Field):
    """The feature's number in its layer."""


class FeatureSerializer(serializers.Serializer):
    """properties: the fields of the layer. geometry: null where the feature has no known shape."""

    type = constant("Feature")
    id = FeatureKeyField()
    geometry = GeoJsonGeometrySerializer(allow_null=True)
    properties = serializers.DictField()
    links = LinkSerializer(many=True, required=False)


class FeatureCollectionSerializer(serializers.Serializer):
    """numberMatched: absent from the second page on, and where counting would mean testing every shape."""

    type = constant("FeatureCollection")
    timeStamp = serializers.DateTimeField()  # noqa: N815
    numberReturned = serializers.IntegerField()  # noqa: N815
    numberMatched = serializers.IntegerField(required=False)  # noqa: N815
    links = LinkSerializer(many=True)
    features = FeatureSerializer(many=True)
