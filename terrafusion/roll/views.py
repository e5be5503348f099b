"""Reading the roll: counties, properties, sales. Another county's rows are as if they did not exist."""

from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.permissions import counties_for, counties_of, permitted, require
from county_configs.models import County
from terrafusion.api import CursorPage
from terrafusion.query_parameters import StrictQuery

from .filters import PropertyFilter, SaleFilter
from .models import Owner, Property, Sale, SaleParcel
from .serializers import CountySerializer, PropertyDetailSerializer, PropertySerializer, SaleSerializer


class RollPage(CursorPage):
    ordering = ("updated_at", "id")


class CountyPage(CursorPage):
    ordering = ("county_id",)


class RollViewSet(StrictQuery, ReadOnlyModelViewSet):
    """Lists show the counties on which the user holds `view_county`; a detail tells 403 from 404."""

    pagination_class = RollPage

    def get_queryset(self) -> QuerySet[Any]:
        user = self.request.user
        mine = counties_for(user, "view_county") if self.action == "list" else counties_of(user)
        may_see_names = permitted(user, "view_owner_names", OuterRef("county_id"))
        return self.queryset.filter(county__in=mine).annotate(user_may_see_names=may_see_names)

    def get_object(self) -> Any:
        row = super().get_object()
        require(self.request.user, "view_county", row.county)
        return row


class CountyViewSet(StrictQuery, ReadOnlyModelViewSet):
    """Counties the user may see."""

    serializer_class = CountySerializer
    pagination_class = CountyPage

    def get_queryset(self) -> QuerySet[County]:
        if self.action == "list":
            return counties_for(self.request.user, "view_county")
        return counties_of(self.request.user)

    def get_object(self) -> County:
        county = super().get_object()
        require(self.request.user, "view_county", county)
        return county


class PropertyViewSet(RollViewSet):
    """Properties of the roll. `?q=` finds a parcel number or a situs address."""

    queryset = Property.objects.select_related("county").defer("geometry")
    filterset_class = PropertyFilter
    serializer_class = PropertySerializer

    def get_queryset(self) -> QuerySet[Property]:
        queryset = super().get_queryset()
        return queryset if self.action == "list" else queryset.defer(None)

    def get_serializer_class(self) -> Any:
        return PropertySerializer if self.action == "list" else PropertyDetailSerializer


class SaleViewSet(RollViewSet):
    """Sales with the properties they conveyed."""

    queryset = (
        Sale.objects.select_related("county")
        .prefetch_related(
            Prefetch(
                "parcels",
                SaleParcel.objects.select_related("roll_property").only("sale_id", "roll_property__property_id"),
            )
        )
        .annotate(
            has_confidential_owner=Exists(
                Owner.objects.filter(roll_property__sale_parcels__sale=OuterRef("pk"), confidential=True)
            )
        )
    )
    filterset_class = SaleFilter
    serializer_class = SaleSerializer
