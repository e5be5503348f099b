"""Every format, exported through the API and read back by an independent reader."""

import json
import math
import re
import shutil
import subprocess
import zipfile

import numpy as np
import pytest
import shapely
from pyproj import CRS, Transformer

from gis_export.formats.registry import FORMATS
from gis_export.layers.roll_fields import PARCEL
from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.roll.models import Property

from .reading_back import geodatabase_in, read_back
from .roll import CONDOMINIUM, HOLE, HOSTILE, MULTI, key

pytestmark = pytest.mark.django_db

POLYGON_FORMATS = [name for name in FORMATS if name != "PMTiles"]
DEGREES_TOLERANCE, FEET_TOLERANCE = 1e-7, 1e-3
CUT_AT = 254
OGRINFO = shutil.which("ogrinfo")


def expected_shapes(county, crs):
    """Made from the ORM and pyproj alone, by property_id."""
    move = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform
    rows = Property.objects.in_county(county).filter(geometry__isnull=False)
    return {
        row.property_id: shapely.transform(row.geometry, lambda points: np.column_stack(move(*points.T)))
        for row in rows
    }


@pytest.mark.parametrize("export_format", POLYGON_FORMATS)
def test_parcels_come_back_as_they_are_on_the_roll(export, county, export_format):
    job, path = export(export_format=export_format, layers=["parcels"])
    frame = read_back(path, export_format)

    assert len(frame) == 30 == job["result"]["result_record_count"]
    degrees = FORMATS[export_format].degrees_only
    crs = "EPSG:4326" if degrees else "EPSG:2927"
    assert job["result"]["crs"] == crs
    if export_format != "CSV":
        assert same_system(frame.crs, crs)
    short = {each.name: each.short_name for each in PARCEL} if export_format == "Shapefile" else {}
    key = short.get("property_id", "property_id")
    expected = expected_shapes(county, crs)
    tolerance = DEGREES_TOLERANCE if degrees else FEET_TOLERANCE
    for property_id, shape in zip(frame[key], frame.geometry, strict=True):
        assert shapely.hausdorff_distance(shape, expected[property_id]) <= tolerance
        assert abs(shape.area - expected[property_id].area) <= tolerance * expected[property_id].length
    assert_attributes(county, frame.set_index(key), export_format, short)


def same_system(found, wanted):
    """GDAL gives a Shapefile's .prj back in the words of ESRI."""
    found = CRS.from_user_input(found)
    return found.to_epsg() == CRS(wanted).to_epsg() or found.to_epsg(min_confidence=20) == CRS(wanted).to_epsg()


def assert_attributes(county, frame, export_format, short):
    for row in Property.objects.in_county(county).filter(geometry__isnull=False):
        found = frame.loc[row.property_id]
        for field in PARCEL:
            if field.name == "property_id":
                continue
            value = found.get(short.get(field.name, field.name))
            wanted = getattr(row, field.name, None)
            if field.name == "unit_count":
                wanted = 2 if row.property_id == key(CONDOMINIUM) else 0
            assert same_value(value, wanted, export_format), (row.property_id, field.name, value, wanted)


def same_value(value, wanted, export_format):
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return wanted in (None, "")
    if isinstance(wanted, bool):
        return str(value).lower() in ({"1", "true", "1.0"} if wanted else {"0", "false", "0.0"})
    if isinstance(wanted, str):
        if export_format == "Shapefile" and len(wanted.encode()) > CUT_AT:
            return wanted.startswith(value) and CUT_AT - 3 <= len(value.encode()) <= CUT_AT
        if export_format == "CSV" and wanted.startswith("="):
            return value == f"'{wanted}"
        if export_format == "GeoJSON":
            return value == wanted
        return str(value).strip() == wanted.strip()
    return float(value) == float(wanted)


def test_the_hole_and_the_second_part_survive(export):
    for export_format in POLYGON_FORMATS:
        _, path = export(export_format=export_format)
        frame = read_back(path, export_format)
        frame = frame.set_index("prop_id" if export_format == "Shapefile" else "property_id")

        holed, double = frame.geometry[key(HOLE)], frame.geometry[key(MULTI)]
        assert sum(len(part.interiors) for part in shapely.get_parts(holed)) == 1, export_format
        assert len(shapely.get_parts(double)) == 2, export_format


@pytest.mark.parametrize("export_format", ["GeoJSON", "CSV", "GeoParquet", "GeoPackage", "FlatGeobuf", "KML", "KMZ"])
def test_the_same_inputs_give_the_same_bytes(export, export_format):
    first, second = (export(export_format=export_format, layers=["parcels"])[1].read_bytes() for _ in range(2))

    assert first == second


def test_geojson_is_as_the_rfc_asks(export):
    from geojson_pydantic import FeatureCollection

    _, path = export(export_format="GeoJSON")
    collection = json.loads(path.read_text())

    FeatureCollection.model_validate(collection)
    assert "crs" not in collection
    for feature in collection["features"]:
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        for part in shapely.get_parts(shape):
            assert part.exterior.is_ccw
            assert not any(ring.is_ccw for ring in part.interiors)
        x = feature["geometry"]["coordinates"][0][0][0]
        assert len(str(x if isinstance(x, float) else x[0]).split(".")[1]) <= 7


def test_kml_is_valid_by_the_ogc_schema(export):
    from fastkml.validator import validate

    _, path = export(export_format="KML", layers=["parcels", "sales", "zoning"])

    assert validate(file_to_validate=str(path))
    text = path.read_text()
    assert "<description>" not in text, "it would hide the ExtendedData"
    assert f"<name>1-{HOSTILE:04d}</name>" in text


