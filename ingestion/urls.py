from terrafusion.jobs.urls import job_urls

from .views import IngestionJobViewSet

urlpatterns = job_urls(IngestionJobViewSet)
