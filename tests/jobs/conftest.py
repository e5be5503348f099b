"""Counties, people and worker processes for the life-cycle tests."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings
from django.db import connection

from terrafusion.jobs.models import Job
from terrafusion.jobs.registry import registered_kinds
from tests.factories import a_county, a_user, client_of

from .examples import EXAMPLES


@pytest.fixture(params=[kind.name for kind in registered_kinds()])
def kind(request):
    """Every registered kind in turn."""
    (found,) = (each for each in registered_kinds() if each.name == request.param)
    return found


@pytest.fixture
def county(db):
    return a_county("benton", max_running_jobs=4)


@pytest.fixture
def other_county(db):
    return a_county("king")


@pytest.fixture
def clerk(kind, county):
    """May start jobs of the kind and see them."""
    trio = (f"execute_{kind.name}", f"view_{kind.name}_status", f"view_{kind.name}_results")
    return a_user("clerk", county, *trio)


@pytest.fixture
def client(clerk):
    return client_of(clerk)


@pytest.fixture
def root(kind):
    return f"/api/v1/{kind.name.replace('_', '-')}"


@pytest.fixture
def body(kind, county):
    return EXAMPLES[kind.name](county)


@pytest.fixture
def submitted(client, root, body, kind):
    """Submits a job; `probe` names what its work shall do instead of its own (tests/probe)."""

    def submit(probe=None, **fields):
        answer = client.post(f"{root}/run", body, format="json")
        assert answer.status_code == 202, answer.content
        job = Job.objects.get(pk=answer.json()[kind.model.identifier])
        if probe:
            fields["parameters"] = job.parameters | {"probe": probe}
        if fields:
            Job.objects.filter(pk=job.pk).update(**fields)
        return kind.model.objects.get(pk=job.pk)

    return submit


@contextlib.contextmanager
def running_workers(workers=2):
    """Real `runworkers` on the test's database; drained at the end."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "terrafusion.settings.test",
        "TERRAFUSION_TEST_DATABASE": str(connection.settings_dict["NAME"]),
        "TERRAFUSION_WORKERS": str(workers),
    }
    process = subprocess.Popen([sys.executable, "manage.py", "runworkers"], cwd=settings.BASE_DIR, env=environment)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=40)


@pytest.fixture
def workers(transactional_db):
    with running_workers() as process:
        yield process


def until(condition, seconds=30):
    """Waits for the condition and returns what it gave; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"Not within {seconds} s.")


def until_status(job, *statuses, seconds=30):
    def reached():
        job.refresh_from_db()
        return job.status in statuses

    until(reached, seconds)
    return job
