"""The JSON every job is shown as."""

from typing import Any

from rest_framework import serializers

from ..models import FailureReason, Job, JobArtifact
from ..registry import kind_named


def job_json(job: Job) -> dict[str, Any]:
    """The job as the API shows it; makes no query."""
    kind, root = kind_named(job.kind), job.address
    return {
        kind.identifier: str(job.pk),
        "county_id": job.county_id,
        **{name: _in_order(getattr(job, name)) for name in kind.own_fields},
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
    return [_in_order(member) for member in value] if isinstance(value, list) else value


def result_json(job: Job) -> dict[str, Any]:
    """The job with its result: null until COMPLETED. One query for the files."""
    result = None
    if job.status == Job.Status.COMPLETED:
        result = job.result_json()
        if files := [artifact_json(job, artifact) for artifact in job.artifacts.all()]:
            result["artifacts"] = files
    return job_json(job) | {"result": result}


def artifact_json(job: Job, artifact: JobArtifact) -> dict[str, Any]:
    return {
        "name": artifact.name,
        "location": job.artifact_address(artifact.name),
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
