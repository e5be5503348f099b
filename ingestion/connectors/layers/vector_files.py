"""Layers of shapes, read by GDAL, which can open far more than files: databases, URLs, the pipelines of other programs.

So a file is opened only if its first bytes are those of a format on the list, and the format GDAL recognises is checked
against the list again. Shapes are converted to longitude and latitude (EPSG:4326).
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyogrio
from pyproj import CRS, Transformer

from ..opening import Content, FileSource, checked_zip, is_named, library_faults
from ..source import BATCH_ROWS, LINE, Batch, UnreadableSource, unique_names
from ..tables import as_texts, on_disk
from .feature_counts import count_features, geodatabase_rows, geojson_census
from .vector_texts import shapes_in_degrees, sound_texts

GEODATABASE = ".gdb"
GEODATABASE_PART = re.compile(
    r"gdb|timestamps|a[0-9a-f]{8}\.(gdbtable|gdbtablx|gdbindexes|freelist|\w+\.atx|atx|spx|horizon)"
)
LAYER_KINDS = (".shp", ".geojson", ".json", ".gpkg", ".fgb", ".kml", GEODATABASE)
DRIVERS = ("ESRI Shapefile", "GeoJSON", "GeoJSONSeq", "GPKG", "FlatGeobuf", "KML", "LIBKML", "OpenFileGDB")
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".shp.xml")
GEOMETRY = "geometry"
HEAD = 64 * 1024

# GDAL makes no outbound connection and opens no other file, whatever a layer refers to.
pyogrio.set_gdal_config_options(
    {
        "GDAL_HTTP_MAX_RETRY": "0",
        "CPL_CURL_ENABLE_VSIMEM": "NO",
        "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
        "OGR_SQLITE_LOAD_EXTENSIONS": "",
        "SQLITE_USE_OGR_VFS": "NO",
        "GDAL_VRT_ENABLE_PYTHON": "NO",
        "LIBKML_RESOLVE_STYLE": "NO",
        "OGR_GEOJSON_MAX_OBJ_SIZE": "200",
    }
)


@dataclass(frozen=True)
class VectorFile(FileSource):
    """One layer. Its attributes are texts; its shapes are hexadecimal WKB in the column `geometry`."""

    def columns(self) -> list[str]:
        with self._opened() as (_, info):
            return self._names(info)

    def shape(self) -> dict[str, Any]:
        with self._opened() as (_, info):
            kinds = dict(zip(map(str, info["fields"]), map(str, info["dtypes"]), strict=True))
            crs = str(info["crs"] or "")
            return {"columns": self._names(info), "kinds": kinds, "encoding": info["encoding"], "delimiter": crs[:80]}

    def count(self) -> int | None:
        """The number of features, counted on the bytes of the file."""
        with self._opened() as (path, info), library_faults(f"{self.name}: its features cannot be counted"):
            if path.suffix.lower() == ".gdb":
                return geodatabase_rows(path, _catalogue_number(path, info["layer_name"]))
            return count_features(path, info["layer_name"], info["layers"])

    def batches(self, after: Any = None) -> Iterator[Batch]:
        number = after or 0
        with self._opened() as (path, info):
            transformer = self._transformer(info)
            while True:
                batch, read = self._read(path, info, number, transformer)
                if not read:
                    return
                number += 1
                yield batch
                if read < BATCH_ROWS:
                    return

    def _read(self, path: Path, info: dict[str, Any], number: int, transformer: Any) -> tuple[Batch, int]:
        """The batch of this number, and the number of features read for it."""
        start = number * BATCH_ROWS
        with library_faults(f"{self.name}: feature {start + 1} or a later one cannot be read"):
            _, arrow = pyogrio.read_arrow(
                path, layer=info["layer_name"], skip_features=start, max_features=BATCH_ROWS, datetime_as_string=True
            )
            shape_column = next((name for name in arrow.column_names if name not in info["fields"]), None)
            fields = [str(name) for name in info["fields"]]
            table = arrow.select(fields).rename_columns(self._names(info)[: len(fields)])
            table, notes = sound_texts(table, start + 1)
            rows = as_texts(pl.DataFrame(table)) if table.num_columns else pl.DataFrame()
            wkb = arrow.column(shape_column).to_pylist() if shape_column else [None] * arrow.num_rows
            shapes = shapes_in_degrees(wkb, transformer, start + 1, GEOMETRY)
        lines = pl.Series(LINE, range(start + 1, start + 1 + arrow.num_rows), dtype=pl.Int64)
        whole = pl.Series(shapes.is_whole)
        rows = rows.with_columns(lines).filter(whole) if rows.width else lines.filter(whole).to_frame()
        rows = rows.with_columns(pl.Series(GEOMETRY, shapes.hexadecimal, dtype=pl.String))
        return Batch(rows, number + 1, shapes.broken, [*notes, *shapes.notes]), arrow.num_rows

    def _names(self, info: dict[str, Any]) -> list[str]:
        """The columns, of which the shapes are `geometry`. A field of that name is called `geometry (field)`."""
        names = [f"{GEOMETRY} (field)" if str(name) == GEOMETRY else str(name) for name in info["fields"]]
        return [*unique_names(names), GEOMETRY]

    def _transformer(self, info: dict[str, Any]) -> Transformer | None:
        if not info["geometry_type"]:
            return None  # a table without shapes
        if not info["crs"]:
            raise UnreadableSource(f"{self.name} does not say its coordinate reference system (no .prj file?).")
        with library_faults(f"{self.name}: its coordinate reference system is not understood"):
            crs = CRS.from_user_input(info["crs"]).to_2d()
            if crs.is_compound:
                crs = crs.sub_crs_list[0]  # the horizontal part, without the system of the heights
            is_degrees = crs.is_geographic and crs.to_epsg() == 4326
            return None if is_degrees else Transformer.from_crs(crs, 4326, always_xy=True)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        with _unpacked(self.content) as path:
            _check_content(path, self.name)
            with library_faults(f"{self.name} cannot be read as a layer of shapes"):
                layers = [str(name) for name, _ in pyogrio.list_layers(path)]
                layer = self._layer(layers)
                info = pyogrio.read_info(path, layer=layer, force_feature_count=True)
            if info["driver"] not in DRIVERS:
                raise UnreadableSource(f"{self.name} is of the kind {info['driver']}; allowed: {', '.join(DRIVERS)}.")
            yield path, info | {"layers": len(layers)}

    def _layer(self, layers: list[str]) -> str:
        """The layer the mapping names, upper and lower case aside, or the only one. Raises UnreadableSource."""
        wanted, known = self.options.layer, ", ".join(layers) or "none"
        if wanted in layers:
            return str(wanted)
        alike = [layer for layer in layers if wanted is not None and layer.lower() == wanted.lower()]
        if len(alike) == 1:
            return alike[0]
        # For a zip the mapping may name the file instead of the layer.
        named_file = wanted is not None and self.content.member is not None and is_named(self.content.member, wanted)
        if wanted is not None and not named_file and self.content.member is None:
            raise UnreadableSource(f"{self.name} has no layer {wanted!r}; it has {known}.")
        if len(layers) != 1:
            raise UnreadableSource(f"{self.name} has the layers {known}; name one with file: {{layer: ...}}.")
        return layers[0]


def _catalogue_number(path: Path, layer: str) -> int:
    """The number of the table file that holds the layer, from the catalogue of the geodatabase."""
    _, table = pyogrio.read_arrow(path, layer="GDB_SystemCatalog", return_fids=True, LIST_ALL_TABLES="YES")
    rows = table.to_pylist()
    number = next(name for name in table.column_names if name not in ("Name", "FileFormat"))
    return next(int(row[number]) for row in rows if row["Name"].lower() == layer.lower())


def _unpacked(content: Content) -> AbstractContextManager[Path]:
    """A path GDAL can open. Parts of a zip get new names, so that no name in the archive becomes a path."""
    if content.member is not None and content.kind == ".shp":
        return _unpacked_shapefile(content, content.member)
    if content.member is not None and content.kind == GEODATABASE:
        return _unpacked_geodatabase(content, content.member)
    return on_disk(content)


@contextmanager
def _unpacked_shapefile(content: Content, member: str) -> Iterator[Path]:
    """A copy of the shapefile's parts, whose names may differ in case: `Parcels.SHP` and `PARCELS.dbf`."""
    stem = member[: -len(".shp")].lower()
    with tempfile.TemporaryDirectory(prefix="terrafusion-source-") as folder, checked_zip(content.path) as archive:
        for name in archive.namelist():
            ending = name.lower().removeprefix(stem)
            if name.lower() == stem + ending and ending in SHAPEFILE_PARTS and ending != ".shp.xml":
                _copy_out(content.path, name, Path(folder) / f"layer{ending}")
        yield Path(folder) / "layer.shp"


