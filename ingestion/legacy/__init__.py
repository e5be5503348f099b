"""Legacy systems counties come from."""

from django.conf import settings
from django.db import connections

from county_configs.models import County


def alias_of(county: County, source: str) -> str:
    """The Django database of a county's legacy system; it exists only when <COUNTY>_<SOURCE>_URL is set."""
    return f"{county.pk.lower().replace('-', '_')}_{source}"


def fault_of_alias(alias: str) -> str | None:
    """Why the legacy database cannot be asked at all; None where it can be tried."""
    if alias in settings.LEGACY_FAULTS:
        return f"The legacy database {alias} cannot be asked. {settings.LEGACY_FAULTS[alias]}."
    if alias not in connections:
        return (
            f"The legacy database {alias} is not configured; set {alias.upper()}_URL, for example "
            "mssql://user:password@host:1433/pacs_oltp."
        )
    return None
