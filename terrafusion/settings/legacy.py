"""Databases of the legacy systems: an alias `<county>_pacs` for every `<COUNTY>_PACS_URL` that is set, read-only."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import environ

# The wheel's own driver; encrypted, certificate checked. A server that does not answer is told within seconds.
_EXTRA = "Encrypt=yes;TrustServerCertificate=no;ApplicationIntent=ReadOnly"


def legacy_databases(variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """By alias. mssql:// is SQL Server; any other address Django knows serves as well, for a copy of the data."""
    found = {}
    for name, url in variables.items():
        if name.endswith("_PACS_URL") and url:
            found[name.removesuffix("_URL").lower()] = sql_server(url) if url.startswith("mssql://") else _other(url)
    return found


def sql_server(url: str) -> dict[str, Any]:
    """mssql://user:password@host:1433/database"""
    parts = urlsplit(url)
    return {
        "ENGINE": "mssql",
        "NAME": parts.path.lstrip("/"),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 1433),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "OPTIONS": {
            "python_driver": "mssql_python",
            "connection_retries": 2,
            "connection_retry_backoff_time": 2,
            "connection_timeout": 15,
            "query_timeout": 600,
            "extra_params": _EXTRA,
        },
    }


def _other(url: str) -> dict[str, Any]:
    made: dict[str, Any] = environ.Env.db_url_config(url)
    if made["ENGINE"].endswith("sqlite3"):
        made["NAME"] = f"file:{made['NAME']}?mode=ro"
        made["OPTIONS"] = {"uri": True}
    elif "postgresql" in made["ENGINE"]:
        made["OPTIONS"] = {"options": "-c default_transaction_read_only=on"}
    return made


class LegacyRouter:
    """Nothing of ours is ever migrated into, or written to, a legacy database."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db.endswith("_pacs") else None
