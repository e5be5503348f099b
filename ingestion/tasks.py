"""The work of an ingestion job."""

from terrafusion.jobs.outcome import Outcome

from .models import IngestionJob


def load_source(job: IngestionJob) -> Outcome:
    """Reads and checks the source. A job that was interrupted goes on from what it had staged."""
    # Readers and rules cost every process of the system a second and 150 MB, so only a load imports them.
    from .loading import load

    return load(job)
