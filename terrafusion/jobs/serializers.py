"""What every request for a job says, and the JSON every job is shown as."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from accounts.permissions import counties_of, may
from county_configs.county_argument import unknown_county
from county_configs.models import County
from terrafusion.api import PUBLIC_ROOT, StrictSerializer

from .models import FailureReason, Job, JobArtifact


class JobRequestSerializer(StrictSerializer):
    """The part common to all kinds. A kind adds its own fields and its `parameters`.

    `county_id` validates to the County. Context: `request`, `plugin`.

    type_field, parameters_by_type: where what `parameters` may say depends on a field of the request, that field, and
    by its value what they may say.
    """

    type_field: ClassVar[str] = ""
    parameters_by_type: ClassVar[Mapping[str, type[serializers.Serializer]]] = {}

    county_id = serializers.CharField(max_length=64)

    def validate_county_id(self, value: str) -> County:
        user, plugin = self.context["request"].user, self.context["plugin"]
        mine = counties_of(user)
        county = mine.filter(pk=value).first()
        if county is None:
            raise serializers.ValidationError(unknown_county(value, mine, "Allowed"))
        if not may(user, f"execute_{plugin}", county):
            raise PermissionDenied(f"Your role in {county.pk} lacks the permission execute_{plugin}.")
        return county


def plugin_url(job: Job) -> str:
    return f"{PUBLIC_ROOT}/{job.plugin.replace('_', '-')}"


def job_json(job: Job) -> dict[str, Any]:
    """The job as the API shows it; makes no query."""
    root = plugin_url(job)
    return {
        job.identifier: str(job.pk),
        "county_id": job.county_id,
        **{name: _in_order(getattr(job, name)) for name in job.own_fields},
        "status": job.status,
        "message": job.message,
        "parameters": _in_order(job.parameters),
        "progress": job.progress,
        "failure_reason": job.failure_reason or None,
        "attempt": job.attempt,
        "retry_of": str(job.retry_of_id) if job.retry_of_id else None,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "started_at": job.started_at,
        "completed_at": job.completed_at,
        "links": {
            "status": f"{root}/status/{job.pk}",
            "results": f"{root}/results/{job.pk}",
            "log": f"{root}/jobs/{job.pk}/log",
            "cancel": f"{root}/jobs/{job.pk}/cancel",
            "retry": f"{root}/jobs/{job.pk}/retry",
        },
    }


def _in_order(value: Any) -> Any:
    """Keys by name: PostgreSQL keeps JSON in an order of its own, and a replayed answer must equal the first."""
    if isinstance(value, dict):
        return {name: _in_order(value[name]) for name in sorted(value)}
    return [_in_order(each) for each in value] if isinstance(value, list) else value


def result_json(job: Job) -> dict[str, Any]:
    """The job with its result: null until COMPLETED. One query for the files."""
    result = None
    if job.status == Job.Status.COMPLETED:
        result = job.result_json()
        if files := [artifact_json(job, each) for each in job.artifacts.all()]:
            result["artifacts"] = files
    return job_json(job) | {"result": result}


def artifact_json(job: Job, artifact: JobArtifact) -> dict[str, Any]:
    return {
        "name": artifact.name,
        "location": f"{plugin_url(job)}/jobs/{job.pk}/artifacts/{artifact.name}",
        "content_type": artifact.content_type,
        "size_bytes": artifact.size_bytes,
        "sha256": artifact.sha256,
        "expires_at": artifact.expires_at,
    }


class JobLinksSerializer(serializers.Serializer):
    """Paths on this server."""

    status = serializers.CharField()
    results = serializers.CharField()
    log = serializers.CharField()
    cancel = serializers.CharField()
    retry = serializers.CharField()


class JobSerializer(serializers.Serializer):
    """What jobs of all kinds have in the OpenAPI document (schema.py adds the rest); answers are made by `job_json`."""

    county_id = serializers.CharField()
    status = serializers.ChoiceField(Job.Status.choices)
    message = serializers.CharField()
    progress = serializers.IntegerField(min_value=0, max_value=100)
    failure_reason = serializers.ChoiceField(FailureReason.choices, allow_null=True)
    attempt = serializers.IntegerField()
    retry_of = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    links = JobLinksSerializer()


class ArtifactSerializer(serializers.Serializer):
    """A file of the result. location: a path on this server that GET with the token downloads."""

    name = serializers.CharField()
    location = serializers.CharField()
    content_type = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    expires_at = serializers.DateTimeField()


class ResultSerializer(serializers.Serializer):
    """What the results of all kinds have. artifacts: only where the job delivers files."""

    artifacts = ArtifactSerializer(many=True, required=False)


class JobLogLineSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    attempt = serializers.IntegerField()
    level = serializers.CharField()
    message = serializers.CharField()
