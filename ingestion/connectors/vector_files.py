"""Layers of shapes through GDAL, which can open far more than files: databases, addresses, other programs' pipelines.

So a file is opened only when its first bytes say it is one of the formats on the list, and GDAL's own answer is checked
against the list again. Geometry arrives in longitude and latitude (EPSG:4326).
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyogrio
import pyogrio.errors
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from .opening import Content, FileSource, checked_zip
from .source import BATCH_ROWS, LINE, Batch, UnreadableSource
from .tables import as_texts, on_disk

LAYER_KINDS = (".shp", ".geojson", ".json", ".gpkg", ".fgb", ".kml")
DRIVERS = ("ESRI Shapefile", "GeoJSON", "GeoJSONSeq", "GPKG", "FlatGeobuf", "KML", "LIBKML")
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".shp.xml")
GEOMETRY = "geometry"
HEAD = 64 * 1024

# No outbound connection, no other program's file, whatever a layer asks for.
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
    """One layer: its attributes as texts, its shapes as WKB in hexadecimal in the column `geometry`."""

    def columns(self) -> list[str]:
        with self._opened() as (_, info):
            return self._names(info)

    def shape(self) -> dict[str, Any]:
        with self._opened() as (_, info):
            kinds = dict(zip(map(str, info["fields"]), map(str, info["dtypes"]), strict=True))
            crs = str(info["crs"] or "")
            return {"columns": self._names(info), "kinds": kinds, "encoding": info["encoding"], "delimiter": crs[:80]}

    def batches(self, after: Any = None) -> Iterator[Batch]:
        skip = after or 0
        with self._opened() as (path, info):
            transformer = self._transformer(info)
            for start in range(skip * BATCH_ROWS, max(int(info["features"]), 0), BATCH_ROWS):
                rows = self._read(path, info, start, transformer)
                if rows.is_empty():
                    return
                yield Batch(rows, start // BATCH_ROWS + 1)

    def _read(self, path: Path, info: dict[str, Any], start: int, transformer: Any) -> pl.DataFrame:
        try:
            _, arrow = pyogrio.read_arrow(
                path, layer=info["layer_name"], skip_features=start, max_features=BATCH_ROWS, datetime_as_string=True
            )
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, RuntimeError, ValueError) as error:
            raise UnreadableSource(f"{self.name}: feature {start + 1} or a later one cannot be read.") from error
        shapes_at = next((each for each in arrow.column_names if each not in info["fields"]), None)
        table = arrow.select([str(each) for each in info["fields"]])
        rows = as_texts(pl.DataFrame(table)) if table.num_columns else pl.DataFrame()
        wkb = arrow.column(shapes_at).to_pylist() if shapes_at else [None] * arrow.num_rows
        return rows.with_columns(
            pl.Series(GEOMETRY, _in_degrees(wkb, transformer), dtype=pl.String),
            pl.Series(LINE, range(start + 1, start + 1 + arrow.num_rows), dtype=pl.Int64),
        )

    def _names(self, info: dict[str, Any]) -> list[str]:
        names = [str(each) for each in info["fields"]]
        if GEOMETRY in names:
            raise UnreadableSource(f"{self.name} has a field called geometry beside its shapes; rename it.")
        return [*names, GEOMETRY]

    def _transformer(self, info: dict[str, Any]) -> Transformer | None:
        if not info["crs"]:
            raise UnreadableSource(f"{self.name} does not say its coordinate reference system (no .prj file?).")
        try:
            crs = CRS.from_user_input(info["crs"])
        except CRSError as error:
            raise UnreadableSource(f"{self.name}: its coordinate reference system is not understood.") from error
        crs = crs.to_2d()
        if crs.is_compound:
            crs = crs.sub_crs_list[0]  # heights are of no use here
        return None if crs.is_geographic and crs.to_epsg() == 4326 else Transformer.from_crs(crs, 4326, always_xy=True)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        unpack = (
            _unpacked_shapefile if self.content.path.suffix.lower() == ".zip" and not self.content.member else on_disk
        )
        with unpack(self.content) as path:
            _check_content(path, self.name)
            try:
                layers = [str(each[0]) for each in pyogrio.list_layers(path)]
                wanted, known = self.options.layer, ", ".join(layers) or "none"
                if wanted is not None and self.content.member is None and wanted not in layers:
                    raise UnreadableSource(f"{self.name} has no layer {wanted!r}; it has {known}.")
                layer = wanted if wanted in layers else None
                if layer is None and len(layers) != 1:
                    raise UnreadableSource(f"{self.name} has the layers {known}; name one.")
                info = pyogrio.read_info(path, layer=layer or layers[0], force_feature_count=True)
            except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
                raise UnreadableSource(f"{self.name} cannot be read as a layer of shapes.") from error
            if info["driver"] not in DRIVERS:
                raise UnreadableSource(f"{self.name} is of the kind {info['driver']}; allowed: {', '.join(DRIVERS)}.")
            yield path, info


def _in_degrees(wkb: list[bytes | None], transformer: Transformer | None) -> list[str]:
    shapes = shapely.force_2d(shapely.from_wkb(wkb, on_invalid="ignore"))
    if transformer is not None:
        shapes = shapely.transform(shapes, transformer.transform, interleaved=False)
    return [each or "" for each in shapely.to_wkb(shapes, hex=True)]


@contextmanager
def _unpacked_shapefile(content: Content) -> Iterator[Path]:
    """The parts of the zip's one shapefile under names of ours, so that no name of the archive becomes a path."""
    with tempfile.TemporaryDirectory(prefix="terrafusion-source-") as folder, checked_zip(content.path) as archive:
        members = [each for each in archive.namelist() if not each.startswith("__MACOSX/")]
        shapes = [each for each in members if each.lower().endswith(".shp")]
        if len(shapes) != 1:
            raise UnreadableSource(f"{content.path.name} holds {len(shapes)} shapefiles; zip one at a time.")
        stem = shapes[0][: -len(".shp")]
        for member in members:
            ending = member[len(stem) :].lower()
            if member.startswith(stem) and ending in SHAPEFILE_PARTS and ending != ".shp.xml":
                with (
                    Content(content.path, member).opened() as packed,
                    (Path(folder) / f"layer{ending}").open("wb") as out,
                ):
                    shutil.copyfileobj(packed, out, 1 << 20)
        yield Path(folder) / "layer.shp"


