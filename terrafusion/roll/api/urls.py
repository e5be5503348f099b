"""Reading the roll. A property and a sale are named by their county and the county's own key.

The database's number is in no path: it names another row once a county is loaded anew.
"""

from typing import Any

from django.urls import path, register_converter

from .views import CountyViewSet, PropertyViewSet, SaleViewSet


class CountyKeyConverter:
    """A county's key may hold any character, a slash or a line break too."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(CountyKeyConverter, "county_key")

LIST: dict[str, Any] = {"get": "list"}
DETAIL: dict[str, Any] = {"get": "retrieve"}

PROPERTY = "properties/<str:county_id>/<county_key:property_id>"
SALE = "sales/<str:county_id>/<county_key:sale_id>"

urlpatterns = [
    path("counties", CountyViewSet.as_view(LIST), name="county-list"),
    path("counties/<str:pk>", CountyViewSet.as_view(DETAIL), name="county-detail"),
    path("properties", PropertyViewSet.as_view(LIST), name="property-list"),
    path(PROPERTY, PropertyViewSet.as_view(DETAIL), name="property-detail"),
    path("sales", SaleViewSet.as_view(LIST), name="sale-list"),
    path(SALE, SaleViewSet.as_view(DETAIL), name="sale-detail"),
]
