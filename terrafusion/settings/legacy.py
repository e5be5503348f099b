"""Databases of the legacy systems, read-only: an alias `<county>_pacs` for every `<COUNTY>_PACS_URL` that is set.

An address that cannot be used stops nothing else. Its fault is a sentence, shown when the database is wanted. No
sentence repeats a part of the address: if a character is not escaped, any part may belong to the password.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import environ
from django.core.exceptions import ImproperlyConfigured

SUFFIX = "_PACS_URL"
FORM = "mssql://user:password@host:1433/database"
ESCAPED = {"#": "%23", "/": "%2F", "?": "%3F", "@": "%40", "[": "%5B", "]": "%5D"}
# Connections are encrypted, and the server's certificate is checked.
_DRIVER = {"Encrypt": "yes", "TrustServerCertificate": "no", "ApplicationIntent": "ReadOnly"}
# The options of an address, after its question mark, and the values allowed for each; no values means any.
_OPTIONS: dict[str, tuple[str, ...]] = {
    "Encrypt": ("yes", "strict"),
    "TrustServerCertificate": ("yes", "no"),
    "HostnameInCertificate": (),
    "ServerCertificate": (),
}


def read_legacy(variables: Mapping[str, str]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The databases by alias, and the faults of the addresses that cannot be used, also by alias.

    mssql:// is SQL Server. Any other database Django knows can be used too, for a copy of the data.
    """
    databases, faults = {}, {}
    for name, url in variables.items():
        if not name.endswith(SUFFIX) or not url:
            continue
        alias = name.removesuffix("_URL").lower()
        try:
            databases[alias] = sql_server(url) if url.lower().startswith("mssql://") else _other(url)
        except ImproperlyConfigured as error:
            faults[alias] = f"{name}: {error}"
    return databases, faults


def sql_server(url: str) -> dict[str, Any]:
    """The settings for mssql://user:password@host:1433/database with options. Raises ImproperlyConfigured.

    Without user and password, the process logs in with its Kerberos ticket, which is a Windows login.
    """
    login, rest = _login(url)
    place, _, query = rest.partition("?")
    server, _, database = place.partition("/")
    host, port = _host(server)
    if not database or "/" in database:
        raise ImproperlyConfigured(f"name one database after the host: {FORM}")
    user, colon, password = login.partition(":")
    if user and not (colon and password):
        raise ImproperlyConfigured(f"a user is named and no password: {FORM}")
    user, password = unquote(user), unquote(password)
    if "\\" in user:
        raise ImproperlyConfigured(
            "a Windows login takes no password here; leave user and password out, and give the process a Kerberos "
            f"ticket: {FORM.replace('user:password@', '')}"
        )
    return {
        "ENGINE": "mssql",
        "NAME": unquote(database),
        "HOST": host,
        "PORT": port,
        "USER": user,
        "PASSWORD": password,
        "OPTIONS": {
            "python_driver": "mssql_python",
            "connection_retries": 2,
            "connection_retry_backoff_time": 2,
            "connection_timeout": 15,
            "query_timeout": 600,
            "extra_params": ";".join(f"{name}={_braced(value)}" for name, value in (_DRIVER | _options(query)).items()),
        },
    }


def _login(url: str) -> tuple[str, str]:
    """The parts before and after the last @. Raises ImproperlyConfigured for an unescaped separator in either."""
    login, at, rest = url.partition("://")[2].rpartition("@")
    if not at:
        login, rest = "", url.partition("://")[2]
    if unescaped := [sign for sign in ESCAPED if sign in login]:
        advice = ", ".join(f"{sign} as {ESCAPED[sign]}" for sign in unescaped)
        raise ImproperlyConfigured(f"user and password hold a sign that ends them; write {advice}")
    if not at and any(sign in rest for sign in "#[]"):
        raise ImproperlyConfigured(f"the address cannot be taken apart; write {FORM}")
    if "#" in rest:
        raise ImproperlyConfigured(f"there is a # after the host; in user and password write %23: {FORM}")
    return login, rest


def _host(server: str) -> tuple[str, str]:
    host, colon, port = server.partition(":")
    if "\\" in unquote(host):
        raise ImproperlyConfigured(
            "the driver looks up no named instance on Linux; name the host alone and the port of the instance, as "
            f"SQL Server Configuration Manager shows it: {FORM}"
        )
    if not re.fullmatch(r"[A-Za-z0-9._-]+", host):
        raise ImproperlyConfigured(f"the host is no name and no address; write {FORM}")
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ImproperlyConfigured(f"the port is no number from 1 to 65535; write {FORM}")
    return host, port or "1433"


def _options(query: str) -> dict[str, str]:
    """The options of an address, in the driver's spelling."""
    known = {name.lower(): name for name in _OPTIONS}
    options = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        option = known.get(name.lower())
        if option is None:
            raise ImproperlyConfigured(f"the address has an unknown option; known: {', '.join(_OPTIONS)}")
        allowed = _OPTIONS[option]
        value = value.lower() if allowed else value
        if not value or (allowed and value not in allowed):
            raise ImproperlyConfigured(f"{option} must be {' or '.join(allowed) or 'given a value'}")
        options[option] = value
    return options


def _braced(value: str) -> str:
    """The value as a part of a connection string, in braces where it has special characters."""
    return value if re.fullmatch(r"[A-Za-z0-9._/-]+", value) else "{" + value.replace("}", "}}") + "}"


def _other(url: str) -> dict[str, Any]:
    scheme = url.partition(":")[0].lower()
    if scheme not in environ.Env.DB_SCHEMES:  # environ would warn with the whole address
        raise ImproperlyConfigured(f"the address names no kind of database that is known; for SQL Server write {FORM}")
    if scheme != "sqlite":
        _login(url)
    try:
        database: dict[str, Any] = environ.Env.db_url_config(url)
    except Exception:  # the error is hidden, because its text may hold a part of the password
        raise ImproperlyConfigured(f"the address cannot be taken apart; for SQL Server write {FORM}") from None
    if database["ENGINE"].endswith("sqlite3"):
        database["NAME"] = f"file:{database['NAME']}?mode=ro"
        database["OPTIONS"] = {"uri": True}
    elif "postgresql" in database["ENGINE"]:
        database["OPTIONS"] = {"options": "-c default_transaction_read_only=on"}
    return database


class LegacyRouter:
    """Keeps Django's migrations out of legacy databases."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db.endswith("_pacs") else None
