"""Where snapshots stand: an immutable folder for each, and one pointer that names the current one.

    <root>/<county>/snap-<id>/<table>/...parquet, manifest.json
    <root>/<county>/CURRENT

A reader follows the pointer once and then reads a folder that never changes. A folder out of use gets a mark with
the time and is removed when the readers' grace has passed since.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from terrafusion.errors import TerraFusionError

from .tables import SCHEMA_VERSION

POINTER, MANIFEST, OUT_OF_USE = "CURRENT", "manifest.json", "OUT_OF_USE"
PREFIX = "snap-"  # not "snap=": DuckDB would take it for a partition column


class NoSnapshot(TerraFusionError):
    """The county has none yet."""


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
    """The snapshots of all counties in a folder of this machine, or of a file system the machines share."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def new_folder(self, county_id: str, now: datetime) -> tuple[str, Path]:
        """An id that sorts by time, and an empty folder to write to."""
        snapshot_id = f"{now:%Y%m%dT%H%M%S}.{now.microsecond:06d}Z-{secrets.token_hex(3)}"
        folder = self._folder(county_id, snapshot_id)
        folder.mkdir(parents=True)
        return snapshot_id, folder

    def seal(self, folder: Path, manifest: Manifest) -> Snapshot:
        """Writes the manifest and flushes everything to disk. The snapshot is whole, and nobody's yet."""
        (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
        for path in sorted(folder.rglob("*"), reverse=True):
            _flush(path)
        _flush(folder)
        return Snapshot(folder, manifest)

    def publish(self, snapshot: Snapshot, now: datetime) -> bool:
        """Flips the pointer in one rename. False, and no flip, when a newer snapshot is current already."""
        county_id = snapshot.manifest.county_id
        with self._lock(county_id):
            before = self._pointer(county_id)
            if before is not None and before >= snapshot.snapshot_id:
                return before == snapshot.snapshot_id
            (snapshot.folder / OUT_OF_USE).unlink(missing_ok=True)
            pointer = self.root / county_id / POINTER
            temporary = pointer.with_name(f"{POINTER}.{snapshot.snapshot_id}")
            temporary.write_text(snapshot.snapshot_id, encoding="utf-8")
            _flush(temporary)
            os.replace(temporary, pointer)
            _flush(pointer.parent)
            if before is not None:
                self._mark(self._folder(county_id, before), now)
        return True

    def current(self, county_id: str) -> Snapshot | None:
        """The snapshot the pointer names; None when there is none, or none this version can read."""
        snapshot_id = self._pointer(county_id)
        if snapshot_id is None:
            return None
        folder = self._folder(county_id, snapshot_id)
        raw: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return Snapshot(folder, Manifest(**raw)) if raw.get("schema_version") == SCHEMA_VERSION else None

    def purge(
        self, county_id: str, now: datetime, grace: timedelta, release: Callable[[str], None] = lambda snapshot_id: None
    ) -> list[str]:
        """Removes what has been out of use for longer than the grace; returns the ids.

        release: called with an id before its folder goes; where it raises, the folder stays for the next purge.

        A folder that is neither current nor marked (a writer died, or is still at work) is marked now.
        """
        removed = []
        with self._lock(county_id):
            current = self._pointer(county_id)
            for folder in sorted((self.root / county_id).glob(f"{PREFIX}*")):
                snapshot_id = folder.name.removeprefix(PREFIX)
                if snapshot_id == current:
                    continue
                mark = folder / OUT_OF_USE
                if not mark.exists():
                    self._mark(folder, now)
                elif datetime.fromisoformat(mark.read_text(encoding="utf-8")) + grace < now:
                    release(snapshot_id)
                    shutil.rmtree(folder)
                    removed.append(snapshot_id)
        return removed

    def _folder(self, county_id: str, snapshot_id: str) -> Path:
        return self.root / county_id / f"{PREFIX}{snapshot_id}"

    def _pointer(self, county_id: str) -> str | None:
        try:
            return (self.root / county_id / POINTER).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None

    @staticmethod
    def _mark(folder: Path, now: datetime) -> None:
        """Written aside and renamed: a mark is either not there or whole."""
        if folder.exists():
            temporary = folder / f"{OUT_OF_USE}.new"
            temporary.write_text(now.isoformat(), encoding="utf-8")
            os.replace(temporary, folder / OUT_OF_USE)

    @contextmanager
    def _lock(self, county_id: str) -> Iterator[None]:
        """One writer of a county's pointer at a time. Readers need no lock."""
        (self.root / county_id).mkdir(parents=True, exist_ok=True)
        with open(self.root / county_id / ".lock", "w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def snapshot_store() -> SnapshotStore:
    return SnapshotStore(Path(settings.ANALYTICS_DIR))


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
