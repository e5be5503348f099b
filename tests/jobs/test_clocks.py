"""Hosts whose clocks differ: what is compared between them is told by the database's clock."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from terrafusion.jobs.models import Job
from terrafusion.jobs.workers.queue import claim_next
from terrafusion.jobs.workers.runner import run_next_job

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.parametrize("kind", ["valuation"], indirect=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite serves the processes of one host."),
]


@pytest.fixture
def on_a_host_that_is(monkeypatch):
    right = timezone.now

    def shift(**ahead):
        monkeypatch.setattr(timezone, "now", lambda: right() + timedelta(**ahead))

    return shift


def test_a_job_submitted_by_a_host_that_is_ahead_is_due_at_once(submitted, on_a_host_that_is):
    on_a_host_that_is(hours=1)
    job = submitted()

    assert claim_next().pk == job.pk


@pytest.mark.parametrize("ahead", [{"hours": 1}, {"hours": -1}])
def test_a_run_that_ends_on_another_host_has_its_true_length(submitted, on_a_host_that_is, ahead):
    submitted(probe="complete")
    on_a_host_that_is(**ahead)

    run_next_job()

    job = Job.objects.get()
    assert 0 < job.processing_seconds < 60
    assert job.started_at < job.completed_at < job.started_at + timedelta(minutes=1)
    assert job.updated_at == job.completed_at


def test_an_idempotency_key_lasts_a_day_by_the_database(client, root, body, on_a_host_that_is):
    headers = {"Idempotency-Key": "roll-2026"}
    first = client.post(f"{root}/run", body, format="json", headers=headers).json()

    on_a_host_that_is(hours=25)
    again = client.post(f"{root}/run", body, format="json", headers=headers).json()

    assert again["job_id"] == first["job_id"]