@contextmanager
def _unpacked_geodatabase(content: Content, member: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="terrafusion-source-") as folder, checked_zip(content.path) as archive:
        copy = Path(folder) / "layer.gdb"
        copy.mkdir()
        for name in archive.namelist():
            part = name.removeprefix(f"{member}/")
            if name != part and GEODATABASE_PART.fullmatch(part):
                _copy_out(content.path, name, copy / part)
        yield copy


def _copy_out(archive: Path, member: str, target: Path) -> None:
    with Content(archive, member).opened() as packed, target.open("wb") as out:
        shutil.copyfileobj(packed, out, 1 << 20)


def _check_content(path: Path, name: str) -> None:
    """Raises UnreadableSource if the first bytes are not those of the format that the file's suffix names."""
    kind = path.suffix.lower()
    if kind == GEODATABASE:
        _check_geodatabase(path, name)
        return
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if kind in (".geojson", ".json"):
        good = _is_geojson(path, head)
    elif kind == ".kml":
        _refuse_xml_tricks(path, name)
        good = re.search(rb"<(\w+:)?kml[\s>]", head) is not None
    else:
        magic = {".shp": b"\x00\x00\x27\x0a", ".gpkg": b"SQLite format 3\x00", ".fgb": b"fgb"}
        good = head.startswith(magic[kind]) and (kind != ".gpkg" or head[68:72] in (b"GPKG", b"GP10", b"GP11"))
    if not good:
        raise UnreadableSource(f"{name} does not begin as a {kind} file must; refused.")


