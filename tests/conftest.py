"""What every test shares."""

import os
import uuid
from pathlib import Path

import pytest

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
def analytics_of_its_own(settings, monkeypatch):
    """Snapshots outlive a test's transaction; each test, with the worker processes it starts, gets its own store."""
    settings.ANALYTICS_DIR = Path(settings.ANALYTICS_DIR) / uuid.uuid4().hex
    monkeypatch.setenv("TERRAFUSION_TEST_ANALYTICS", str(settings.ANALYTICS_DIR))
