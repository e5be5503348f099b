"""The valuation API."""

from terrafusion.jobs.views import JobViewSet

from .models import ValuationJob


class ValuationJobViewSet(JobViewSet):
    """Request valuations and collect their results."""

    model = ValuationJob
