"""All that the system must know of the ingestion job."""

from terrafusion.jobs.registry import JobKind, KindMetrics, register

from .models import IngestionJob
from .results import IngestionFields, IngestionResultSerializer
from .serializers import IngestionRequestSerializer
from .tasks import load_source

register(
    JobKind(
        name="ingestion",
        model=IngestionJob,
        work=load_source,
        request=IngestionRequestSerializer,
        fields=IngestionFields,
        result=IngestionResultSerializer,
        executed_by="supervisor",
        metrics=KindMetrics("ingestion", (1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)),
        own_fields=("source",),
        list_fields=("source",),
        time_limit=4 * 3600,
    )
)
