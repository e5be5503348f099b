"""The roll as the API shows it. Personal names appear only where the user may see them in that county."""

from typing import Any
from urllib.parse import quote, urlencode

import shapely
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from county_configs.models import County
from terrafusion.web.api import PUBLIC_ROOT

from ..models import AssessedValue, Property, Sale
from .geojson import GeoJsonGeometrySerializer


class CountySerializer(serializers.ModelSerializer):
    class Meta:
        model = County
        fields = ("county_id", "name", "state", "fips", "crs", "time_zone", "max_running_jobs")


class AssessedValuesSerializer(serializers.ModelSerializer):
    """Dollars."""

    class Meta:
        model = AssessedValue
        fields = (
            "tax_year",
            "supplement",
            "status",
            "market_land",
            "market_improvement",
            "market_total",
            "assessed_value",
            "exempt_value",
            "taxable_value",
        )


class PropertyLinksSerializer(serializers.Serializer):
    self = serializers.CharField()
    sales = serializers.CharField()


class SaleLinksSerializer(serializers.Serializer):
    self = serializers.CharField()


def path_of(things: str, county_id: str, key: str) -> str:
    """Where a property or sale is read. Every character of its key is quoted, a slash too."""
    return f"{PUBLIC_ROOT}/{things}/{quote(county_id, safe='')}/{quote(key, safe='')}"


class PropertySerializer(serializers.ModelSerializer):
    """assessed_values: of the county's latest tax year, by the latest supplement; null where there are none then.

    retired_at: since when the property is no longer on the roll; null for a current one.
    Rows come `with_current_values`.
    """

    county_id = serializers.CharField()
    assessed_values = AssessedValuesSerializer(source="current_value", allow_null=True, read_only=True)
    links = serializers.SerializerMethodField()

    class Meta:
        model = Property
        exclude: tuple[str, ...] = ("county", "parcel_number_key", "geometry", "west", "south", "east", "north")

    @extend_schema_field(PropertyLinksSerializer)
    def get_links(self, row: Any) -> dict[str, str]:
        sales = urlencode({"county_id": row.county_id, "property_id": row.property_id})
        return {
            "self": path_of("properties", row.county_id, row.property_id),
            "sales": f"{PUBLIC_ROOT}/sales?{sales}",
        }


class OwnerSerializer(serializers.Serializer):
    tax_year = serializers.IntegerField()
    name = serializers.CharField(source="shown_name")
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
        """Current owners of every tax year; null without `view_owner_names`."""
        if not row.user_may_see_names:
            return None
        owners = row.owners.current().shown_to(self.context["request"].user)
        return [dict(OwnerSerializer(owner).data) for owner in owners.order_by("-tax_year", "pk")]


class SaleSerializer(serializers.ModelSerializer):
    """grantor, grantee: null without `view_owner_names`. Rows come `parties_shown_to` the user."""

    county_id = serializers.CharField()
    grantor = serializers.CharField(source="shown_grantor", allow_null=True)
    grantee = serializers.CharField(source="shown_grantee", allow_null=True)
    property_ids = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = Sale
        exclude = ("county", "properties")

    def get_property_ids(self, row: Any) -> list[str]:
        return [parcel.roll_property.property_id for parcel in row.parcels.all()]

    @extend_schema_field(SaleLinksSerializer)
    def get_links(self, row: Any) -> dict[str, str]:
        return {"self": path_of("sales", row.county_id, row.sale_id)}
