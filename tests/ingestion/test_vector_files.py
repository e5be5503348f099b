"""Layers of shapes: counted on their own bytes, picked out of archives, and never let down by one bad row."""

import json
import shutil
import sqlite3
import struct
import zipfile

import pyarrow
import pyogrio
import pytest
import shapely

from ingestion.connectors.files import open_file
from ingestion.connectors.layers.feature_counts import geojson_census
from ingestion.connectors.source import UnreadableSource
from ingestion.pipelines.requests import LoadRequest, run_load
from ingestion.transforms.mapper import FileOptions
from terrafusion.roll.models import LayerFeature
from tests.factories import a_county

DRIVERS = {
    ".shp": "ESRI Shapefile", ".gpkg": "GPKG", ".fgb": "FlatGeobuf", ".geojson": "GeoJSON", ".kml": "LIBKML",
    ".gdb": "OpenFileGDB",
}  # fmt: skip
ARC = struct.pack("<BII6d", 1, 8, 3, 0, 0, 1, 1, 2, 0)
TRIANGLE = struct.pack("<BIII8d", 1, 17, 1, 4, 0, 0, 1, 0, 1, 1, 0, 0)


def layer(path, number=5, name="parcels", shapes=None, crs="EPSG:4326", append=False):
    shapes = shapes or [shapely.Point(-119.3 + 0.001 * each, 46.2) for each in range(number)]
    wkb = [shape if isinstance(shape, bytes | None) else shapely.to_wkb(shape) for shape in shapes]
    table = pyarrow.table(
        {"PIN": [f"P{each}" for each in range(len(wkb))], "wkb": pyarrow.array(wkb, pyarrow.binary())}
    )
    pyogrio.write_arrow(
        table, path, layer=name, driver=DRIVERS[path.suffix], geometry_name="wkb",
        geometry_type="Point", crs=crs, append=append,
    )  # fmt: skip
    return path


def read(path, **options):
    source = open_file(path, FileOptions(**options))
    batches = list(source.batches())
    rows = [row for batch in batches for row in batch.rows.rows(named=True)]
    broken = [each for batch in batches for each in batch.broken]
    return source, rows, broken, [note for batch in batches for note in batch.notes]


@pytest.mark.parametrize("kind", DRIVERS)
def test_every_kind_is_read_and_counted_in_two_ways(tmp_path, kind):
    source, rows, broken, notes = read(layer(tmp_path / f"x{kind}", 7))

    assert len(rows) == source.count() == 7
    assert (broken, notes) == ([], [])
    assert rows[3]["PIN"] == "P3"


def test_a_geopackage_that_says_it_holds_less_is_read_whole(tmp_path):
    path = layer(tmp_path / "x.gpkg", 7)
    with sqlite3.connect(path) as database:
        for name in ("insert", "delete"):
            database.execute(f"DROP TRIGGER IF EXISTS trigger_{name}_feature_count_parcels")
        database.execute("UPDATE gpkg_ogr_contents SET feature_count = 3")

    source, rows, _, _ = read(path)

    assert len(rows) == source.count() == 7


def test_a_record_that_is_deleted_in_the_table_is_neither_read_nor_counted(tmp_path):
    path = layer(tmp_path / "x.shp", 5)
    table = bytearray((tmp_path / "x.dbf").read_bytes())
    start, length = struct.unpack_from("<HH", table, 8)
    table[start + length] = ord("*")
    (tmp_path / "x.dbf").write_bytes(table)

    source, rows, _, _ = read(path)

    assert len(rows) == source.count() == 4


FEATURE = {
    "geometry": None,
    "properties": {"type": "Feature", "x": ']}{[\\" " [', "n": [1, [2, "a"], []]},
    "type": "Feature",
}


@pytest.mark.parametrize("sort", [True, False])
def test_geojson_is_counted_by_its_structure(tmp_path, sort):
    collection = {"name": "features", "features": [FEATURE] * 3, "bbox": [1, 2, 3, 4], "type": "FeatureCollection"}
    (tmp_path / "x.geojson").write_text(json.dumps(collection, sort_keys=sort, indent=1))

    found = geojson_census(tmp_path / "x.geojson")

    assert (found.features, found.is_geojson) == (3, True)


def test_features_on_lines_of_their_own_are_counted(tmp_path):
    (tmp_path / "x.geojson").write_text("\n".join(json.dumps(FEATURE) for _ in range(4)))

    assert geojson_census(tmp_path / "x.geojson").features == 4


def test_what_stands_among_the_features_and_is_none_shows_in_the_count(tmp_path):
    shape = {"type": "Point", "coordinates": [-119.3, 46.2]}
    good = {"type": "Feature", "geometry": shape, "properties": {"PIN": "A"}}
    path = tmp_path / "x.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [good, {"a": 1}, good, shape]}))

    source, rows, _, _ = read(path)

    assert source.count() == 4
    assert len(rows) <= 4


def with_second_shape(path, wkb):
    """The layer with the bytes of its second shape exchanged for others, behind GDAL's back."""
    with sqlite3.connect(path) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        head = database.execute("SELECT geom FROM parcels WHERE fid = 2").fetchone()[0][:8]
        database.execute("UPDATE parcels SET geom = ? WHERE fid = 2", [head[:3] + b"\x01" + head[4:] + wkb])
    return path


def test_a_shape_of_arcs_is_read_as_straight_lines(tmp_path):
    _, rows, broken, _ = read(with_second_shape(layer(tmp_path / "x.gpkg", 3), ARC))

    assert not broken
    line = shapely.from_wkb(rows[1]["geometry"])
    assert line.geom_type == "LineString"
    assert line.bounds == pytest.approx((0, 0, 2, 1), abs=2e-4)


