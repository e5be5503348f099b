"""Every format by its name: its file's extension, the coordinates it may have, and the function that writes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gis_export.county_settings import ExportFormat

from ..reading.source import LayerSource
from ..tiles.pmtiles_file import write_pmtiles
from .csv_wkt import write_csv
from .gdal_files import write_file_geodatabase, write_flatgeobuf, write_geopackage, write_shapefile
from .geojson import write_geojson
from .geoparquet import write_geoparquet
from .kml import write_kml, write_kmz

Writer = Callable[[Path, Sequence[LayerSource], str], None]


@dataclass(frozen=True)
class FileFormat:
    """A format of exports.

    extension: that of the file delivered for one layer.
    written_as: what the writer makes, where that is zipped before it is delivered.
    several_layers: one file holds them all; otherwise every layer gets a file, and these are zipped together.
    degrees_only: the format's standard fixes EPSG:4326.
    multi: a layer holds one geometry type, so every polygon becomes a multipolygon.
    short_names: columns have their ten-character names.
    """

    name: ExportFormat
    extension: str
    content_type: str
    write: Writer
    several_layers: bool = True
    degrees_only: bool = False
    multi: bool = True
    written_as: str = ""
    short_names: bool = False

    @property
    def is_zipped(self) -> bool:
        return bool(self.written_as)


ZIP = "application/zip"
PMTILES = "application/vnd.pmtiles"
_FORMATS = (
    FileFormat("GeoJSON", "geojson", "application/geo+json", write_geojson, degrees_only=True, multi=False),
    FileFormat("Shapefile", "zip", ZIP, write_shapefile, written_as="shapefiles", short_names=True),
    FileFormat("KML", "kml", "application/vnd.google-earth.kml+xml", write_kml, degrees_only=True, multi=False),
    FileFormat("KMZ", "kmz", "application/vnd.google-earth.kmz", write_kmz, degrees_only=True, multi=False),
    FileFormat("GeoPackage", "gpkg", "application/geopackage+sqlite3", write_geopackage),
    FileFormat("FlatGeobuf", "fgb", "application/flatgeobuf", write_flatgeobuf, several_layers=False),
    FileFormat(
        "GeoParquet", "parquet", "application/vnd.apache.parquet", write_geoparquet, several_layers=False, multi=False
    ),
    FileFormat("FileGDB", "gdb.zip", ZIP, write_file_geodatabase, written_as="gdb"),
    FileFormat("PMTiles", "pmtiles", PMTILES, write_pmtiles, degrees_only=True, multi=False),
    FileFormat("CSV", "csv", "text/csv", write_csv, several_layers=False, multi=False),
)
FORMATS: dict[str, FileFormat] = {file_format.name: file_format for file_format in _FORMATS}

# Other names people write for these formats.
_ALIASES = {
    "shp": "Shapefile", "esrishapefile": "Shapefile", "gpkg": "GeoPackage", "fgb": "FlatGeobuf",
    "parquet": "GeoParquet", "gdb": "FileGDB", "filegeodatabase": "FileGDB", "csvwkt": "CSV",
}  # fmt: skip
_BY_NAME = {name.lower(): name for name in FORMATS} | _ALIASES


def format_named(text: str) -> FileFormat | None:
    """The format of this name; case, spaces, dashes and underscores do not matter. None if there is no such format."""
    plain = "".join(character for character in text.lower() if character.isalnum())
    name = _BY_NAME.get(plain)
    return FORMATS[name] if name else None
