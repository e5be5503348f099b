"""The test suite, with keys of its own and a fast password hasher. Everything else is as in production."""

import os
import tempfile
from pathlib import Path

from .base import *  # noqa: F403 - settings modules extend each other
from .base import DATABASES, INSTALLED_APPS, LOGGING, SIMPLE_JWT, STORAGES

SECRET_KEY = "tests-only-secret-key-of-sufficient-length-0123456789"  # noqa: S105 - tests only
SIMPLE_JWT = SIMPLE_JWT | {"SIGNING_KEY": "tests-only-jwt-key-of-sufficient-length-9876543210"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.probe"]  # last, because it wraps what the plugins have registered
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]

# The folder for the database and the results of one xdist worker. Worker processes started by its tests inherit it.
_folder = os.environ.setdefault("TERRAFUSION_TEST_FOLDER", tempfile.mkdtemp(prefix="terrafusion-"))
_folder = f"{_folder}/{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
Path(_folder).mkdir(exist_ok=True)
STORAGES = STORAGES | {
    "results": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": f"{_folder}/results"},
    },
    "uploads": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": f"{_folder}/uploads"},
    },
}
WORKSPACE_DIR = Path(_folder) / "workspace"
STAGING_DIR = Path(_folder) / "staging"
# A worker process started by a test uses that test's snapshots, not those that an earlier test has left.
ANALYTICS_STORE = Path(os.environ.get("TERRAFUSION_TEST_ANALYTICS", f"{_folder}/analytics"))
ANALYTICS_CACHE_DIR = Path(_folder) / "analytics_cache"
ANALYTICS_SPILL_DIR = Path(_folder) / "spill"

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file and not memory, so that worker processes see what a test has written.
    DATABASES["default"]["NAME"] = f"{_folder}/unused.sqlite3"
    DATABASES["default"]["TEST"] = {"NAME": f"{_folder}/test.sqlite3"}
# A worker process started by a test uses that test's database.
if _name := os.environ.get("TERRAFUSION_TEST_DATABASE"):
    for _alias in {"default", "journal"} & set(DATABASES):
        DATABASES[_alias]["NAME"] = _name
LOGGING["loggers"]["django.request"] = {"level": "ERROR"}  # many tests provoke warnings about refused requests
WHITENOISE_USE_FINDERS = True
STATIC_ROOT = None
WHITENOISE_AUTOREFRESH = True  # otherwise every test client lists 200 static files before its first request
