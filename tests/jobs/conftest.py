"""Counties, people and jobs for the life-cycle tests."""

import pytest

from terrafusion.jobs.models import Job
from terrafusion.jobs.registry import registered_kinds
from tests.factories import a_county, a_user, client_of
from tests.processes import running_workers

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
        job = Job.objects.get(pk=answer.json()[kind.identifier])
        if probe:
            fields["parameters"] = job.parameters | {"probe": probe}
        if fields:
            Job.objects.filter(pk=job.pk).update(**fields)
        return kind.model.objects.get(pk=job.pk)

    return submit


@pytest.fixture(scope="module")
def workers(django_db_setup, tmp_path_factory):
    """Real workers, started once for a module's tests: that costs more than most of what the tests let them do.

    Every job of a test has ended when the test ends, so the workers are idle while its rows are taken away.
    """
    analytics = str(tmp_path_factory.mktemp("analytics"))
    with running_workers(TERRAFUSION_TEST_NO_SCHEDULES="1", TERRAFUSION_TEST_ANALYTICS=analytics) as process:
        yield process
