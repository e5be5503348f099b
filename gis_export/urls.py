from django.urls import path

from terrafusion.jobs.urls import job_urls

from .views import DefaultsView, FormatsView, GisExportJobViewSet

urlpatterns = [
    *job_urls(GisExportJobViewSet),
    path("formats/<str:county_id>", FormatsView.as_view(), name="gis_export-formats"),
    path("defaults/<str:county_id>", DefaultsView.as_view(), name="gis_export-defaults"),
]
