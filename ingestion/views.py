"""The ingestion API."""

from terrafusion.jobs.views import JobViewSet

from .models import IngestionJob


class IngestionJobViewSet(JobViewSet):
    """Request loads of a county's roll and collect their control totals."""

    model = IngestionJob
