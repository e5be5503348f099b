"""The API of every kind of job. Views only translate: what a job is allowed to do stands in finish.py."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db.models import OuterRef, QuerySet
from django.http import HttpResponseBase
from django_filters import FilterSet
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.permissions import counties_of, permitted
from terrafusion.digests import json_digest
from terrafusion.web.api import CursorPage
from terrafusion.web.problems import Conflict
from terrafusion.web.query_parameters import StrictQuery

from .. import finish
from ..models import Job
from ..registry import JobKind, kind_named
from ..rights import require_content
from .downloads import download
from .filters import job_filter
from .schema import JobSchema
from .serializers import JobLogLineSerializer, JobSerializer, job_json, result_json
from .submit import prepare, queue, retry

POLL_SECONDS = "1"


def viewset_of(kind: JobKind) -> type[JobViewSet]:
    """The viewset of one kind. It looks the kind up by its name at each call."""
    return type(f"{kind.model.__name__}ViewSet", (JobViewSet,), {"plugin": kind.name, "__doc__": kind.model.__doc__})


class JobViewSet(StrictQuery, GenericViewSet):
    """Request jobs of one kind and collect their results."""

    plugin: ClassVar[str]
    pagination_class = CursorPage
    list_action = "jobs"
    serializer_class = JobSerializer
    schema = JobSchema()

    @property
    def kind(self) -> JobKind:
        return kind_named(self.plugin)

    def get_queryset(self) -> QuerySet[Any]:
        """Jobs of the counties the user belongs to; another county's job is as if it did not exist."""
        return self.kind.model._default_manager.filter(county__in=counties_of(self.request.user))

    @property
    def filterset_class(self) -> type[FilterSet]:
        return job_filter(self.kind)

    def get_serializer_class(self) -> Any:
        """The browsable API's form shows what a request may say."""
        return self.kind.request if self.action == "run" else super().get_serializer_class()

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "plugin": self.plugin}

    # --- Calls ---

    def run(self, request: Request) -> Response:
        """Checks the request and queues the job."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        fields = dict(serializer.validated_data)
        county, parameters = fields.pop("county_id"), fields.pop("parameters", {})
        job = prepare(
            self.kind,
            county,
            request.user,
            own_fields=fields,
            parameters=parameters,
            digest=json_digest(request.data),
            idempotency_key=_idempotency_key(request),
        )
        if _is_true(request.query_params.get("validate_only")):
            return Response({"valid": True, "county_id": county.pk, "parameters": parameters, **fields})
        return _accepted(queue(job))

    def status(self, request: Request, job_id: str) -> Response:
        """The job. `ETag` and 304 when unchanged; `Retry-After` while it is open."""
        job = self._job(job_id, f"view_{self.plugin}_status")
        etag = f'W/"{job.attempt}-{job.status}-{job.updated_at.timestamp():.6f}"'
        headers = {"ETag": etag} | ({"Retry-After": POLL_SECONDS} if job.is_open else {})
        if request.headers.get("If-None-Match") == etag:
            return Response(status=304, headers=headers)
        return Response(job_json(job), headers=headers)

    def results(self, request: Request, job_id: str) -> Response:
        """The job and its result, which is null until the job is COMPLETED."""
        job = self._job(job_id, f"view_{self.plugin}_results")
        headers = {"Retry-After": POLL_SECONDS} if job.is_open else {}
        return Response(result_json(job), headers=headers)

    def jobs(self, request: Request) -> Response:
        """Jobs of the counties whose job status the user may see, newest first."""
        visible = self.get_queryset().filter(
            permitted(request.user, f"view_{self.plugin}_status", OuterRef("county_id"))
        )
        page = self.paginate_queryset(self.filter_queryset(visible).order_by("-created_at", "id"))
        return self.get_paginated_response([job_json(job) for job in page or ()])

    def cancel(self, request: Request, job_id: str) -> Response:
        """Ends a waiting job at once and a running one within seconds. Repeating it changes nothing."""
        job = self._job(job_id, f"execute_{self.plugin}")
        if not finish.cancel(job):
            raise Conflict(f"The job has already ended: {job.status}.")
        job.refresh_from_db()
        return Response(job_json(job), status=202)

    def retry(self, request: Request, job_id: str) -> Response:
        """Queues a new job that asks for the same as one that has ended."""
        job = self._job(job_id, f"execute_{self.plugin}")
        return _accepted(retry(job, request.user))

    def log(self, request: Request, job_id: str) -> Response:
        """What happened to the job, line by line."""
        job = self._job(job_id, f"view_{self.plugin}_status")
        return Response(list(job.log_lines.values(*JobLogLineSerializer().fields)))

    def artifact(self, request: Request, job_id: str, name: str) -> HttpResponseBase:
        """A file of the result. Honours `Range`."""
        job = self._job(job_id, f"view_{self.plugin}_results")
        artifact = job.artifacts.filter(name=name).first()
        if artifact is None:
            raise NotFound
        require_content(job, request.user)
        return download(artifact, request.headers.get("Range"))

    def _job(self, job_id: str, codename: str) -> Any:
        """One query: the job, whether it is the user's county's, and whether the user may do this."""
        try:
            key = uuid.UUID(job_id)
        except ValueError:
            raise ValidationError({self.kind.identifier: [f"{job_id!r} is not a UUID."]}) from None
        permission = permitted(self.request.user, codename, OuterRef("county_id"))
        job = self.get_queryset().annotate(user_may=permission).filter(pk=key).first()
        if job is None:
            raise NotFound
        if not job.user_may:
            raise PermissionDenied(f"Your role in {job.county_id} lacks the permission {codename}.")
        return job


def _accepted(job: Job) -> Response:
    location = f"{job.address}/status/{job.pk}"
    return Response(job_json(job), status=202, headers={"Location": location, "Retry-After": POLL_SECONDS})


def _is_true(value: str | None) -> bool:
    if value not in (None, "true", "false"):
        raise ValidationError({"validate_only": ["Write true or false."]})
    return value == "true"


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= 255:
        raise ValidationError({"Idempotency-Key": ["1 to 255 characters."]})
    return key
