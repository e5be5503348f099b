"""Accepting a request: one INSERT, or the job an Idempotency-Key already named."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction

from accounts.permissions import require
from county_configs.models import County
from terrafusion.web.problems import Conflict, UnprocessableContent

from ..models import Job
from ..registry import Kind, any_kind_named
from ..rights import require_content
from ..workers.database import database_now

IDEMPOTENCY_KEPT = timedelta(hours=24)


def prepare(
    kind: Kind,
    county: County,
    user: Any,
    *,
    own_fields: Mapping[str, Any],
    parameters: Mapping[str, Any],
    digest: str,
    idempotency_key: str | None = None,
    retry_of: Job | None = None,
) -> Job:
    """The job that a checked request of a user (None: the system itself) asks for; not saved.

    Raises PermissionDenied when the user may not have what it will hold.
    """
    now = database_now()
    job = kind.model(
        kind=kind.name,
        county=county,
        submitted_by=user,
        message=accepted_message(kind.name),
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
    require_content(job, user)
    return job


def queue(job: Any) -> Any:
    """Queues a prepared job. With a key this user sent for this kind within 24 h: the job that key started.

    Raises UnprocessableContent (422) when the key came with another body.
    """
    of_same_key = {
        "submitted_by": job.submitted_by,
        "kind": job.kind,
        "idempotency_key": job.idempotency_key,
    }
    if job.idempotency_key is not None:
        expired = Job.objects.filter(**of_same_key, created_at__lt=job.created_at - IDEMPOTENCY_KEPT)
        expired.update(idempotency_key=None)
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        if job.idempotency_key is None:
            raise
        return _replayed(type(job).objects.get(**of_same_key), job.input_digest)
    return job


def submit(kind: Kind, county: County, user: Any, **request: Any) -> Any:
    """Prepares and queues a job; see `prepare` for what a request says."""
    return queue(prepare(kind, county, user, **request))


def retry(job: Job, user: Any) -> Job:
    """Queues a new job that asks for the same as one that has ended.

    Raises Conflict (409) while the old one is open, PermissionDenied when the user may not run its kind or have what it
    holds, and ValidationError when the county's rules no longer allow what it asks for.
    """
    kind = any_kind_named(job.kind)
    require(user, kind.permission, job.county)
    job = kind.model._default_manager.get(pk=job.pk)  # with the kind's own fields, which a row of `Job` has not
    require_content(job, user)
    if job.is_open:
        raise Conflict(f"The job is still {job.status}; only an ended job can be retried.")
    kind.check_again(job)
    return submit(
        kind,
        job.county,
        user,
        own_fields={name: getattr(job, name) for name in kind.own_fields},
        parameters=job.parameters,
        digest=job.input_digest,
        retry_of=job,
    )


def accepted_message(kind: str) -> str:
    return f"{kind.replace('_', ' ').capitalize()} job accepted and queued."


def _replayed(job: Job, digest: str) -> Job:
    """The job as its first answer showed it, however far it is by now."""
    if job.input_digest != digest:
        raise UnprocessableContent("This Idempotency-Key was used with another request body.")
    job.status, job.progress, job.message = Job.Status.PENDING, 0, accepted_message(job.kind)
    job.attempt, job.failure_reason = 0, ""
    job.started_at = job.completed_at = None
    job.updated_at = job.created_at
    return job
