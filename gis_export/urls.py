"""Routes of GIS exports beside those that every kind of job has."""

from django.urls import path

from .map.views import MapViewSet
from .views import DefaultsView, FormatsView

urlpatterns = [
    path("jobs/<str:job_id>/map", MapViewSet.as_view({"get": "page"}), name="gis_export-map"),
    path(
        "jobs/<str:job_id>/tiles/<int:zoom>/<int:x>/<int:y>",
        MapViewSet.as_view({"get": "tile"}),
        name="gis_export-tile",
    ),
    path("formats/<str:county_id>", FormatsView.as_view(), name="gis_export-formats"),
    path("defaults/<str:county_id>", DefaultsView.as_view(), name="gis_export-defaults"),
]
