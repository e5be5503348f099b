"""GeoJSON by RFC 7946: longitude and latitude, seven decimals, outer rings counter-clockwise, one feature per line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from django.db import connection

from ..areas.rounding import rounded
from ..layers.layer import Query
from ..reading.features import FID, GEOMETRY, geojson_lines
from ..reading.source import LayerSource
from ..reading.statements import select_geojson

LINES_PER_REPORT = 8192  # of progress


def write_geojson(path: Path, sources: Sequence[LayerSource], as_of: str) -> None:
    """One FeatureCollection. If it holds several layers, the property `layer` of a feature names its layer."""
    several = len(sources) > 1
    with path.open("wb", buffering=1 << 20) as stream:
        stream.write(b'{"type":"FeatureCollection","features":[')
        separator = b"\n"
        for source in sources:
            for line in _lines(source, source.layer.name if several else None):
                stream.write(separator)
                stream.write(line)
                separator = b",\n"
        stream.write(b"\n]}\n")


def _lines(source: LayerSource, layer_property: str | None) -> Iterator[bytes]:
    if (
        connection.vendor == "postgresql"
        and isinstance(source.layer.source, Query)
        and not source.selection.changes_shapes_in_python
    ):
        statement = select_geojson(source.layer, source.selection, layer_property)
        return _counted(source, (line.rstrip(b"\n") for line in geojson_lines(statement)))
    return (line for batch in source.batches() for line in feature_lines(batch, layer_property))


def _counted(source: LayerSource, lines: Iterable[bytes]) -> Iterator[bytes]:
    pending = 0
    for line in lines:
        yield line
        pending += 1
        if pending == LINES_PER_REPORT:
            source.count(pending)
            pending = 0
    source.count(pending)


def feature_lines(batch: pa.RecordBatch, layer: str | None = None, shapes: np.ndarray | None = None) -> list[bytes]:
    """A GeoJSON Feature for each row of a batch whose shapes are in longitude and latitude.

    layer: given where a file holds several layers; becomes a property of every feature and the beginning of its id.
    shapes: the GeoJSON texts of the shapes, where they are not those of the batch.
    """
    if shapes is None:
        shapes = geojson_geometries(shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False)))
    names = [name for name in batch.schema.names if name not in (FID, GEOMETRY)]
    rows = batch.select(names).to_pylist()
    extra = {} if layer is None else {"layer": layer}
    before, after = ("", "") if layer is None else (_json(f"{layer}.")[:-1], '"')
    return [
        f'{{"type":"Feature","id":{before}{fid}{after},"properties":{_json(extra | row)},"geometry":{shape}}}'.encode()
        for fid, row, shape in zip(batch.column(FID).to_pylist(), rows, shapes, strict=True)
    ]


def geojson_geometries(shapes: np.ndarray, *, wind: bool = True) -> np.ndarray:
    """The GeoJSON texts of the shapes, rounded. wind: turns rings as the RFC asks; not for axes in swapped order."""
    short = rounded(shapes)
    return shapely.to_geojson(shapely.orient_polygons(short) if wind else short)


def _json(content: dict[str, Any] | str) -> str:
    return json.dumps(content, default=str, ensure_ascii=False, separators=(",", ":"))
