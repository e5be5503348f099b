"""The work of a snapshot job."""

from __future__ import annotations

from django.utils import timezone

from terrafusion.jobs.outcome import Outcome

from .models import SnapshotJob


def take_snapshot(job: SnapshotJob) -> Outcome:
    """The flip happens with the end of the job: an attempt that comes late flips nothing."""
    # Imported here: only a worker that writes a snapshot pays for the Parquet library.
    from .writing import publish_snapshot, write_snapshot

    now = timezone.now()
    snapshot = write_snapshot(job.county, now)

    def publish() -> None:
        publish_snapshot(snapshot, now)

    return Outcome({"snapshot_id": snapshot.snapshot_id, "rows": snapshot.manifest.rows}, store=publish)
