"""Writes the demo county: invented parcels, dwellings, sales and assessed values with a known market."""

from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from county_configs.county_file import read_county_file
from county_configs.models import County
from terrafusion.demo.assessments import PLANTED_LEVEL, PLANTED_PRB
from terrafusion.demo.county import (
    DEFAULT_PARCELS,
    DEFAULT_SEED,
    FEWEST_PARCELS,
    MOST_PARCELS,
    DemoCounty,
    build_demo_county,
)
from terrafusion.demo.market import true_index
from terrafusion.demo.writer import DEMO_COUNTY_ID, write_demo_county
from terrafusion.errors import TerraFusionError


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--parcels",
            type=int,
            default=DEFAULT_PARCELS,
            help=f"{FEWEST_PARCELS} to {MOST_PARCELS}, condominium units included (default {DEFAULT_PARCELS})",
        )
        parser.add_argument(
            "--seed",
            type=int,
            default=DEFAULT_SEED,
            help=f"the same seed gives the same county (default {DEFAULT_SEED})",
        )

    def handle(self, *, parcels: int, seed: int, verbosity: int, **options: Any) -> None:
        if not FEWEST_PARCELS <= parcels <= MOST_PARCELS:
            raise CommandError(f"--parcels is {parcels}; it must be between {FEWEST_PARCELS} and {MOST_PARCELS}.")
        if seed < 0:
            raise CommandError(f"--seed is {seed}; it must be zero or more.")
        try:
            county = _demo_county_row()
            demo = build_demo_county(parcels, seed)
            written = write_demo_county(demo, county, show_progress=verbosity > 0)
        except TerraFusionError as error:
            raise CommandError(str(error)) from error
        if verbosity > 0:
            self.stdout.write("\n".join(_summary(demo, written)))


def _demo_county_row() -> County:
    """The row of the demo county, made from its folder if the county is not loaded yet."""
    county = County.objects.filter(pk=DEMO_COUNTY_ID).first()
    if county is None:
        file = read_county_file(settings.COUNTY_CONFIGS_DIR / DEMO_COUNTY_ID / "county.yaml")
        county = County.from_county_file(file)
        county.save()
    return county


def _summary(demo: DemoCounty, written: bool) -> list[str]:
    kinds, counts = np.unique(demo.dwellings.property_type.astype(str), return_counts=True)
    valid = int(demo.sales.is_valid.sum())
    first, last = demo.rolls[0].tax_year, demo.rolls[-1].tax_year
    state = "written" if written else "already up to date; nothing was changed"
    return [
        f"Demo county of {demo.parcels:,} parcels (seed {demo.seed}): {state}.",
        *(f"  {kind:<16}{count:>9,}" for kind, count in zip(kinds, counts, strict=True)),
        f"Sales: {valid:,} valid, {len(demo.sales) - valid:,} invalid.",
        f"Tax years {first} to {last}, assessed at a median of {PLANTED_LEVEL:.2f} of market value,"
        f" PRB {PLANTED_PRB:+.2f}.",
        f"Price level on {demo.as_of}: {true_index(demo.as_of):.3f} (January 2021 = 1).",
    ]
