"""All that the system must know of the job that takes a snapshot."""

from terrafusion.jobs.registry import Kind, KindMetrics, register

from .models import SnapshotJob
from .tasks import take_snapshot

SNAPSHOTS = register(
    Kind(
        name="analytics_snapshot",
        model=SnapshotJob,
        work=take_snapshot,
        metrics=KindMetrics("analytics_snapshot", (1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)),
        list_fields=("snapshot_id",),
        memory_limit=3072,
    )
)
