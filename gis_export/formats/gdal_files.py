"""Files written by GDAL, one batch of rows at a time: GeoPackage, FlatGeobuf, Shapefile and File Geodatabase."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from terrafusion.errors import TerraFusionError

from ..layers.fields import Field, all_different, arrow_schema, cut
from ..layers.layer import LINE, POINT, POLYGON
from ..layers.names import file_stems, table_names
from ..reading.features import GEOMETRY
from ..reading.source import LayerSource
from .qgis_style import qml

_GEOMETRY_TYPES = {POINT: "Point", LINE: "MultiLineString", POLYGON: "MultiPolygon"}
LONGEST_TITLE = 200  # bytes; the titles of a GeoPackage's tables must all differ
SHAPEFILE_END = 2**31  # bytes of a .shp or .dbf
_GEODATABASE_TYPES = {pa.int64(): pa.float64(), pa.date32(): pa.timestamp("ms")}
STYLES = """CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT(256),
f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT,
styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)"""


class TooLarge(TerraFusionError):
    """Many programs would read only a part of the Shapefile."""


def _write(
    reader: pa.RecordBatchReader, path: Path, source: LayerSource, driver: str, *, name: str = "", **options: str
) -> None:
    """Writes one layer. name: what the layer is called in the file, where that is not its own name."""
    import pyogrio  # brings GDAL, which no other process needs

    layer = source.layer
    with source.original_failure():
        pyogrio.write_arrow(
            reader,
            path,
            layer=name or layer.name,
            driver=driver,
            geometry_name=GEOMETRY,
            geometry_type=_GEOMETRY_TYPES[layer.shape],
            crs=source.selection.system.identifier,
            layer_options=options,
        )


def write_geopackage(path: Path, sources: Sequence[LayerSource], as_of: str) -> None:
    """One file for all layers, with the style in which QGIS opens each. as_of: the time stamp written into the file."""
    import pyogrio

    # GDAL need not flush the file after every transaction: the job flushes it once, when it is complete.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": as_of, "OGR_SQLITE_SYNCHRONOUS": "OFF"})
    layers = [source.layer for source in sources]
    tables = table_names([layer.name for layer in layers])
    titles = all_different({layer.name: layer.title for layer in layers}, set(), LONGEST_TITLE)
    for source in sources:
        options = {"IDENTIFIER": titles[source.layer.name], "GEOMETRY_NAME": "geom"}
        _write(source.without_fid(), path, source, "GPKG", name=tables[source.layer.name], **options)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(STYLES)
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change)"
            " VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)",
            [as_of],
        )
        for layer in layers:
            database.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
                " styleQML, useAsDefault, description, owner, update_time)"
                " VALUES ('', '', ?, 'geom', 'TerraFusion', ?, 1, ?, '', ?)",
                [tables[layer.name], qml(layer), layer.title, as_of],
            )


def write_flatgeobuf(path: Path, sources: Sequence[LayerSource], as_of: str) -> None:
    """The file holds one layer. GDAL builds its index in memory, about 50 bytes a feature."""
    (source,) = sources
    _write(source.without_fid(), path, source, "FlatGeobuf", TITLE=source.layer.title)


def write_file_geodatabase(path: Path, sources: Sequence[LayerSource], as_of: str) -> None:
    """The result is a folder. Whole numbers become doubles and dates become timestamps: every ArcGIS reads those."""
    for source in sources:
        reader = source.without_fid()
        columns = [column.with_type(_GEODATABASE_TYPES.get(column.type, column.type)) for column in reader.schema]
        schema = pa.schema(columns)
        converted = pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in reader))
        _write(converted, path, source, "OpenFileGDB", LAYER_ALIAS=source.layer.title)


def write_shapefile(path: Path, sources: Sequence[LayerSource], as_of: str) -> None:
    """A folder with the .shp, .shx, .dbf, .prj and .cpg files of every layer. Column names have ten characters."""
    path.mkdir(exist_ok=True)
    stems = file_stems([source.layer.name for source in sources])
    for source in sources:
        schema = pa.schema([*arrow_schema(source.layer.fields, short=True), pa.field(GEOMETRY, pa.binary())])
        reader = pa.RecordBatchReader.from_batches(schema, _shortened(source, schema))
        stem = stems[source.layer.name]  # the driver calls the layer by it too
        file = path / f"{stem}.shp"
        options = {"ENCODING": "UTF-8", "DBF_DATE_LAST_UPDATE": as_of[:10]}
        _write(reader, file, source, "ESRI Shapefile", name=stem, **options)
        _check_size(file, source.layer.title)


def _shortened(source: LayerSource, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The batches with short column names; texts too long for dBASE are cut and counted."""
    for batch in source.batches():
        *columns, shapes = batch.columns[1:]
        fitting = [_fitting(source, field, column) for field, column in zip(source.layer.fields, columns, strict=True)]
        yield pa.record_batch([*fitting, shapes], schema=schema)


def _fitting(source: LayerSource, field: Field, column: pa.Array) -> pa.Array:
    if field.type != "text":
        return column
    too_long = pc.sum(pc.greater(pc.binary_length(column), field.width)).as_py() or 0
    if not too_long:
        return column
    source.texts_cut += too_long
    return pa.array([None if text is None else cut(text, field.width) for text in column.to_pylist()], pa.string())


def _check_size(file: Path, title: str) -> None:
    """Raises TooLarge from 2 GB on, where many programs read a part of the file and give no warning."""
    for part in (file, file.with_suffix(".dbf")):
        if (size := part.stat().st_size) >= SHAPEFILE_END:
            raise TooLarge(
                f"{title}: the {part.suffix} of the Shapefile has {size / 1e9:,.1f} GB, and most programs read 2 GB at"
                " most. Export a smaller area, parcels_basic, or a GeoPackage."
            )
