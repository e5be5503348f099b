"""Legacy systems counties come from."""

from county_configs.models import County


def alias_of(county: County, source: str) -> str:
    """The Django database of a county's legacy system; it exists only when <COUNTY>_<SOURCE>_URL is set."""
    return f"{county.pk.lower().replace('-', '_')}_{source}"
