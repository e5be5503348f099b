"""Every format by its name: how its file is called, which coordinates it may have, and who writes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gis_export.county_settings import ExportFormat

from ..tiles.pmtiles_file import write_pmtiles
from .csv_wkt import write_csv
from .gdal_files import write_file_geodatabase, write_flatgeobuf, write_geopackage, write_shapefile
from .geojson import write_geojson
from .geoparquet import write_geoparquet
from .kml import write_kml, write_kmz
from .source import LayerSource

Writer = Callable[[Path, Sequence[LayerSource], str], None]


@dataclass(frozen=True)
class FileFormat:
    """extension: of what is delivered for one layer. written_as: of what the writer makes, where that is zipped.

    several_layers: whether one file holds them; otherwise each gets its own, zipped. degrees_only: its standard fixes
    EPSG:4326. multi: one geometry type a layer, so every polygon becomes a multipolygon.
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
FORMATS: dict[str, FileFormat] = {each.name: each for each in _FORMATS}

# Other names people write for the same thing.
_ALIASES = {
    "shp": "Shapefile", "esrishapefile": "Shapefile", "gpkg": "GeoPackage", "fgb": "FlatGeobuf",
    "parquet": "GeoParquet", "gdb": "FileGDB", "filegeodatabase": "FileGDB", "csvwkt": "CSV",
}  # fmt: skip
_BY_NAME = {name.lower(): name for name in FORMATS} | _ALIASES


def format_named(text: str) -> FileFormat | None:
    """Whatever the case, spaces, dashes and underscores; None for an unknown one."""
    plain = "".join(each for each in text.lower() if each.isalnum())
    name = _BY_NAME.get(plain)
    return FORMATS[name] if name else None