def test_a_shape_of_an_unknown_kind_is_one_bad_row_and_the_others_load(tmp_path):
    source, rows, broken, _ = read(with_second_shape(layer(tmp_path / "x.gpkg", 4), TRIANGLE))

    assert [row["PIN"] for row in rows] == ["P0", "P2", "P3"]
    assert [(row.line, row.reason) for row in broken] == [
        (2, "a Triangle, a kind of geometry that is not read; make it straight lines")
    ]
    assert source.count() == 4


def test_a_place_that_is_a_mark_for_none_is_dropped_and_told(tmp_path):
    low = -1.7976931348623157e308
    shapes = [shapely.Point(1_900_000, 360_000), shapely.Point(low, low), shapely.Point(1_900_001, 360_000)]

    _, rows, _, notes = read(layer(tmp_path / "x.gpkg", shapes=shapes, crs="EPSG:2927"))

    assert [bool(row["geometry"]) for row in rows] == [True, False, True]
    assert [(note.line, note.dropped) for note in notes] == [(2, True)]


@pytest.fixture
def archive(tmp_path):
    """Two shapefiles with parts in mixed case, what macOS leaves behind, and a table that describes them."""
    layer(tmp_path / "a.shp", 3)
    layer(tmp_path / "b.shp", 4)
    path = tmp_path / "county.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for stem, name in (("a", "Data/PARCELS"), ("b", "Data/Zoning")):
            for ending, written in (
                (".shp", ".SHP"),
                (".shx", ".shx"),
                (".dbf", ".Dbf"),
                (".prj", ".PRJ"),
                (".cpg", ".cpg"),
            ):
                packed.write(
                    tmp_path / f"{stem}{ending}", name.lower() + written if ending == ".dbf" else name + written
                )
        packed.writestr("Data/._PARCELS.SHP", b"\x00\x05\x16\x07")
        packed.writestr("__MACOSX/Data/._Zoning.SHP", b"\x00\x05\x16\x07")
        packed.writestr("Data/readme.txt", "of the county")
    return path


@pytest.mark.parametrize(("named", "rows"), [("parcels", 3), ("ZONING", 4), ("Data/Zoning.SHP", 4), ("zoning.shp", 4)])
def test_the_mapping_names_one_layer_of_a_zip_in_any_case(archive, named, rows):
    source, found, _, _ = read(archive, layer=named)

    assert len(found) == source.count() == rows


def test_a_zip_of_two_layers_asks_which(archive):
    with pytest.raises(
        UnreadableSource, match=r"holds 2 files that could be meant: Data/PARCELS\.SHP, Data/Zoning\.SHP"
    ):
        read(archive)


@pytest.fixture
def geodatabase(tmp_path):
    path = layer(tmp_path / "county.gdb", 6)
    return layer(path, 2, name="Zoning", append=True)


def test_a_geodatabase_is_a_source(geodatabase):
    source, rows, _, _ = read(geodatabase, layer="PARCELS")

    assert len(rows) == source.count() == 6
    assert len(source.digest()) == 64
    with pytest.raises(UnreadableSource, match="has the layers parcels, Zoning; name one"):
        read(geodatabase)


def test_a_zipped_geodatabase_is_a_source(geodatabase, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", geodatabase.parent, geodatabase.name)

    source, rows, _, _ = read(tmp_path / archive, layer="zoning")

    assert len(rows) == source.count() == 2


def test_a_geodatabase_with_a_link_in_it_is_refused(geodatabase):
    (geodatabase / "a00000099.gdbtable").symlink_to("/etc/passwd")

    with pytest.raises(UnreadableSource, match="a link instead of a file"):
        read(geodatabase, layer="parcels")


def test_a_folder_that_is_no_geodatabase_is_refused(tmp_path):
    (tmp_path / "x.gdb").mkdir()

    with pytest.raises(UnreadableSource, match="is not a File Geodatabase"):
        read(tmp_path / "x.gdb")


def test_a_field_called_geometry_that_nobody_reads_refuses_no_file(tmp_path):
    shape = {"type": "Point", "coordinates": [-119.3, 46.2]}
    feature = {"type": "Feature", "geometry": shape, "properties": {"PIN": "A", "geometry": "square"}}
    (tmp_path / "x.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))

    _, rows, _, _ = read(tmp_path / "x.geojson")

    assert rows[0]["geometry (field)"] == "square"
    assert shapely.from_wkb(rows[0]["geometry"]).equals(shapely.Point(-119.3, 46.2))


def test_a_layers_attributes_have_the_type_of_their_fields_unless_the_mapping_says_another(db, tmp_path, mapping_file):
    shape = {"type": "Point", "coordinates": [-119.3, 46.2]}
    full, bare = {"N": 7, "X": 40.5, "B": True, "T": "01"}, {"N": None, "X": 3, "B": None, "T": None}
    values = [{"PIN": "A"} | full, {"PIN": "B"} | bare]
    features = [{"type": "Feature", "geometry": shape, "properties": value} for value in values]
    (tmp_path / "x.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    names = "".join(f"  attributes.{name}: {{column: {name}}}\n" for name in "NXBT")
    head = "layers:\n  layer: {value: x}\n  feature_id: {column: PIN}\n  geometry: {column: geometry, type: geometry}\n"
    mapping = mapping_file(head + names + "  attributes.said: {column: N, type: text}\n")

    run_load(LoadRequest(county=a_county("demo"), source=str(tmp_path / "x.geojson"), mapping=mapping))

    first, second = LayerFeature.objects.order_by("feature_id")
    assert first.attributes == {"N": 7, "X": 40.5, "B": True, "T": "01", "said": "7"}
    assert second.attributes == {"N": None, "X": 3.0, "B": None, "T": "", "said": ""}
