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


@dataclass(frozen=True)
class InternalKind:
    """A kind of job that the system alone asks for. It has no routes and no permissions of its own: who reviews jobs
    sees, cancels and retries them."""

    model: type[Job]
    work: Work
    time_limit: int  # seconds
    memory_limit: int  # MB

    @property
    def name(self) -> str:
        return self.model.plugin


AnyKind = JobKind | InternalKind

_kinds: dict[str, JobKind] = {}
_internal_kinds: dict[str, InternalKind] = {}


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


def internal_kind(model: type[Job], *, time_limit: int, memory_limit: int) -> Callable[[Work], Work]:
    """Registers the decorated function as the work of `model`, which the system alone asks for."""

    def register(work: Work) -> Work:
        _internal_kinds[model.plugin] = InternalKind(model, work, time_limit, memory_limit)
        return work

    return register


def kind_named(name: str) -> JobKind:
    """Raises KeyError for a plugin that registered no kind."""
    return _kinds[name]


def registered_kinds() -> list[JobKind]:
    """The kinds that users ask for."""
    return sorted(_kinds.values(), key=lambda kind: kind.name)


def work_named(name: str) -> AnyKind:
    """A kind of either sort. Raises KeyError for a name that nobody registered."""
    return _internal_kinds[name] if name in _internal_kinds else _kinds[name]


def all_kinds() -> list[AnyKind]:
    """Those of the plugins and the system's own."""
    return sorted((*_kinds.values(), *_internal_kinds.values()), key=lambda kind: kind.name)


def permission_to_run(name: str) -> str:
    """What a user must hold in the county to start, cancel or retry jobs of this kind."""
    return "review_jobs" if name in _internal_kinds else f"execute_{name}"