def _check_content(path: Path, name: str) -> None:
    """The first bytes must be those of the format the name promises. Raises UnreadableSource."""
    kind = path.suffix.lower()
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if kind in (".geojson", ".json"):
        good = _is_geojson(head)
    elif kind == ".kml":
        _refuse_xml_tricks(path, name)
        good = re.search(rb"<kml[\s>]", head) is not None
    else:
        magic = {".shp": b"\x00\x00\x27\x0a", ".gpkg": b"SQLite format 3\x00", ".fgb": b"fgb"}
        good = head.startswith(magic[kind]) and (kind != ".gpkg" or head[68:72] in (b"GPKG", b"GP10", b"GP11"))
    if not good:
        raise UnreadableSource(f"{name} does not begin as a {kind} file must; refused.")


def _is_geojson(head: bytes) -> bool:
    """An object of type FeatureCollection or Feature, not one of the other things GDAL makes of JSON."""
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if not text.startswith("{"):
        return False
    found = re.search(r'"type"\s*:\s*"(\w+)"', text)
    others = ("gdal_streamed_alg", "stac_version", "esriGeometry", "Topology", "command_line")
    return bool(found) and found[1] in ("FeatureCollection", "Feature") and not any(each in text for each in others)


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
    """Entities and links make a reader open other files or servers, or fill its memory; no layer needs them."""
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
