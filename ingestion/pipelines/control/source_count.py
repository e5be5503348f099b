"""The first control: as many rows were read as the source says it holds.

Later controls cannot see a row that the reader skipped. So the source is counted a second time, in another way than
the reader counts, and a difference stops the load before anything is written.
"""

from __future__ import annotations

from dataclasses import replace

from ingestion.connectors.source import Counted, Source, UnreadableSource

from ..staging import StagedSet


def check_count(staged: StagedSet, source: Source) -> None:
    """Raises UnreadableSource, which states both counts, if they differ. A source that cannot be counted passes."""
    if staged.state.counted is not None or not isinstance(source, Counted):
        return
    counted = source.count()
    if counted is None:
        return
    if counted != staged.state.read:
        raise UnreadableSource(
            f"{source.name} holds {counted:,} rows by its own count, but {staged.state.read:,} were read; "
            "nothing was written."
        )
    staged.save(replace(staged.state, counted=counted))
