"""The faults of a legacy database as sentences: their kind, and the driver's own reason with all secrets removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, connections
from django.utils.connection import ConnectionDoesNotExist

from ..source import UnreadableSource

LONGEST_REASON = 300
MISSING_LIBRARY = (
    "Microsoft's driver cannot be loaded on this machine: {reason}. It needs libraries of Debian's packages libodbc2 "
    "and libgssapi-krb5-2 (apt-get install libodbc2 libgssapi-krb5-2)"
)


class LegacyFault(UnreadableSource):
    """The database did not answer, or refused. What was read before is good. The sentence has no full stop."""


_SILENT, _REFUSED = "does not answer", "refused the question"
_NO_CONNECTION = (
    "refused", "could not connect", "establish connection", "tcp provider", "not accessible", "network", "unreachable",
    "unable to open", "communication link", "name or service not known", "could not translate host",
    "connection failed",
)  # fmt: skip
# The first entry with a word that occurs gives the kind. Faults of a certificate are known by the TLS library's words.
_KINDS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("cannot open database",), _SILENT, "the login may not open this database, or there is none of that name"),
    (("login failed", "password", "authentication"), _SILENT, "the login was refused"),
    (
        ("hostname mismatch", "host name mismatch", "does not match host", "does not match the host", "principal name",
         "hostname does not match", "ip address mismatch"),
        _SILENT, "its certificate is made out for another host name",
    ),
    (("certificate has expired", "not yet valid"), _SILENT, "its certificate is out of date"),
    (("certificate", "ssl", "tls"), _SILENT, "its certificate is not trusted"),
    (("permission", "denied"), _REFUSED, "the permission to read is missing"),
    (("timeout", "timed out"), _SILENT, "it took too long"),
    (("invalid object name", "no such table", "does not exist"), _REFUSED, "it knows no such name"),
    (_NO_CONNECTION, _SILENT, "no connection could be made"),
)  # fmt: skip


@contextmanager
def asking(alias: str) -> Iterator[None]:
    """Turns faults of the database into a LegacyFault, which names the alias, but neither password nor address."""
    try:
        yield
    except ConnectionDoesNotExist as error:
        raise UnreadableSource(f"The legacy database {alias} is not configured; set {alias.upper()}_URL.") from error
    except ImproperlyConfigured as error:
        text = str(error)
        if "libodbc" in text or "pyodbc" in text or "mssql" in text:
            raise _missing_library(error, alias) from error
        raise UnreadableSource(
            f"The legacy database {alias} is not configured as it must be: {reason_of(error, alias)}."
        ) from error
    except (DatabaseError, InterfaceError) as error:
        raise LegacyFault(_sentence(error, alias)) from error
    except (ImportError, OSError, RuntimeError) as error:
        if not re.search(r"shared object|msodbcsql|libodbc|driver", str(error), re.IGNORECASE):
            raise
        raise _missing_library(error, alias) from error
    except Exception as error:
        if not type(error).__module__.startswith("mssql_python"):
            raise
        raise LegacyFault(_sentence(error, alias)) from error


def _missing_library(error: Exception, alias: str) -> UnreadableSource:
    advice = MISSING_LIBRARY.format(reason=reason_of(error, alias))
    return UnreadableSource(f"The legacy database {alias} cannot be asked. {advice}.")


def _sentence(error: BaseException, alias: str) -> str:
    how, kind = kind_of_fault(error)
    reason = reason_of(error, alias)
    own = f" (the driver says: {reason})" if reason else ""
    return f"The legacy database {alias} {how}: {kind}{own}" if kind else f"The legacy database {alias} {how}{own}"


def kind_of_fault(error: BaseException) -> tuple[str, str]:
    """What the database did, and the kind of the fault; the kind is empty where only the driver's words are known."""
    text = str(error).lower()
    for words, how, kind in _KINDS:
        if any(word in text for word in words):
            return how, kind
    return _REFUSED, ""


def is_missing_right(error: BaseException) -> bool:
    """Whether the server says that the login may not read."""
    text = str(error).lower()
    return "permission" in text or "access denied" in text


def reason_of(error: BaseException, alias: str) -> str:
    """The driver's own words as one line, without connection string, password, server or the value of a row."""
    driver, own = getattr(_cause(error), "driver_error", ""), getattr(_cause(error), "ddbc_error", "")
    text = f"{own}" if own and own != "None" else f"{driver or error}"
    text = re.sub(r"\[(Microsoft|SQL Server|ODBC Driver [^\]]*|unixODBC)\]", "", " ".join(text.split()))
    text = re.sub(r"(?i)\b(pwd|password|uid|server|dsn|driver|database)\s*=\s*(\{[^}]*\}|[^;\s]*)", r"\1=...", text)
    text = re.sub(r"(?i)(value) '[^']*'", r"\1 '...'", text)  # a value of a row that cannot be converted
    text = re.sub(r" LINE \d+: .*", "", text)  # PostgreSQL shows the statement
    for secret, shown in _secrets(alias):
        text = text.replace(secret, shown)
    return text.strip().rstrip(".")[:LONGEST_REASON]


def _cause(error: BaseException) -> BaseException:
    return error.__cause__ if error.__cause__ is not None else error


def _secrets(alias: str) -> list[tuple[str, str]]:
    settings = connections.settings.get(alias, {})
    secrets = [(settings.get("PASSWORD"), "..."), (settings.get("HOST"), "(server)")]
    return [(str(secret), shown) for secret, shown in secrets if secret and len(str(secret)) > 2]
