"""Counts every "database is locked" of any process, where the statement fails: below any retry."""

from pathlib import Path

from django.conf import settings
from django.db import OperationalError


def counted():
    """The file in which each occurrence is a line."""
    return Path(settings.WORKSPACE_DIR).parent / "locked.log"


def number():
    return len(counted().read_text().splitlines()) if counted().exists() else 0


def watch(sender, connection, **_):
    """Receiver of `connection_created`."""
    if connection.vendor == "sqlite" and count not in connection.execute_wrappers:
        connection.execute_wrappers.append(count)


def count(execute, sql, params, many, context):
    try:
        return execute(sql, params, many, context)
    except OperationalError as error:
        if "locked" in str(error):
            with counted().open("a") as log:
                log.write(sql[:60].replace("\n", " ") + "\n")
        raise
