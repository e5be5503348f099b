"""The ingestion job."""

from terrafusion.jobs.outcome import Outcome
from terrafusion.jobs.registry import job_kind

from .models import IngestionJob
from .results import IngestionFields, IngestionResultSerializer
from .serializers import IngestionRequestSerializer


@job_kind(
    IngestionJob,
    request=IngestionRequestSerializer,
    fields=IngestionFields,
    result=IngestionResultSerializer,
    time_limit=4 * 3600,
    memory_limit=2048,
)
def load_source(job: IngestionJob) -> Outcome:
    """Reads and checks the source. A job that was interrupted goes on from what it had staged."""
    # Readers and rules cost every process of the system a second and 150 MB, so only a load imports them.
    from .loading import load

    return load(job)
