"""A migrated database, kept and copied: bringing an empty one to today's migrations takes about ten seconds each time.

The first process that needs a test database migrates it and keeps a copy, named by the digest of all that a migration
runs: the migrations of every app and the product's own code. Other processes and later runs begin with that copy.

On SQLite the copy is a file in pytest's cache folder. On PostgreSQL it is a database of the private server and goes
with it; on a server of somebody's own nothing is left behind, and the database is migrated each time.
"""

import fcntl
import hashlib
import os
import shutil
from pathlib import Path

import django
from django.apps import apps
from django.conf import settings
from django.db import connection


class MigratedCopy:
    """folder: where the lock and the copies stand."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.name = f"migrated_{_digest()}"
        self.lock = None

    @staticmethod
    def is_possible():
        """Whether copies can stand where they bother nobody."""
        return connection.vendor == "sqlite" or "TERRAFUSION_PRIVATE_POSTGRES" in os.environ

    def begin(self):
        """Makes the test database from the copy; False where there is none yet, and then only we may make it."""
        self.lock = (self.folder / "lock").open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        if there := self._exists():
            self._copy_to_test_database()
            self._unlock()
        return there

    def keep(self):
        """Keeps a copy of the test database, if it was migrated just now, under the lock."""
        if self.lock is None:
            return
        if connection.settings_dict["NAME"] == connection.creation._get_test_db_name():
            self._copy_of_test_database()
        self._unlock()

    def _unlock(self):
        self.lock.close()
        self.lock = None

    @property
    def _file(self):
        return self.folder / f"{self.name}.sqlite3"

    def _exists(self):
        if connection.vendor == "sqlite":
            return self._file.exists()
        with connection._nodb_cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.name])
            return cursor.fetchone() is not None

    def _copy_to_test_database(self):
        test_database = connection.creation._get_test_db_name()
        if connection.vendor == "sqlite":
            for rest in Path(test_database).parent.glob(f"{Path(test_database).name}*"):
                rest.unlink()  # a database of an earlier run, with its log
            shutil.copyfile(self._file, test_database)
        else:
            self._copy_database(self.name, test_database)

    def _copy_of_test_database(self):
        test_database = connection.settings_dict["NAME"]
        if connection.vendor == "sqlite":
            unfinished = self._file.with_suffix(".unfinished")
            unfinished.unlink(missing_ok=True)
            with connection.cursor() as cursor:
                cursor.execute("VACUUM INTO %s", [str(unfinished)])
            for older in self.folder.glob("*.sqlite3"):
                older.unlink()
            unfinished.rename(self._file)
        else:
            connection.close()  # PostgreSQL copies no database that somebody is connected to
            self._copy_database(test_database, self.name)

    @staticmethod
    def _copy_database(source, target):
        quote = connection.ops.quote_name
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {quote(target)}")
            cursor.execute(f"CREATE DATABASE {quote(target)} TEMPLATE {quote(source)}")


def _digest():
    """Of the migrations of every app, of the product's code, and of the versions that turn them into tables."""
    digest = hashlib.sha256(f"{django.VERSION} {connection.vendor}".encode())
    for app in sorted(apps.get_app_configs(), key=lambda app: app.name):
        folder = Path(app.path)
        ours = settings.BASE_DIR in folder.parents and not app.name.startswith("tests.")
        for file in sorted(folder.rglob("*.py") if ours else folder.glob("migrations/*.py")):
            digest.update(f"{app.name} {file.name}".encode())
            digest.update(file.read_bytes())
    for file in sorted((settings.BASE_DIR / "terrafusion").glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
