"""What every test shares."""

import logging
import os
import uuid
from pathlib import Path

import pytest
import requests

from terrafusion.settings.storage import BucketAddress
from tests.factories import start_anew
from tests.migrated import MigratedCopy

DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "django_db_setup", "client_of"}
SHARED_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def pytest_collection_modifyitems(items):
    """Marks tests without a database, so that they run once and not once for each database."""
    skipped = os.environ.get("TERRAFUSION_POSTGIS_SKIPPED")
    for item in items:
        if item.get_closest_marker("django_db") is None and not DATABASE_FIXTURES & set(item.fixturenames):
            item.add_marker(pytest.mark.database_free)
        elif skipped:
            item.add_marker(pytest.mark.skip(reason=f"No PostgreSQL with PostGIS: {skipped}"))


@pytest.fixture(scope="session")
def migrated_copy(request):
    """None where each process migrates a database of its own."""
    options = request.config.option
    if options.reuse_db or options.nomigrations or not MigratedCopy.is_possible():
        return None
    return MigratedCopy(request.config.cache.mkdir("migrated"))


@pytest.fixture(scope="session")
def django_db_keepdb(request, django_db_modify_db_settings, django_db_blocker, migrated_copy):
    """In place of pytest-django's: whether the test database is there already, as a copy of a migrated one."""
    if migrated_copy is None:
        return request.config.option.reuse_db
    with django_db_blocker.unblock():
        return migrated_copy.begin()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker, migrated_copy):
    """Pytest-django's, and then a migrated database is kept for others to copy."""
    if migrated_copy is not None:
        with django_db_blocker.unblock():
            migrated_copy.keep()


@pytest.fixture
def shared_data():
    """Path of a data set beside the project; skips where it is absent."""

    def path(name):
        found = SHARED_DATA / name
        if not found.exists():
            pytest.skip(f"The data set {name} is not beside the project.")
        return found

    return path


@pytest.fixture(autouse=True)
def rows_numbered_anew():
    """A test's rows are the same whichever tests ran before it."""
    start_anew()


@pytest.fixture(autouse=True)
def analytics_of_its_own(settings):
    """Snapshots outlive a test's transaction; each test gets a store of its own, inside its worker's folder."""
    settings.ANALYTICS_STORE = settings.ANALYTICS_STORE / uuid.uuid4().hex


@pytest.fixture(scope="session")
def s3_server():
    """An S3 server on this machine, over real HTTP (moto's). Gives its address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server, settings, monkeypatch):
    """An empty bucket with keys to it in the environment. Gives its name."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-access-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "CANARY-SECRET")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # nothing is asked outside this machine
    settings.S3_ENDPOINT, settings.S3_REGION, settings.S3_CA_BUNDLE = s3_server, "us-east-1", ""
    name = f"county-{uuid.uuid4().hex}"
    requests.put(f"{s3_server}/{name}", timeout=10).raise_for_status()
    return name


@pytest.fixture
def analytics_bucket(bucket, settings, tmp_path):
    """Snapshots stand in a bucket; this host's cache is empty."""
    settings.ANALYTICS_STORE = BucketAddress(bucket, "roll/snapshots")
    settings.ANALYTICS_CACHE_DIR = tmp_path / "cache"
    return bucket
