"""Reading: every way from either database gives the same features."""

import json
import threading
import time

import psycopg
import pyarrow as pa
import pytest
import shapely
from django.db import connection, transaction

from gis_export.areas.coordinate_systems import coordinate_system
from gis_export.formats.geojson import feature_lines
from gis_export.layers.catalogue import make_layer
from gis_export.layers.layer import LayerRequest
from gis_export.reading import features as reading
from gis_export.reading.features import ahead, geojson_lines, read_features
from gis_export.reading.selection import Selection
from gis_export.reading.statements import select_geojson
from terrafusion.roll.models import Property
from tests.factories import a_county

from .roll import SIDE, SOUTH, TAX_YEAR, WEST, an_exported_county

AREA = shapely.Point(WEST + 3.2 * SIDE, SOUTH + 1.7 * SIDE).buffer(1.7 * SIDE, quad_segs=4)
LAYERS = ("parcels", "parcels_basic", "assessment_summary", "sales", "zoning")


@pytest.fixture
def committed(transactional_db):
    """Rows another connection can see."""
    county = a_county("benton")
    an_exported_county(county)
    return county


def asked(county):
    return LayerRequest(county, TAX_YEAR, include_assessment_data=True, include_owner_info=True)


def table(layer, selection):
    return pa.Table.from_batches(list(read_features(layer, selection)), schema=reading.batch_schema(layer))


def on_postgis():
    if connection.vendor != "postgresql":
        pytest.skip("A stream of PostGIS.")


def test_the_stream_and_djangos_cursor_give_the_same_rows(committed):
    on_postgis()
    for name in LAYERS:
        layer = make_layer(name, asked(committed))
        for selection in (
            Selection(),
            Selection(touching=AREA, clip_to=AREA, multi=True),
            Selection(touching=AREA, system=coordinate_system("EPSG:2927"), tolerance_m=1),
        ):
            streamed = table(layer, selection)
            with transaction.atomic():
                assert table(layer, selection).equals(streamed), name
            assert streamed.num_rows


def test_geojson_made_by_the_database_is_the_one_made_here(committed):
    on_postgis()
    for name in LAYERS:
        layer = make_layer(name, asked(committed))
        for selection in (Selection(), Selection(touching=AREA, clip_to=AREA)):
            for several in (None, name):
                by_database = [json.loads(line) for line in geojson_lines(select_geojson(layer, selection, several))]
                here = [
                    json.loads(line)
                    for batch in read_features(layer, selection)
                    for line in feature_lines(batch, several)
                ]
                assert [without_shape(each) for each in by_database] == [without_shape(each) for each in here], name
                for ours, theirs in zip(shapes(here), shapes(by_database), strict=True):
                    assert shapely.hausdorff_distance(ours, theirs) < 2e-7


def without_shape(feature):
    return {name: each for name, each in feature.items() if name != "geometry"}


def shapes(features):
    return [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in features]


@pytest.mark.django_db
def test_an_export_selects_what_the_roll_says_intersects():
    county = a_county("benton")
    an_exported_county(county)

    found = table(make_layer("parcels", asked(county)), Selection(touching=AREA))["fid"].to_pylist()

    wanted = Property.objects.in_county(county).intersecting(AREA).order_by("pk").values_list("pk", flat=True)
    assert found == list(wanted)
    assert 0 < len(found) < 30


@pytest.mark.django_db
def test_a_clip_leaves_what_lies_in_the_area():
    county = a_county("benton")
    an_exported_county(county)
    clipped = table(make_layer("parcels", asked(county)), Selection(touching=AREA, clip_to=AREA))

    for fid, wkb in zip(clipped["fid"].to_pylist(), clipped["geometry"].to_pylist(), strict=True):
        wanted = Property.objects.get(pk=fid).geometry.intersection(AREA)
        assert shapely.from_wkb(wkb).symmetric_difference(wanted).area < 1e-12


def test_the_stream_connects_as_django_does(monkeypatch):
    asked = {"dbname": "roll", "sslmode": "verify-full", "sslrootcert": "/etc/ca.pem", "options": "-c search_path=gis"}
    monkeypatch.setattr(connection, "get_connection_params", lambda: asked | {"context": object()})

    assert psycopg.conninfo.conninfo_to_dict(reading.database_address()) == asked


# --- Fetching ahead ---


def batches(number, made):
    for each in range(number):
        made.append(each)
        yield pa.record_batch({"n": [each]})


def test_fetching_ahead_keeps_the_order_and_stays_a_few_batches_ahead():
    made = []
    seen = []
    for batch in ahead(batches(50, made)):
        time.sleep(0.002)
        seen += batch.column(0).to_pylist()
        assert len(made) - len(seen) <= reading.BATCHES_AHEAD + 1

    assert seen == list(range(50))


def test_an_error_while_fetching_reaches_the_reader():
    def failing():
        yield pa.record_batch({"n": [1]})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(ahead(failing()))


def test_a_reader_that_stops_leaves_no_thread_behind():
    before = threading.active_count()
    stream = ahead(batches(10_000, []))
    next(stream)

    stream.close()

    deadline = time.monotonic() + 60
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before
