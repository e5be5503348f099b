"""A county with a planted market for whole jobs: the demo county, written to the roll."""

from county_configs.models import County
from terrafusion.demo.county import build_demo_county
from terrafusion.demo.writer import write_demo_county
from tests.factories import a_county


def the_demo_county(parcels=1500, seed=3) -> County:
    county = a_county("demo")
    write_demo_county(build_demo_county(parcels, seed), county)
    return county
