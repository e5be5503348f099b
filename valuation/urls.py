from terrafusion.jobs.urls import job_urls

from .views import ValuationJobViewSet

urlpatterns = job_urls(ValuationJobViewSet)
