"""PMTiles: all zoom levels of an export in one file, which the map page reads without a tile server.

A tile carries all layers, so the shapes of every layer stay in memory until the file is written, about 2 KB a feature.
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

from ..layers.colours import colours_of
from ..layers.layer import ExportLayer
from ..reading.features import FID, GEOMETRY
from ..reading.source import LayerSource
from .encoding import layer_bytes
from .outlines import Pieces, finest_zoom, pieces_at, to_world, zoom_levels

HIGHEST_ZOOM = 14  # a unit is 0.4 m at 46 degrees north; the map page enlarges these tiles
MOST_FEATURES = 20_000  # in a layer of a tile; of more features the largest are taken
MOST_WITH_FIELDS = 5_000  # in a layer of a tile; where there are more features, they carry only their label


class NothingToDraw(TerraFusionError):
    """The export holds no feature, so its map would have no place to show."""


@dataclass(frozen=True)
class LayerInMemory:
    """A layer's features, as columns. shapes: in world units. size: the longer side of each shape's box."""

    definition: ExportLayer
    shapes: np.ndarray
    fid: np.ndarray
    columns: pa.Table
    size: np.ndarray

    @property
    def name(self) -> str:
        return self.definition.name

    def finest(self, levels: Sequence[int]) -> int:
        """The highest of the zoom levels for which this layer is cut."""
        return finest_zoom(shapely.bounds(self.shapes), levels[0], levels[-1])


def write_pmtiles(path: Path, sources: Sequence[LayerSource], as_of: str) -> None:
    """One file for all layers. Raises NothingToDraw when no layer has a feature."""
    layers = [_in_memory(source) for source in sources]
    filled = [layer for layer in layers if len(layer.shapes)]
    if not filled:
        raise NothingToDraw("No feature lies in the area; a map needs at least one.")
    bounds = shapely.total_bounds(np.concatenate([layer.shapes for layer in filled]))
    levels = list(zoom_levels(bounds, HIGHEST_ZOOM))
    finest = {layer.name: layer.finest(levels) for layer in filled}
    with path.open("wb") as stream:
        writer = Writer(stream)
        for zoom in levels:
            for x, y, tile in _tiles([layer for layer in filled if zoom <= finest[layer.name]], zoom):
                writer.write_tile(zxy_to_tileid(zoom, x, y), gzip.compress(tile, 5, mtime=0))
        writer.finalize(_header(bounds, levels), _metadata(layers, levels, finest))


def _in_memory(source: LayerSource) -> LayerInMemory:
    batches = list(source.batches())
    table = pa.Table.from_batches(batches, schema=source.schema)
    shapes = shapely.from_wkb(table[GEOMETRY].to_numpy())
    shapes = shapely.transform(shapes, to_world)
    boxes = shapely.bounds(shapes)
    size = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) if len(boxes) else np.zeros(0)
    return LayerInMemory(source.layer, shapes, table[FID].to_numpy(), table.drop_columns([FID, GEOMETRY]), size)


def _tiles(layers: Sequence[LayerInMemory], zoom: int) -> Iterator[tuple[int, int, bytes]]:
    """The tiles of a zoom level (x, y, bytes), in the order of the file; a tile's bytes are its layers in turn."""
    cut_layers = [pieces_at(layer.shapes, layer.definition.shape, zoom) for layer in layers]
    tiles = [_places_by_tile(pieces, zoom) for pieces in cut_layers]
    for tile_id in sorted(set().union(*tiles)):
        parts = []
        x = y = 0
        for layer, pieces, places in zip(layers, cut_layers, tiles, strict=True):
            if (chosen := places.get(tile_id)) is not None:
                x, y = int(pieces.x[chosen[0]]), int(pieces.y[chosen[0]])
                parts.append(_layer_of_tile(layer, pieces, chosen))
        yield x, y, b"".join(parts)


def _places_by_tile(pieces: Pieces, zoom: int) -> dict[int, np.ndarray]:
    """The places of the pieces in each tile, by the tile's number."""
    if not len(pieces.feature):
        return {}
    code = pieces.x << zoom | pieces.y
    order = np.argsort(code, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(code[order])) + 1)
    return {zxy_to_tileid(zoom, int(pieces.x[group[0]]), int(pieces.y[group[0]])): group for group in groups}


def _layer_of_tile(layer: LayerInMemory, pieces: Pieces, chosen: np.ndarray) -> bytes:
    if len(chosen) > MOST_FEATURES:
        largest = np.argsort(-layer.size[pieces.feature[chosen]], kind="stable")[:MOST_FEATURES]
        chosen = chosen[np.sort(largest)]
    features = pieces.feature[chosen]
    columns = layer.columns if len(chosen) <= MOST_WITH_FIELDS else layer.columns.select([layer.definition.label])
    outlines = [pieces.outline[place] for place in chosen.tolist()]
    return layer_bytes(layer.name, layer.definition.shape, layer.fid[features], columns.take(features), outlines)


def _degrees(bounds: np.ndarray) -> tuple[float, float, float, float]:
    """Bounds in world units as west, south, east and north in degrees."""
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


def _metadata(layers: Sequence[LayerInMemory], levels: Sequence[int], finest: dict[str, int]) -> dict[str, Any]:
    """The `vector_layers` of TileJSON 3, and under `terrafusion` what the map page needs for drawing."""
    return {
        "name": ", ".join(layer.definition.title for layer in layers),
        "format": "pbf",
        "vector_layers": [
            {
                "id": layer.name,
                "description": layer.definition.title,
                "minzoom": levels[0],
                "maxzoom": finest.get(layer.name, levels[-1]),
                "fields": {field.name: field.type for field in layer.definition.fields},
            }
            for layer in layers
        ],
        "terrafusion": [
            _drawing(layer.definition, len(layer.shapes), finest.get(layer.name, levels[-1])) for layer in layers
        ],
    }


def _drawing(layer: ExportLayer, features: int, finest: int) -> dict[str, Any]:
    colours = colours_of(layer)
    return {
        "layer": layer.name,
        "title": layer.title,
        "shape": layer.shape,
        "label": layer.label,
        "fill": colours.fill,
        "line": colours.line,
        "features": features,
        "maxzoom": finest,
        "units": {field.name: field.unit for field in layer.fields if field.unit},
    }
