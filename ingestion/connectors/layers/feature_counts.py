"""The number of features in a layer, counted on the bytes of the file, independently of GDAL, which reads them."""

from __future__ import annotations

import mmap
import re
import sqlite3
import struct
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

# A string, a brace, or a bracket with all numbers and brackets that follow it: coordinates are skipped in one step.
_JSON = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}]|[\[\]][-+0-9.eE,\s\[\]]*+', re.DOTALL)
_COLON = re.compile(rb"\s*:")


@dataclass
class GeojsonCensus:
    """What a GeoJSON file holds.

    types: the `type` members of the top-level objects. features: the number of features in a collection, or of
    top-level objects in a file without one.
    """

    types: set[str] = field(default_factory=set)
    objects: int = 0
    collected: int = 0

    @property
    def features(self) -> int:
        return self.collected if "FeatureCollection" in self.types else self.objects

    @property
    def is_geojson(self) -> bool:
        return bool(self.types) and self.types <= {"FeatureCollection", "Feature"}


def geojson_census(path: Path) -> GeojsonCensus:
    """Counts the file. The members of its objects may stand in any order."""
    census, depth, key, inside = GeojsonCensus(), 0, b"", False
    if not path.stat().st_size:
        return census
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        for token in _JSON.finditer(text):
            piece = token.group()
            if piece[:1] == b'"':
                if depth == 1:
                    if _COLON.match(text, token.end()):
                        key = piece[1:-1]
                    elif key == b"type":
                        census.types.add(piece[1:-1].decode("utf-8", "replace"))
            elif piece == b"{":
                census.objects += depth == 0
                census.collected += inside and depth == 2
                depth += 1
            elif piece == b"}":
                depth -= 1
            else:
                opened = depth == 1 and piece[:1] == b"[" and key == b"features"
                depth += piece.count(b"[") - piece.count(b"]")
                inside = depth > 1 and (inside or opened)
    return census


def count_features(path: Path, layer: str, layers: int) -> int | None:
    """Features of the layer; None for files that only GDAL can count. Damaged bytes may raise any error."""
    kind = path.suffix.lower()
    if kind in (".geojson", ".json"):
        return geojson_census(path).features
    if kind == ".shp":
        return _shapefile_records(path)
    if kind == ".gpkg":
        return _geopackage_rows(path, layer)
    if kind == ".fgb":
        return _flatgeobuf_features(path)
    if kind == ".kml":
        return _placemarks(path, layer, layers)
    return None


def _shapefile_records(path: Path) -> int:
    """The records of the table, without deleted ones; the shapes where there is no table, or where they are more."""
    shapes = 0
    with path.open("rb") as stream:
        stream.seek(100)
        while len(header := stream.read(8)) == 8:
            shapes += 1
            stream.seek(2 * struct.unpack(">ii", header)[1], 1)
    table = next((file for file in path.parent.glob("*") if file.name.lower() == f"{path.stem}.dbf".lower()), None)
    if table is None:
        return shapes
    data = table.read_bytes()
    records, header_length, length = struct.unpack_from("<IHH", data, 4)
    flags = data[header_length : header_length + records * length : length] if length else b""
    return max(records, shapes) - flags.count(b"*")


def _geopackage_rows(path: Path, layer: str) -> int:
    quoted = '"' + layer.replace('"', '""') + '"'
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {quoted}").fetchone()[0])  # noqa: S608 - quoted above


def _flatgeobuf_features(path: Path) -> int:
    """Counts the features after header and index; each begins with its length (flatgeobuf.org, Specification)."""
    with path.open("rb") as stream:
        stream.seek(8)
        (size,) = struct.unpack("<I", stream.read(4))
        header = stream.read(size)
        features, node_size = _table_number(header, 8, "<Q", 0), _table_number(header, 9, "<H", 16)
        stream.seek(_index_bytes(features, node_size), 1)
        count = 0
        while len(length := stream.read(4)) == 4:
            count += 1
            stream.seek(struct.unpack("<I", length)[0], 1)
    return count


def _table_number(table: bytes, number: int, kind: str, default: int) -> int:
    """A number from the root table of a flatbuffer, by the number of its field."""
    (root,) = struct.unpack_from("<I", table, 0)
    (back,) = struct.unpack_from("<i", table, root)
    (size,) = struct.unpack_from("<H", table, root - back)
    at = 4 + 2 * number
    (offset,) = struct.unpack_from("<H", table, root - back + at) if at < size else (0,)
    return int(struct.unpack_from(kind, table, root + offset)[0]) if offset else default


def _index_bytes(features: int, node_size: int) -> int:
    """The length of a packed Hilbert R-tree, which has 40 bytes for each node on each level."""
    if not features or not node_size:
        return 0
    nodes = level = features
    while level > 1:
        level = -(-level // node_size)
        nodes += level
    return 40 * nodes


class _Containers:
    """The number of placemarks in each folder or document, gathered while the file is parsed."""

    def __init__(self) -> None:
        self.counts: list[tuple[str, int]] = []
        self._open: list[list[Any]] = []
        self._path: list[str] = []
        self.total = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self._path.append(name)
        if name in ("Folder", "Document"):
            self._open.append(["", 0])
        elif name == "Placemark":
            self.total += 1
            if self._open:
                self._open[-1][1] += 1

    def text(self, data: str) -> None:
        if self._path[-2:] in (["Folder", "name"], ["Document", "name"]):
            self._open[-1][0] += data

    def end(self, tag: str) -> None:
        if self._path.pop() in ("Folder", "Document"):
            name, count = self._open.pop()
            self.counts.append((name.strip(), count))


def _placemarks(path: Path, layer: str, layers: int) -> int | None:
    """The placemarks of the whole file when it has one layer; else those of the folder of that name.

    None when not exactly one folder has the name.
    """
    containers = _Containers()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.CharacterDataHandler = containers.start, containers.text
    parser.EndElementHandler = containers.end
    with path.open("rb") as stream:
        parser.ParseFile(stream)
    if layers == 1:
        return containers.total
    counts = [count for name, count in containers.counts if name == layer]
    return counts[0] if len(counts) == 1 else None


def geodatabase_rows(folder: Path, number: int) -> int | None:
    """The rows in use, from the header of the layer's table file; None for a version other than 3."""
    table = folder / f"a{number:08x}.gdbtable"
    with table.open("rb") as stream:
        version, rows = struct.unpack("<II", stream.read(8))
    return rows if version == 3 else None
