"""The OpenAPI document of the jobs: every call of every kind, derived from what the kind says of itself."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, PolymorphicProxySerializer
from rest_framework import serializers

from terrafusion.web.api import StrictSerializer
from terrafusion.web.openapi import ANY_TYPE, BINARY, BYTES, ApiSchema, constant, response_header

from ..registry import JobKind
from ..request import TypedJobRequestSerializer
from .serializers import JobLogLineSerializer, JobSerializer

RETRY_AFTER = "Seconds until it is worth asking again."
PARAMETERS = {
    "run": [
        OpenApiParameter(
            "Idempotency-Key",
            {"type": "string", "minLength": 1, "maxLength": 255},
            OpenApiParameter.HEADER,
            description="Of the caller's making; for 24 h the same key and body give the same job.",
        ),
        OpenApiParameter("validate_only", OpenApiTypes.BOOL, description="Checks the request and queues nothing."),
        response_header("Location", "Path of the job's status.", 202),
        response_header("Retry-After", RETRY_AFTER, 202),
    ],
    "status": [
        OpenApiParameter(
            "If-None-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The `ETag` of the last answer."
        ),
        response_header("ETag", "Changes whenever the job does.", 200, 304),
        response_header("Retry-After", RETRY_AFTER + " While the job is open.", 200, 304),
    ],
    "results": [response_header("Retry-After", RETRY_AFTER + " While the job is open.", 200)],
    "retry": [
        response_header("Location", "Path of the new job's status.", 202),
        response_header("Retry-After", RETRY_AFTER, 202),
    ],
    "artifact": [
        OpenApiParameter(
            "Range", OpenApiTypes.STR, OpenApiParameter.HEADER, description="One range of bytes: `bytes=0-1023`."
        ),
        response_header("Content-Disposition", "The file's name for whoever saves it.", 200, 206),
        response_header("Repr-Digest", "SHA-256 of the whole file (RFC 9530).", 200, 206),
        response_header("Content-Range", "Which bytes these are, and how many there are.", 206, 416),
    ],
}
JOB_ID = OpenApiParameter("job_id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The job.")


class JobSchema(ApiSchema):
    """Of a JobViewSet: answers have the kind's own identifier, fields, parameters and result."""

    view: Any

    @property
    def kind(self) -> JobKind:
        return self.view.kind

    @property
    def action(self) -> str:
        return self.view.action

    def get_operation_id(self) -> str:
        return f"{self.kind.name}_{self.action}"

    def get_override_parameters(self) -> list[Any]:
        named = [JOB_ID] if "{job_id}" in self.path else []
        return [*named, *PARAMETERS.get(self.action, ())]

    def get_request_serializer(self) -> Any:
        return request_serializer(self.kind) if self.action == "run" else None

    def get_response_serializers(self) -> Any:
        job = job_serializer(self.kind)
        answers: dict[str, dict[Any, Any]] = {
            "run": {
                202: OpenApiResponse(job, "The job, queued."),
                200: OpenApiResponse(check_serializer(self.kind), "With `validate_only=true`: what would be queued."),
                422: None,
            },
            "status": {200: job, 304: OpenApiResponse(description="The job is as it was.")},
            "results": {200: finished_serializer(self.kind)},
            "jobs": {200: job(many=True)},
            "cancel": {202: job, 409: None},
            "retry": {202: OpenApiResponse(job, "The new job."), 409: None},
            "log": {200: JobLogLineSerializer(many=True)},
            # Generators know bytes by the second name; the file comes under its own type.
            "artifact": {
                (200, BYTES, ANY_TYPE): OpenApiResponse(BINARY, "The file."),
                (206, BYTES, ANY_TYPE): OpenApiResponse(BINARY, "The range asked for."),
                410: None,
                416: None,
            },
        }
        return answers[self.action]

    def get_filter_backends(self) -> list[Any]:
        return super().get_filter_backends() if self.action == "jobs" else []

    def _get_paginator(self) -> Any:
        return super()._get_paginator() if self.action == "jobs" else None


# --- Shapes of a kind ---


@cache
def job_serializer(kind: JobKind) -> type[serializers.Serializer]:
    """The job as `job_json` shows it, named after its model: ReportJob."""
    identifier = type("Identified", (serializers.Serializer,), {kind.identifier: serializers.UUIDField()})
    return _named(kind.model.__name__, (_with_parameters(kind), JobSerializer, identifier))


@cache
def finished_serializer(kind: JobKind) -> type[serializers.Serializer]:
    """The job with its result: ReportJobWithResult."""
    result: Any = kind.result
    if isinstance(result, PolymorphicProxySerializer):
        nullable: Any = PolymorphicProxySerializer(result.component_name, result.serializers, None, allow_null=True)
    else:
        nullable = result(allow_null=True)
    return _named(f"{kind.model.__name__}WithResult", (job_serializer(kind),), result=nullable)


@cache
def check_serializer(kind: JobKind) -> type[serializers.Serializer]:
    """What `validate_only` answers: the request with its defaults filled in. ReportJobCheck."""
    shown = _with_parameters(kind)
    own = {"valid": serializers.BooleanField(), "county_id": serializers.CharField()}
    return _named(f"{kind.model.__name__}Check", (shown,), **own, may_lack=set(shown().fields))


@cache
def request_serializer(kind: JobKind) -> Any:
    """The request; where its parameters depend on a type, one shape for each type."""
    request = kind.typed_request
    if request is None:
        return kind.request
    variants: dict[str, Any] = {name: _request_of_type(request, name) for name in _parameters_by_type(request)}
    return PolymorphicProxySerializer(_plain_name(request), variants, request.type_field)


def _parameters_by_type(request: type[TypedJobRequestSerializer]) -> dict[str, type[serializers.Serializer]]:
    """Those of a drill too: none."""
    drill = {request.drill.value: StrictSerializer} if request.drill else {}
    return {str(name): own for name, own in request.parameters_by_type.items()} | drill


def _request_of_type(request: type[TypedJobRequestSerializer], name: str) -> type[serializers.Serializer]:
    parameters = _of_type(request, name)()
    fields: dict[str, Any] = {request.type_field: constant(name), "parameters": None}  # None: there are none
    if parameters.fields:
        needed = any(field.required for field in parameters.fields.values())
        fields["parameters"] = type(parameters)(required=needed)
    return _named(f"{_camel(name)}Request", (request,), **fields)


def _of_type(request: type[TypedJobRequestSerializer], name: str) -> type[serializers.Serializer]:
    """The parameters of one type under a name of their own: SalesRatioStudyParameters."""
    own = _parameters_by_type(request)[name]
    return _named(f"{_camel(name)}Parameters", (own,), __doc__=own.__doc__)


@cache
def _with_parameters(kind: JobKind) -> type[serializers.Serializer]:
    """The kind's own fields, and the parameters: those of its type alone are there, the others are absent."""
    request = kind.typed_request
    if request is None:
        return kind.fields
    every = tuple(dict.fromkeys(own for own in request.parameters_by_type.values() if own().fields))
    names = {name for own in every for name in own().fields}
    fields = {name: field for own in reversed(every) for name, field in own._declared_fields.items()}
    parameters = _named(f"{kind.model.__name__}Parameters", (serializers.Serializer,), **fields, may_lack=names)
    return type(f"{kind.model.__name__}Fields", (kind.fields,), {"parameters": parameters()})


def _named(name: str, bases: tuple[type, ...], **content: Any) -> Any:
    return type(f"{name}Serializer", bases, content)


def _plain_name(serializer: type[serializers.Serializer]) -> str:
    return serializer.__name__.removesuffix("Serializer")


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.lower().split("_"))
