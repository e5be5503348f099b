"""Reading the roll: counties, properties, sales. Another county's rows are as if they did not exist."""

from typing import Any, ClassVar, cast

from django.db.models import OuterRef, Prefetch, QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.permissions import counties_for, counties_of, permitted, require
from county_configs.models import County
from terrafusion.web.api import CursorPage
from terrafusion.web.query_parameters import StrictQuery

from ..current_values import with_current_values
from ..models import Property, Sale, SaleParcel
from ..personal_names import VIEW_OWNER_NAMES
from .filters import PropertyFilter, SaleFilter
from .serializers import CountySerializer, PropertyDetailSerializer, PropertySerializer, SaleSerializer


class RollPage(CursorPage):
    ordering = ("updated_at", "id")


class CountyPage(CursorPage):
    ordering = ("county_id",)


class RollViewSet(StrictQuery, ReadOnlyModelViewSet):
    """Lists show the counties on which the user holds `view_county`; a detail tells 403 from 404.

    county_key: the field that is unique in a county, by which a detail is found.
    """

    pagination_class = RollPage
    county_key: ClassVar[str]

    def get_queryset(self) -> QuerySet[Any]:
        user = self.request.user
        mine = counties_for(user, "view_county") if self.action == "list" else counties_of(user)
        return super().get_queryset().filter(county__in=mine)

    def get_object(self) -> Any:
        named = {name: self.kwargs[name] for name in ("county_id", self.county_key)}
        if any("\0" in text for text in named.values()):  # PostgreSQL has no place for it
            raise NotFound
        row = self.get_queryset().filter(**named).first()
        if row is None:
            raise NotFound
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
    """Properties of the roll. `?q=` finds a parcel number or a situs address.

    Retired ones too, with `retired_at`: whoever keeps a copy by `updated_since` must learn that a property left.
    """

    queryset = Property.objects.select_related("county").defer("geometry")
    county_key = "property_id"
    filterset_class = PropertyFilter
    serializer_class = PropertySerializer

    def get_queryset(self) -> QuerySet[Property]:
        queryset = super().get_queryset()
        if self.action == "list":
            return queryset
        may_see_names = permitted(self.request.user, VIEW_OWNER_NAMES, OuterRef("county_id"))
        return queryset.defer(None).annotate(user_may_see_names=may_see_names)

    def get_serializer_class(self) -> Any:
        return PropertySerializer if self.action == "list" else PropertyDetailSerializer

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        return None if page is None else with_current_values(page)

    def get_object(self) -> Property:
        (row,) = with_current_values([super().get_object()])
        return row


class SaleViewSet(RollViewSet):
    """Sales with the properties they conveyed. Retired ones too, as with properties."""

    queryset = Sale.objects.select_related("county").prefetch_related(
        Prefetch(
            "parcels", SaleParcel.objects.select_related("roll_property").only("sale_id", "roll_property__property_id")
        )
    )
    county_key = "sale_id"
    filterset_class = SaleFilter
    serializer_class = SaleSerializer

    def get_queryset(self) -> QuerySet[Sale]:
        sales: Any = super().get_queryset()
        return cast(QuerySet[Sale], sales.parties_shown_to(self.request.user))
