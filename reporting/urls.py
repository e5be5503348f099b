from terrafusion.jobs.urls import job_urls

from .views import ReportJobViewSet

urlpatterns = job_urls(ReportJobViewSet)
