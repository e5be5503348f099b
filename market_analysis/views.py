"""The market analysis API."""

from terrafusion.jobs.views import JobViewSet

from .models import MarketAnalysisJob


class MarketAnalysisJobViewSet(JobViewSet):
    """Request market analyses and collect their results."""

    model = MarketAnalysisJob
