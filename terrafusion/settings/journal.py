"""The connection on which running jobs write their progress, separate from the one on which they read."""

from typing import Any

# Seconds. Work need not wait longer for another process's long write, because progress is soon written again.
_BUSY_SECONDS = 1


def journal_of(database: dict[str, Any]) -> dict[str, Any]:
    """The settings for a second connection to the same database."""
    if not database["ENGINE"].endswith("sqlite3"):
        return dict(database)
    return database | {"OPTIONS": database["OPTIONS"] | {"timeout": _BUSY_SECONDS}}
