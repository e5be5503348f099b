"""One web server and one tree of workers for all flows, on a database that is emptied afterwards."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from terrafusion.jobs.registry import registered_kinds
from tests.factories import PASSWORD, a_county, a_user
from tests.jobs.examples import EXAMPLES
from tests.processes import ApiClient, running_workers, until, web_server
from tests.valuation.roll import a_house

HERE = Path(__file__).parent
PREFIXES = ("/api/v1", "/plugins/v1")
HOSTILE_KEY = "12/34 50% Straße?"
METRICS_TOKEN = "scrape"


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.integration)
            item.add_marker(pytest.mark.django_db)  # else pytest-django makes no test database


@pytest.fixture(autouse=True)
def _django_db_marker():
    """In place of pytest-django's, which wraps a test in a transaction: the server's processes must see the data."""


@dataclass(frozen=True)
class Kind:
    """What a client knows of a kind of job. request: one that works."""

    name: str
    identifier: str
    request: dict

    @property
    def path(self):
        return self.name.replace("_", "-")


@dataclass(frozen=True)
class System:
    address: str
    kinds: dict[str, Kind]

    def signed_in(self, username):
        return ApiClient(self.address, username, PASSWORD)


@pytest.fixture(scope="package")
def system(django_db_setup, django_db_blocker, tmp_path_factory):
    """The whole product at work, as a client finds it."""
    switched_on = {
        "TERRAFUSION_SIMULATED_FAILURES": "true",
        "TERRAFUSION_METRICS_TOKEN": METRICS_TOKEN,
        "TERRAFUSION_TEST_ANALYTICS": str(tmp_path_factory.mktemp("analytics")),
    }
    with django_db_blocker.unblock():
        try:
            kinds = _furnished()
            connection.close()
            with running_workers(**switched_on), web_server(**switched_on) as address:
                yield System(address, kinds)
        finally:
            call_command("flush", verbosity=0, interactive=False)
            connection.close()


def _furnished():
    """Two counties, who may do what in them, and for every kind a request that works."""
    county, other = a_county("benton", max_running_jobs=4), a_county("king")
    house = a_house(county, 12)
    house.property_id = HOSTILE_KEY
    house.save()
    a_user("clerk", county, role="administrator")
    a_user("visitor", county, "view_county")
    a_user("stranger", other, role="administrator")
    return {kind.name: Kind(kind.name, kind.identifier, EXAMPLES[kind.name](county)) for kind in registered_kinds()}


@pytest.fixture(scope="package")
def clerk(system):
    return system.signed_in("clerk")


@pytest.fixture(scope="package")
def visitor(system):
    """Of the county, with no permission on any job."""
    return system.signed_in("visitor")


@pytest.fixture(scope="package")
def stranger(system):
    """Of another county."""
    return system.signed_in("stranger")


@pytest.fixture(params=sorted(EXAMPLES))
def kind(request, system):
    return system.kinds[request.param]


@pytest.fixture(params=PREFIXES)
def prefix(request):
    return request.param


@pytest.fixture
def root(kind, prefix):
    return f"{prefix}/{kind.path}"


@pytest.fixture
def ended(clerk, root):
    """Polls a job as every client does until it has ended; gives its status answer."""

    def poll(job_id):
        def answer():
            job = clerk.get(f"{root}/status/{job_id}").json()
            return job["status"] not in ("PENDING", "RUNNING") and job

        return until(answer, seconds=90)

    return poll