def _check_geodatabase(path: Path, name: str) -> None:
    """Raises UnreadableSource if the folder is no geodatabase, or holds a link, which GDAL would follow."""
    catalogue = path / "a00000001.gdbtable"
    if not catalogue.is_file() or catalogue.stat().st_size < 40:
        raise UnreadableSource(f"{name} is not a File Geodatabase.")
    if any(file.is_symlink() for file in path.rglob("*")):
        raise UnreadableSource(f"{name} holds a link instead of a file.")


def _is_geojson(path: Path, head: bytes) -> bool:
    """Whether the file is a FeatureCollection or Features, not one of the other things GDAL reads from JSON."""
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if not text.startswith("{"):
        return False
    others = ('"gdal_streamed_alg"', '"stac_version"', '"esriGeometry', '"Topology"', '"command_line"')
    return geojson_census(path).is_geojson and not any(mark in text for mark in others)


_XML_TRICKS = {
    b"<!DOCTYPE": "a document type",
    b"<!ENTITY": "an entity",
    b"<!ATTLIST": "an attribute list",
    b"XINCLUDE": "an inclusion",
    b"<?XML-STYLESHEET": "a stylesheet",
    b"NETWORKLINK": "a link to another server",
    b"<SCHEMALOCATION": "a schema from elsewhere",
    b"GROUNDOVERLAY": "an overlay",
    b"XLINK:HREF": "a link",
}


def _refuse_xml_tricks(path: Path, name: str) -> None:
    """Raises UnreadableSource for entities and links, by which a reader opens other files or servers or fills memory.

    No layer needs them.
    """
    overlap = b""
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            text = (overlap + chunk).upper()
            if b"\x00" in text:
                raise UnreadableSource(f"{name} is not in UTF-8; save it as UTF-8.")
            for trick, what in _XML_TRICKS.items():
                if trick in text:
                    raise UnreadableSource(f"{name} holds {what}; refused.")
            if re.search(rb"<(\w+:)?HREF>\s*(HTTP|FTP|FILE|//|/|\\\\)", text):
                raise UnreadableSource(f"{name} links to another file or server; refused.")
            overlap = chunk[-64:]
