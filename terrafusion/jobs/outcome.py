"""What the work of a job hands to the runner, which alone stores it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db.models import Model


def whole_kb(size_bytes: int) -> int:
    """KB of 1,024 bytes, rounded up."""
    return -(-size_bytes // 1024)


@dataclass(frozen=True)
class OutputFile:
    """A file the work left in its workspace and wants delivered."""

    path: Path
    name: str  # last segment of its URL
    friendly_name: str
    content_type: str

    @property
    def size_kb(self) -> int:
        return whole_kb(self.path.stat().st_size)


@dataclass(frozen=True)
class Outcome:
    """The result of a job: stored whole in one transaction, or not at all.

    result: JSON, kept by the job's own `store_result`.
    rows: unsaved model instances. May be made as they are stored, to bound memory; must give them again when iterated
    again, because a finish is repeated after a lost connection.
    store: for work the database must do itself; runs inside the same transaction.
    """

    result: Mapping[str, Any]
    rows: Iterable[Model] = ()
    files: Sequence[OutputFile] = ()
    store: Callable[[], None] | None = field(default=None)
