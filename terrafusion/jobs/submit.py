"""Accepting a request: one INSERT, or the job an Idempotency-Key already named."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.utils import timezone

from county_configs.models import County
from terrafusion.problems import Conflict, UnprocessableContent

from .models import Job
from .registry import AnyKind, work_named

IDEMPOTENCY_KEPT = timedelta(hours=24)


def request_digest(body: Any) -> str:
    """SHA-256 of a request body, the same for any order of keys."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), cls=DjangoJSONEncoder)
    return hashlib.sha256(canonical.encode()).hexdigest()


def submit(
    kind: AnyKind,
    county: County,
    user: Any,
    *,
    own_fields: Mapping[str, Any],
    parameters: Mapping[str, Any],
    digest: str,
    idempotency_key: str | None = None,
    retry_of: Job | None = None,
) -> Job:
    """Queues a job for a user (None: the system itself).

    With a key this user sent for this kind within 24 h: the job that key started.

    Raises UnprocessableContent (422) when the key came with another body.
    """
    if idempotency_key is not None:
        same_key = Job.objects.filter(submitted_by=user, kind=kind.name, idempotency_key=idempotency_key)
        same_key.filter(created_at__lt=timezone.now() - IDEMPOTENCY_KEPT).update(idempotency_key=None)
    now = timezone.now()
    job = kind.model(
        kind=kind.name,
        county=county,
        submitted_by=user,
        message=accepted_message(kind.model),
        parameters=json.loads(json.dumps(parameters, cls=DjangoJSONEncoder)),
        time_limit=kind.time_limit,
        memory_limit=kind.memory_limit,
        input_digest=digest,
        idempotency_key=idempotency_key,
        retry_of=retry_of,
        run_at=now,
        created_at=now,
        updated_at=now,
        **own_fields,
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        if idempotency_key is None:
            raise
        first = kind.model.objects.get(submitted_by=user, kind=kind.name, idempotency_key=idempotency_key)
        return _replayed(first, digest)
    return job


def retry(job: Job, user: Any) -> Job:
    """Queues a new job that asks for the same as one that has ended.

    Raises Conflict (409) while the old one is open.
    """
    if job.is_open:
        raise Conflict(f"The job is still {job.status}; only an ended job can be retried.")
    return submit(
        work_named(job.kind),
        job.county,
        user,
        own_fields={name: getattr(job, name) for name in job.own_fields},
        parameters=job.parameters,
        digest=job.input_digest,
        retry_of=job,
    )


def accepted_message(model: type[Job]) -> str:
    return f"{model.plugin.replace('_', ' ').capitalize()} job accepted and queued."


def _replayed(job: Job, digest: str) -> Job:
    """The job as its first answer showed it, however far it is by now."""
    if job.input_digest != digest:
        raise UnprocessableContent("This Idempotency-Key was used with another request body.")
    job.status, job.progress, job.message = Job.Status.PENDING, 0, accepted_message(type(job))
    job.attempt, job.failure_reason = 0, ""
    job.started_at = job.completed_at = None
    job.updated_at = job.created_at
    return job
