"""The kinds of job. A plugin registers one by decorating the function that does its work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .models import Job

if TYPE_CHECKING:
    from drf_spectacular.utils import PolymorphicProxySerializer
    from rest_framework.serializers import Serializer

    from .outcome import Outcome

Work = Callable[[Any], "Outcome"]


@dataclass(frozen=True)
class JobKind:
    """A model, the work that runs it, what a request for it may say and what its answers look like.

    fields: the kind's own fields and parameters in every answer. result: what a completed job has; one of several
    shapes where it depends on the request.
    """

    model: type[Job]
    work: Work
    request: type[Serializer]
    fields: type[Serializer]
    result: type[Serializer] | PolymorphicProxySerializer
    time_limit: int  # seconds
    memory_limit: int  # MB

    @property
    def name(self) -> str:
        return self.model.plugin


_kinds: dict[str, JobKind] = {}


def job_kind(
    model: type[Job],
    *,
    request: type[Serializer],
    fields: type[Serializer],
    result: type[Serializer] | PolymorphicProxySerializer,
    time_limit: int = 3600,
    memory_limit: int = 2048,
) -> Callable[[Work], Work]:
    """Registers the decorated function as the work of `model`.

    The function gets the job, reads what it needs and returns an Outcome; it writes nothing itself.
    """

    def register(work: Work) -> Work:
        _kinds[model.plugin] = JobKind(model, work, request, fields, result, time_limit, memory_limit)
        return work

    return register


def kind_named(name: str) -> JobKind:
    """Raises KeyError for a plugin that registered no kind."""
    return _kinds[name]


def registered_kinds() -> list[JobKind]:
    return sorted(_kinds.values(), key=lambda kind: kind.name)