def test_geoparquet_says_what_the_specification_asks(export):
    import pyarrow.parquet as pq

    _, path = export(export_format="GeoParquet")
    file = pq.ParquetFile(path)
    geo = json.loads(file.metadata.metadata[b"geo"])

    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    column = geo["columns"]["geometry"]
    assert column["encoding"] == "WKB"
    assert column["geometry_types"] == ["MultiPolygon", "Polygon"]
    assert column["covering"] == {"bbox": {edge: ["bbox", edge] for edge in ("xmin", "ymin", "xmax", "ymax")}}
    assert CRS.from_json_dict(column["crs"]).to_epsg() == 2927
    table = file.read()
    shapes = shapely.from_wkb(table["geometry"].to_numpy())
    boxes = np.array([[box[edge] for edge in ("xmin", "ymin", "xmax", "ymax")] for box in table["bbox"].to_pylist()])
    assert np.array_equal(boxes, shapely.bounds(shapes))
    assert column["bbox"] == shapely.total_bounds(shapes).tolist()


@pytest.mark.skipif(OGRINFO is None, reason="ogrinfo (Debian's gdal-bin) is not installed.")
@pytest.mark.parametrize("export_format", ["GeoJSON", "Shapefile", "KML", "GeoPackage", "FlatGeobuf", "FileGDB", "CSV"])
def test_an_older_gdal_finds_every_parcel_in_its_place_too(export, county, export_format):
    _, path = export(export_format=export_format)
    if export_format in ("Shapefile", "FileGDB"):
        path = geodatabase_in(path) if export_format == "FileGDB" else f"/vsizip/{path}"
    asked = [OGRINFO, "-ro", "-al", "-so", path]

    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout

    assert "Feature Count: 30" in told
    crs = "EPSG:4326" if FORMATS[export_format].degrees_only else "EPSG:2927"
    edges = [float(each) for each in re.findall(r"-?\d+\.\d+", re.search("Extent: .*", told)[0])]
    assert edges == pytest.approx(shapely.total_bounds(list(expected_shapes(county, crs).values())), abs=FEET_TOLERANCE)
    if export_format != "CSV":
        assert ("WGS 84" if crs == "EPSG:4326" else "NAD83(HARN) / Washington South (ftUS)") in told


def test_geoparquet_has_whole_row_groups_but_the_last(export, monkeypatch):
    import pyarrow.parquet as pq

    monkeypatch.setattr("gis_export.reading.features.BATCH_ROWS", 5)
    monkeypatch.setattr("gis_export.formats.geoparquet.ROW_GROUP", 8)

    _, path = export(export_format="GeoParquet")
    metadata = pq.ParquetFile(path).metadata

    assert [metadata.row_group(each).num_rows for each in range(metadata.num_row_groups)] == [8, 8, 8, 6]


def test_texts_of_a_shapefile_are_as_wide_as_their_columns_on_the_roll(export):
    _, path = export(export_format="Shapefile")

    with zipfile.ZipFile(path) as archive:
        header = archive.read("parcels.dbf")
    # dBASE: from byte 32 on 32 bytes a column; its name ends with a zero byte, its width is byte 16
    columns = [header[at : at + 32] for at in range(32, int.from_bytes(header[8:10], "little") - 1, 32)]
    widths = {column[:11].split(b"\0")[0].decode(): column[16] for column in columns}
    assert {name: widths[name] for name in ("prop_id", "situs_addr", "zip_code", "legal_desc")} == {
        "prop_id": 64,
        "situs_addr": 200,
        "zip_code": 10,
        "legal_desc": 254,
    }


def test_a_shapefile_of_two_gigabytes_is_refused_in_a_sentence(client, county, monkeypatch):
    monkeypatch.setattr("gis_export.formats.gdal_files.SHAPEFILE_END", 10_000)
    body = {"county_id": county.pk, "export_format": "Shapefile"}
    job = client.post("/api/v1/gis-export/run", body, format="json").json()

    run_next_job()

    ended = client.get(job["links"]["status"]).json()
    assert (ended["status"], ended["failure_reason"]) == ("FAILED", "bad_data")
    assert "the .dbf of the Shapefile has" in ended["message"]


def test_geoparquet_is_read_by_its_box(export):
    import geopandas

    _, path = export(export_format="GeoParquet")
    whole = geopandas.read_parquet(path)
    corner = whole.geometry.iloc[0].bounds

    assert 0 < len(geopandas.read_parquet(path, bbox=corner)) < len(whole)


def test_a_formula_stays_a_text_in_csv(export):
    _, path = export(export_format="CSV")

    assert '\'=HYPERLINK(""http://x"")' in path.read_text()


def test_geopackage_opens_coloured_in_qgis(export):
    import sqlite3
    from contextlib import closing
    from xml.etree import ElementTree

    _, path = export(export_format="GeoPackage", layers=["parcels", "zoning"])

    with closing(sqlite3.connect(path)) as database:
        styles = database.execute("SELECT f_table_name, f_geometry_column, styleQML, useAsDefault FROM layer_styles")
        found = {name: (column, qml, default) for name, column, qml, default in styles}
    assert set(found) == {"parcels", "zoning"}
    for column, qml, default in found.values():
        assert (column, default) == ("geom", 1)
        root = ElementTree.fromstring(qml)  # noqa: S314 - our own file
        assert root.tag == "qgis"
        assert root.find(".//symbol/layer").get("class") == "SimpleFill"
