from terrafusion.jobs.urls import job_urls

from .views import MarketAnalysisJobViewSet

urlpatterns = job_urls(MarketAnalysisJobViewSet)
