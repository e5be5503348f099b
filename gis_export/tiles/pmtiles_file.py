"""PMTiles: all zoom levels of an export in one file, which the map page reads without a tile server.

Holds every layer's shapes in memory until the file is written, some 2 KB a feature: a tile carries all layers.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from terrafusion.errors import TerraFusionError

from ..formats.source import LayerSource
from ..layers.colours import colours_of
from ..layers.layer import ExportLayer
from ..layers.reading import FID, GEOMETRY
from .encoding import layer_bytes
from .outlines import Pieces, finest_zoom, pieces_at, to_world, zoom_levels

HIGHEST_ZOOM = 14  # 0.4 m a unit at 46 degrees north; the page enlarges from there
MOST_FEATURES = 20_000  # in a layer of a tile; the largest stay
MOST_WITH_FIELDS = 5_000  # in a layer of a tile; beyond, features carry their label alone


class NothingToDraw(TerraFusionError):
    """No feature at all: a map of it has no place to show."""


@dataclass(frozen=True)
class Drawn:
    """A layer in memory. shapes: in world units; size: of the longer side of each."""

    layer: ExportLayer
    shapes: np.ndarray
    fid: np.ndarray
    columns: pa.Table
    size: np.ndarray

    def finest(self, levels: Sequence[int]) -> int:
        """The highest of the levels this layer is cut for."""
        return finest_zoom(shapely.bounds(self.shapes), levels[0], levels[-1])


def write_pmtiles(path: Path, sources: Sequence[LayerSource], as_of: str) -> None:
    """Raises NothingToDraw when no layer has a feature."""
    drawn = [_in_memory(source) for source in sources]
    filled = [each for each in drawn if len(each.shapes)]
    if not filled:
        raise NothingToDraw("No feature lies in the area; a map needs at least one.")
    bounds = shapely.total_bounds(np.concatenate([each.shapes for each in filled]))
    levels = list(zoom_levels(bounds, HIGHEST_ZOOM))
    finest = {each.layer.name: each.finest(levels) for each in filled}
    with path.open("wb") as stream:
        writer = Writer(stream)
        for zoom in levels:
            for x, y, tile in _tiles([each for each in filled if zoom <= finest[each.layer.name]], zoom):
                writer.write_tile(zxy_to_tileid(zoom, x, y), gzip.compress(tile, 5, mtime=0))
        writer.finalize(_header(bounds, levels), _metadata(drawn, levels, finest))


def _in_memory(source: LayerSource) -> Drawn:
    batches = list(source.batches())
    table = pa.Table.from_batches(batches, schema=source.schema)
    shapes = shapely.from_wkb(table[GEOMETRY].to_numpy())
    shapes = shapely.transform(shapes, to_world)
    boxes = shapely.bounds(shapes)
    size = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) if len(boxes) else np.zeros(0)
    return Drawn(source.layer, shapes, table[FID].to_numpy(), table.drop_columns([FID, GEOMETRY]), size)


def _tiles(drawn: Sequence[Drawn], zoom: int) -> Iterator[tuple[int, int, bytes]]:
    """The tiles of a zoom level, in the order of the file; layers follow each other in a tile's bytes."""
    cut = [pieces_at(each.shapes, each.layer.shape, zoom) for each in drawn]
    places = [_by_tile(pieces, zoom) for pieces in cut]
    for tile_id in sorted(set().union(*places)):
        parts = []
        x = y = 0
        for each, pieces, of_tile in zip(drawn, cut, places, strict=True):
            if (chosen := of_tile.get(tile_id)) is not None:
                x, y = int(pieces.x[chosen[0]]), int(pieces.y[chosen[0]])
                parts.append(_layer_of_tile(each, pieces, chosen))
        yield x, y, b"".join(parts)


def _by_tile(pieces: Pieces, zoom: int) -> dict[int, np.ndarray]:
    """Places of the pieces by the number of their tile."""
    if not len(pieces.feature):
        return {}
    code = pieces.x << zoom | pieces.y
    order = np.argsort(code, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(code[order])) + 1)
    return {zxy_to_tileid(zoom, int(pieces.x[group[0]]), int(pieces.y[group[0]])): group for group in groups}


def _layer_of_tile(drawn: Drawn, pieces: Pieces, chosen: np.ndarray) -> bytes:
    if len(chosen) > MOST_FEATURES:
        largest = np.argsort(-drawn.size[pieces.feature[chosen]], kind="stable")[:MOST_FEATURES]
        chosen = chosen[np.sort(largest)]
    features = pieces.feature[chosen]
    columns = drawn.columns if len(chosen) <= MOST_WITH_FIELDS else drawn.columns.select([drawn.layer.label])
    outlines = [pieces.outline[place] for place in chosen.tolist()]
    return layer_bytes(drawn.layer.name, drawn.layer.shape, drawn.fid[features], columns.take(features), outlines)


def _degrees(bounds: np.ndarray) -> tuple[float, float, float, float]:
    """World units back to west, south, east, north."""
    west, north, east, south = bounds
    latitudes = [float(np.degrees(2 * np.arctan(np.exp((0.5 - y) * 2 * np.pi)) - np.pi / 2)) for y in (south, north)]
    return (west - 0.5) * 360, latitudes[0], (east - 0.5) * 360, latitudes[1]


def _header(bounds: np.ndarray, levels: Sequence[int]) -> dict[str, Any]:
    west, south, east, north = (round(degree * 1e7) for degree in _degrees(bounds))
    return {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_lon_e7": west,
        "min_lat_e7": south,
        "max_lon_e7": east,
        "max_lat_e7": north,
        "center_zoom": levels[min(2, len(levels) - 1)],
        "center_lon_e7": (west + east) // 2,
        "center_lat_e7": (south + north) // 2,
    }


def _metadata(drawn: Sequence[Drawn], levels: Sequence[int], finest: dict[str, int]) -> dict[str, Any]:
    """TileJSON 3 `vector_layers`, and under `terrafusion` what the map page draws with."""
    return {
        "name": ", ".join(each.layer.title for each in drawn),
        "format": "pbf",
        "vector_layers": [
            {
                "id": each.layer.name,
                "description": each.layer.title,
                "minzoom": levels[0],
                "maxzoom": finest.get(each.layer.name, levels[-1]),
                "fields": {field.name: field.type for field in each.layer.fields},
            }
            for each in drawn
        ],
        "terrafusion": [_drawing(each, finest.get(each.layer.name, levels[-1])) for each in drawn],
    }


def _drawing(drawn: Drawn, finest: int) -> dict[str, Any]:
    colours = colours_of(drawn.layer)
    return {
        "layer": drawn.layer.name,
        "title": drawn.layer.title,
        "shape": drawn.layer.shape,
        "label": drawn.layer.label,
        "fill": colours.fill,
        "line": colours.line,
        "features": len(drawn.shapes),
        "maxzoom": finest,
        "units": {field.name: field.unit for field in drawn.layer.fields if field.unit},
    }
