"""Updates of properties on the roll: what a load costs grows with its rows and not with their square."""

import pytest
from django.db import connection

from ingestion.pipelines.requests import LoadRequest, run_load
from terrafusion.roll.models import Property
from tests.factories import PropertyFactory, a_county

MAPPING = """
datasets:
  addresses:
    update_only: true
    match: parcel_number
    properties:
      parcel_number: {column: parcel}
      situs_address: {column: address}
"""


def _load_addresses(county, folder, houses):
    mapping, source = folder / "mappings.yaml", folder / "addresses.csv"
    mapping.write_text(MAPPING)
    source.write_text(
        "parcel,address\n" + "".join(f"{house.parcel_number},New {house.property_id}\n" for house in houses)
    )
    return run_load(LoadRequest(county=county, source=str(source), mapping=mapping, dataset="addresses"))


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has statistics of both tables to plan with.")
def test_four_times_the_rows_cost_about_four_times_the_work(tmp_path):
    """SQLite counts its own instructions, so the figure is the same on any machine."""
    county, done, houses = a_county("benton"), [], []

    def instructions():
        before = len(done)
        _load_addresses(county, tmp_path, houses)
        return len(done) - before

    connection.ensure_connection()
    connection.connection.set_progress_handler(lambda: done.append(1), 1000)
    try:
        houses = Property.objects.bulk_create([PropertyFactory.build(county=county) for _ in range(500)])
        few = instructions()
        houses += Property.objects.bulk_create([PropertyFactory.build(county=county) for _ in range(1500)])
        many = instructions()
    finally:
        connection.connection.set_progress_handler(None, 0)

    assert Property.objects.filter(situs_address__startswith="New ").count() == 2000
    assert many < 6 * few
