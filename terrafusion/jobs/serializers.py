"""What every request for a job says, and the JSON every job is shown as."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from accounts.permissions import counties_of, may
from county_configs.models import County
from terrafusion.api import PUBLIC_ROOT, StrictSerializer

from .models import Job, JobArtifact


class JobRequestSerializer(StrictSerializer):
    """The part common to all kinds. A kind adds its own fields and its `parameters`.

    `county_id` validates to the County. Context: `request`, `plugin`.
    """

    county_id = serializers.CharField(max_length=64)

    def validate_county_id(self, value: str) -> County:
        user, plugin = self.context["request"].user, self.context["plugin"]
        mine = counties_of(user)
        county = mine.filter(pk=value).first()
        if county is None:
            allowed = ", ".join(mine.values_list("pk", flat=True)[:20]) or "none"
            raise serializers.ValidationError(f"Unknown county {value!r}. Allowed: {allowed}.")
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


class JobSerializer(serializers.Serializer):
    """The shape of a job in the OpenAPI document; answers are made by `job_json`."""

    job_id = serializers.UUIDField()
    county_id = serializers.CharField()
    status = serializers.ChoiceField(Job.Status.choices)
    message = serializers.CharField()
    parameters = serializers.DictField()
    progress = serializers.IntegerField(min_value=0, max_value=100)
    failure_reason = serializers.CharField(allow_null=True)
    attempt = serializers.IntegerField()
    retry_of = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


class JobResultSerializer(JobSerializer):
    result = serializers.DictField(allow_null=True)


class JobLogLineSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    attempt = serializers.IntegerField()
    level = serializers.CharField()
    message = serializers.CharField()
