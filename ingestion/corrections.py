"""Finds the load whose corrected rows a source like `rejects:12` names."""

from __future__ import annotations

from county_configs.models import County
from terrafusion.errors import TerraFusionError

from .models import IngestionRun

REJECTS = "rejects:"


class NoCorrections(TerraFusionError):
    """There is no corrected row to load; the message says why."""


def run_with_corrections(county: County, source: str) -> IngestionRun:
    """The load that the source names, if corrected rows of it wait. Another county's load counts as missing.

    Raises NoCorrections.
    """
    number = source.removeprefix(REJECTS)
    runs = IngestionRun.objects.filter(county=county)
    run = runs.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 18 else None
    if run is None:
        raise NoCorrections(f"Unknown load {source!r} in county {county.pk}.")
    if run.status != IngestionRun.Status.LOADED:
        raise NoCorrections(f"Load {run.pk} is not on the roll; its rows are not loaded alone. Load its source again.")
    if not run.waiting_corrections().exists():
        raise NoCorrections(f"Load {run.pk} has no corrected row that waits.")
    return run
