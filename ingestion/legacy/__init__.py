"""The legacy systems from which counties load their roll."""

from django.conf import settings
from django.db import connections

from county_configs.models import County


def alias_of(county: County, source: str) -> str:
    """The alias of a county's legacy database in Django, which exists only when <COUNTY>_<SOURCE>_URL is set."""
    return f"{county.pk.lower().replace('-', '_')}_{source}"


def fault_of_alias(alias: str) -> str | None:
    """Why no query can be put to the legacy database; None where one can be tried."""
    if alias in settings.LEGACY_FAULTS:
        return f"The legacy database {alias} cannot be asked. {settings.LEGACY_FAULTS[alias]}."
    if alias not in connections:
        return (
            f"The legacy database {alias} is not configured; set {alias.upper()}_URL, for example "
            "mssql://user:password@host:1433/pacs_oltp."
        )
    return None
