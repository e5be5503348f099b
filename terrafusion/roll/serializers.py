"""The roll as the API shows it. Personal names appear only where the user may see them in that county."""

from typing import Any

import shapely
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from county_configs.models import County

from .geojson import GeoJsonGeometrySerializer
from .models import Property, Sale

CONFIDENTIAL = "CONFIDENTIAL"


class CountySerializer(serializers.ModelSerializer):
    class Meta:
        model = County
        fields = ("county_id", "name", "state", "fips", "crs", "time_zone", "max_running_jobs")


class PropertySerializer(serializers.ModelSerializer):
    county_id = serializers.CharField()

    class Meta:
        model = Property
        exclude = ("county", "parcel_number_key", "geometry", "west", "south", "east", "north")


class OwnerSerializer(serializers.Serializer):
    tax_year = serializers.IntegerField()
    name = serializers.CharField()
    share = serializers.DecimalField(max_digits=9, decimal_places=6)
    confidential = serializers.BooleanField()


class PropertyDetailSerializer(PropertySerializer):
    """One property with its geometry (GeoJSON), and its owners for those who may see names."""

    geometry = serializers.SerializerMethodField()
    owners = serializers.SerializerMethodField()

    class Meta(PropertySerializer.Meta):
        exclude = tuple(name for name in PropertySerializer.Meta.exclude if name != "geometry")

    @extend_schema_field(GeoJsonGeometrySerializer(allow_null=True))
    def get_geometry(self, row: Any) -> dict[str, Any] | None:
        return None if row.geometry is None else shapely.geometry.mapping(row.geometry)

    @extend_schema_field(OwnerSerializer(many=True, allow_null=True))
    def get_owners(self, row: Any) -> list[dict[str, Any]] | None:
        """null without `view_owner_names`; a confidential owner's name is withheld from everyone here."""
        if not row.user_may_see_names:
            return None
        owners = row.owners.order_by("-tax_year", "pk")
        return [
            {**OwnerSerializer(owner).data, "name": CONFIDENTIAL if owner.confidential else owner.name}
            for owner in owners
        ]


class SaleSerializer(serializers.ModelSerializer):
    county_id = serializers.CharField()
    grantor = serializers.CharField(allow_null=True)
    grantee = serializers.CharField(allow_null=True)
    property_ids = serializers.SerializerMethodField()

    class Meta:
        model = Sale
        exclude = ("county", "properties")

    def get_property_ids(self, row: Any) -> list[str]:
        return [parcel.roll_property.property_id for parcel in row.parcels.all()]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Without `view_owner_names` nobody is named, and where an owner is confidential to nobody."""
        shown = super().to_representation(instance)
        if not instance.user_may_see_names:
            shown["grantor"] = shown["grantee"] = None
        elif instance.has_confidential_owner:
            shown["grantor"] = shown["grantee"] = CONFIDENTIAL
        return shown
