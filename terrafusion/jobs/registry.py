"""The kinds of job. A plugin says all that the system must know of its kind in one `JobKind`, in its `kind.py`.

URLs, permissions, roles, the OpenAPI document, metrics, admin pages, the sections of `county.yaml` and the life-cycle
tests derive from what is registered here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework.serializers import Serializer

from accounts import roles
from county_configs import county_file
from county_configs.county_file import Section

from .drill import Drill
from .models import Job, plugin_path
from .outcome import Outcome
from .request import JobRequestSerializer, TypedJobRequestSerializer


@dataclass(frozen=True)
class KindMetrics:
    """How a kind is counted.

    prefix: of its metrics' names. buckets: of its histogram, in seconds. label: beside the county; one of the kind's
    own fields, for example report_type.
    """

    prefix: str
    buckets: tuple[float, ...]
    label: str | None = None


def _nothing(job: Any) -> Sequence[str]:
    return ()


def _no_rule(job: Any) -> None:
    return None


@dataclass(frozen=True, eq=False, kw_only=True)
class Kind:
    """All that the system must know of a kind of job that nobody but itself asks for.

    Such a kind has no routes, no request and no permissions of its own: who reviews a county's jobs sees, cancels and
    retries them.

    name: in its rows and log lines.
    model: its table.
    work: what a worker runs; it reads what it needs, returns an Outcome and writes nothing itself.
    own_fields: the model's fields that say what was asked for; shown in every answer and copied by a retry.
    list_fields: the columns of its own in the admin's list.
    also_needs: codenames that a job's content asks for beside the kind's own, for example for owner names. Checked when
    it is requested, retried, started and finished, and when its files are fetched.
    check_again: raises ValidationError when the county's rules have changed and no longer allow what a job asks for.
    Called before a retry; the request checks the same rules.
    time_limit: seconds. memory_limit: MB.
    """

    name: str
    model: type[Job]
    work: Callable[[Any], Outcome]
    metrics: KindMetrics
    own_fields: tuple[str, ...] = ()
    list_fields: tuple[str, ...] = ()
    also_needs: Callable[[Any], Sequence[str]] = _nothing
    check_again: Callable[[Any], None] = _no_rule
    time_limit: int = 3600
    memory_limit: int = 2048

    @property
    def permission(self) -> str:
        """What a user must hold in the county to start, cancel or retry jobs of the kind."""
        return "review_jobs"

    @property
    def drill(self) -> Drill | None:
        """The failure that can be asked for on purpose."""
        return None


@dataclass(frozen=True, eq=False, kw_only=True)
class JobKind(Kind):
    """All that the system must know of a kind of job that users ask for.

    name: also in its permissions, `execute_<name>`; its URLs have hyphens for the underscores.
    request: what a request may say, and its drill. fields: the own fields and parameters in every answer.
    result: what a completed job has; one of several shapes where it depends on the request.
    executed_by: the lowest role that may start it.
    identifier: the name of its id in JSON.
    sections: of `county.yaml` that are its own.
    routes, county_routes: modules of further URLs, under the kind's own address and under /api/v1.
    """

    request: type[JobRequestSerializer]
    fields: type[Serializer]
    result: type[Serializer] | PolymorphicProxySerializer
    executed_by: str
    identifier: str = "job_id"
    sections: tuple[type[Section], ...] = ()
    routes: str = ""
    county_routes: str = ""

    @property
    def permission(self) -> str:
        return f"execute_{self.name}"

    @property
    def drill(self) -> Drill | None:
        return self.request.drill

    @property
    def path(self) -> str:
        """The name as a URL writes it: gis-export."""
        return plugin_path(self.name)

    @property
    def typed_request(self) -> type[TypedJobRequestSerializer] | None:
        """The request, where its parameters depend on a type."""
        return self.request if issubclass(self.request, TypedJobRequestSerializer) else None


class BadKind(ValueError):
    """What a plugin says of its kind of job cannot be; the message names the kind and the field."""


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Makes the kind known. Raises BadKind for one that is registered already or contradicts its model."""
    if kind.name in _kinds:
        raise BadKind(f"The kind of job {kind.name!r} is registered twice: {_kinds[kind.name].model} and {kind.model}.")
    _check_fields(kind)
    if isinstance(kind, JobKind):
        try:
            roles.add_plugin(kind.name, kind.executed_by)
            for section in kind.sections:
                county_file.add_section(section)
        except ValueError as error:
            raise BadKind(str(error)) from error
    _kinds[kind.name] = kind
    return kind


def _check_fields(kind: Kind) -> None:
    label = (kind.metrics.label,) if kind.metrics.label else ()
    drill = (kind.drill.field,) if kind.drill else ()
    for said, names in (("own_fields", kind.own_fields), ("metrics.label", label), ("request.drill", drill)):
        for name in names:
            try:
                kind.model._meta.get_field(name)
            except FieldDoesNotExist:
                raise BadKind(f"{kind.name}: {said} names {name!r}, which {kind.model.__name__} has not.") from None
    for name in kind.list_fields:
        if not hasattr(kind.model, name):
            raise BadKind(f"{kind.name}: list_fields names {name!r}, which {kind.model.__name__} has not.")


def any_kind_named(name: str) -> Kind:
    """Raises KeyError for a name that nobody registered."""
    return _kinds[name]


def kind_named(name: str) -> JobKind:
    """A kind that users ask for. Raises KeyError for a name that no plugin registered."""
    kind = _kinds[name]
    if not isinstance(kind, JobKind):
        raise KeyError(name)
    return kind


def kind_of(model: type[Job]) -> Kind | None:
    """The kind whose jobs are rows of this model; None for `Job` itself, which holds those of every kind."""
    return next((kind for kind in _kinds.values() if kind.model is model), None)


def every_kind() -> list[Kind]:
    """The plugins' kinds and the system's own, in the order of their names."""
    return sorted(_kinds.values(), key=lambda kind: kind.name)


def registered_kinds() -> list[JobKind]:
    """The kinds that users ask for, in the order of their names."""
    return [kind for kind in every_kind() if isinstance(kind, JobKind)]
