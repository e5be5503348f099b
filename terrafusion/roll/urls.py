from django.urls import path

from .views import CountyViewSet, PropertyViewSet, SaleViewSet

LIST, DETAIL = {"get": "list"}, {"get": "retrieve"}

urlpatterns = [
    path("counties", CountyViewSet.as_view(LIST), name="county-list"),
    path("counties/<str:pk>", CountyViewSet.as_view(DETAIL), name="county-detail"),
    path("properties", PropertyViewSet.as_view(LIST), name="property-list"),
    path("properties/<int:pk>", PropertyViewSet.as_view(DETAIL), name="property-detail"),
    path("sales", SaleViewSet.as_view(LIST), name="sale-list"),
    path("sales/<int:pk>", SaleViewSet.as_view(DETAIL), name="sale-detail"),
]
