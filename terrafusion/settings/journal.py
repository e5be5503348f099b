"""The connection on which running jobs tell their progress, apart from the one they read on."""

from typing import Any

# Seconds. Progress is told again a second later, so it never makes the work wait for another process's long write.
_BUSY_SECONDS = 1


def journal_of(database: dict[str, Any]) -> dict[str, Any]:
    """The same database, to be opened a second time."""
    if not database["ENGINE"].endswith("sqlite3"):
        return dict(database)
    return database | {"OPTIONS": database["OPTIONS"] | {"timeout": _BUSY_SECONDS}}
