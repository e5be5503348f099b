"""Where snapshots stand: an immutable folder for each, and one pointer that names the current one.

    <store>/<county>/snap-<id>/<table>/...parquet, manifest.json
    <store>/<county>/CURRENT

The store is a folder, or a prefix of a bucket with a folder on each host as cache. A reader follows the pointer once
and then reads a folder that never changes. A folder out of use gets a mark with the time and is removed when the
readers' grace has passed since; the cache goes by the same rule.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from terrafusion.settings.storage import BucketAddress

from .places import ARRIVING, Bucket, Folder, Place, flush_tree
from .tables import SCHEMA_VERSION

POINTER, MANIFEST, OUT_OF_USE = "CURRENT", "manifest.json", "OUT_OF_USE"
PREFIX = "snap-"  # not "snap=": DuckDB would take it for a partition column


@dataclass(frozen=True)
class Manifest:
    """What a snapshot holds. rows and size_bytes by table; dates as ISO text, '' without a sale."""

    snapshot_id: str
    county_id: str
    taken_at: str
    first_sale: str = ""
    last_sale: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    size_bytes: dict[str, int] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Snapshot:
    """A written snapshot: its folder on this machine, and what it holds."""

    folder: Path
    manifest: Manifest

    @property
    def snapshot_id(self) -> str:
        return self.manifest.snapshot_id


class SnapshotStore:
    """The snapshots of all counties.

    root: the store itself, or with a bucket the cache of this host. grace: how long a reader may be at work.
    """

    def __init__(self, root: Path, bucket: Bucket | None = None, grace: timedelta = timedelta(hours=2)) -> None:
        self.here = Folder(root)
        self.bucket = bucket
        self.grace = grace

    @property
    def place(self) -> Place:
        """Where the pointer stands that everybody follows."""
        return self.bucket or self.here

    def new_folder(self, county_id: str, now: datetime) -> tuple[str, Path]:
        """An id that sorts by time, and an empty folder to write to."""
        snapshot_id = f"{now:%Y%m%dT%H%M%S}.{now.microsecond:06d}Z-{secrets.token_hex(3)}"
        folder = self.here.root / _folder(county_id, snapshot_id)
        folder.mkdir(parents=True)
        return snapshot_id, folder

    def seal(self, folder: Path, manifest: Manifest) -> Snapshot:
        """Writes the manifest, flushes all to disk, and uploads it. The snapshot is whole, and nobody's yet."""
        (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
        flush_tree(folder)
        if self.bucket:
            self.bucket.upload(folder, _folder(manifest.county_id, manifest.snapshot_id))
        return Snapshot(folder, manifest)

    def publish(self, snapshot: Snapshot, now: datetime) -> bool:
        """Flips the pointer in one step. False, and no flip, when a newer snapshot is current already."""
        county_id = snapshot.manifest.county_id
        with self.place.one_writer(county_id):
            before = self._pointer(county_id)
            if before is not None and before >= snapshot.snapshot_id:
                return before == snapshot.snapshot_id
            self.place.write(f"{county_id}/{POINTER}", snapshot.snapshot_id)
        return True

    def current(self, county_id: str) -> Snapshot | None:
        """The snapshot the pointer names; None when there is none, or none this version can read."""
        snapshot_id = self._pointer(county_id)
        if snapshot_id is None:
            return None
        folder = self.here.root / _folder(county_id, snapshot_id)
        if self.bucket and not folder.exists():
            self._fetch(self.bucket, county_id, snapshot_id)
        raw: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return Snapshot(folder, Manifest(**raw)) if raw.get("schema_version") == SCHEMA_VERSION else None

    def purge(
        self, county_id: str, now: datetime, release: Callable[[str], None] = lambda snapshot_id: None
    ) -> list[str]:
        """Removes what has been out of use for longer than the grace; returns the ids.

        release: called with an id before its folder goes; where it raises, the folder stays for the next purge.
        A folder older than the current one and not marked (a writer died, or was overtaken) is marked now. A newer
        one is left alone: its writer may be at work.
        """
        with self.place.one_writer(county_id):
            current = self._pointer(county_id)
            removed = self._clear(self.place, county_id, current, now, release)
        if self.bucket:
            with self.here.one_writer(county_id):
                self._clear(self.here, county_id, current, now)
        return removed

    def _clear(
        self,
        place: Place,
        county_id: str,
        current: str | None,
        now: datetime,
        release: Callable[[str], None] = lambda snapshot_id: None,
    ) -> list[str]:
        removed = []
        for name in sorted(place.folders(county_id)):
            snapshot_id = name.removeprefix(PREFIX)
            if not name.startswith(PREFIX) or current is None or snapshot_id >= current:
                continue
            mark = f"{county_id}/{name}/{OUT_OF_USE}"
            marked = place.read(mark)
            if marked is None:
                place.write(mark, now.isoformat())
            elif datetime.fromisoformat(marked) + self.grace < now:
                release(snapshot_id)
                place.remove_folder(f"{county_id}/{name}")
                removed.append(snapshot_id)
        return removed

    def _fetch(self, bucket: Bucket, county_id: str, snapshot_id: str) -> None:
        """Into the cache of this host, once for all who ask at the same time. Makes room by the purge's rule."""
        path = _folder(county_id, snapshot_id)
        with self.here.one_writer(county_id):
            if not (self.here.root / path).exists():
                for left in self.here.folders(county_id):
                    if left.startswith(ARRIVING):  # of a process that died: nobody else downloads now
                        self.here.remove_folder(f"{county_id}/{left}")
                bucket.download(path, self.here.root / path)
                self._clear(self.here, county_id, snapshot_id, timezone.now())

    def _pointer(self, county_id: str) -> str | None:
        return self.place.read(f"{county_id}/{POINTER}")


def snapshot_store() -> SnapshotStore:
    """The store this installation uses. Make one in each job."""
    grace = timedelta(seconds=settings.ANALYTICS_GRACE_SECONDS)
    if isinstance(settings.ANALYTICS_STORE, BucketAddress):
        return SnapshotStore(settings.ANALYTICS_CACHE_DIR, Bucket(settings.ANALYTICS_STORE), grace)
    return SnapshotStore(settings.ANALYTICS_STORE, grace=grace)


def _folder(county_id: str, snapshot_id: str) -> str:
    return f"{county_id}/{PREFIX}{snapshot_id}"
