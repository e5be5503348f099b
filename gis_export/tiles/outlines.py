"""Shapes as the rings and points of vector tiles: projected once, then cut for each zoom level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely

from ..layers.layer import DIMENSION, LINE, POINT, POLYGON, Shape
from .protobuf import varints, zigzag

EXTENT = 4096  # units along a tile's side
BUFFER = 64  # units drawn beyond the edge, so that outlines meet
MOST_TILES_UNCUT = 4  # a shape in more tiles than this is cut, not repeated whole in each
MOST_PIECES = 5_000  # of a layer in a zoom level, not counting the MOST_TILES_UNCUT that any shape may have
LEAST_POINTS = {POLYGON: 3, LINE: 2, POINT: 1}
MOVE_TO, LINE_TO, CLOSE = 1, 2, 15
HIGHEST_LATITUDE = 85.05112878


def to_world(points: np.ndarray) -> np.ndarray:
    """Degrees as world units: Web Mercator with the world as the unit square and y running south."""
    longitude, latitude = points[:, 0], np.clip(points[:, 1], -HIGHEST_LATITUDE, HIGHEST_LATITUDE)
    sine = np.sin(np.radians(latitude))
    return np.column_stack([longitude / 360 + 0.5, 0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)])


@dataclass(frozen=True)
class Rings:
    """The outlines of many shapes, as columns.

    points: in world units, an array of shape (n, 2). ring: the number of each point's ring.
    part: the number of each ring's polygon. shape: the number of each ring's shape.
    The rings of a polygon follow each other, the outer one first.
    """

    points: np.ndarray
    ring: np.ndarray
    part: np.ndarray
    shape: np.ndarray

    @classmethod
    def of(cls, shapes: np.ndarray, kind: Shape) -> Rings:
        """The outlines of shapes in world units. Closing points are left out: a tile closes its rings itself."""
        parts, shape_of_part = shapely.get_parts(shapes, return_index=True)
        if kind == POLYGON:
            # Clockwise where y runs south, as the tile specification (4.3.3.3) asks.
            rings, part = shapely.get_rings(shapely.orient_polygons(parts, exterior_cw=False), return_index=True)
        else:
            rings, part = parts, np.arange(len(parts))
        if kind == POINT:
            points, ring = shapely.get_coordinates(shapes, return_index=True)
            whole = np.arange(len(shapes))
            return cls(points, ring, whole, whole)
        points, ring = shapely.get_coordinates(rings, return_index=True)
        if kind == POLYGON and len(ring):
            last = np.append(ring[1:] != ring[:-1], True)
            points, ring = points[~last], ring[~last]
        return cls(points, ring, part, shape_of_part[part])


@dataclass(frozen=True)
class Pieces:
    """Shapes cut for one zoom level, as columns.

    feature: the row a piece belongs to. x, y: its tile. outline: its encoded geometry.
    """

    feature: np.ndarray
    x: np.ndarray
    y: np.ndarray
    outline: list[bytes]


def _tiles_touched(bounds: np.ndarray, zoom: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each box its north-western tile, how many tiles it touches from west to east, and how many in all."""
    units = bounds * (EXTENT << zoom)
    lowest = np.floor((units[:, :2] - BUFFER) / EXTENT).astype(np.int64)
    highest = np.floor((units[:, 2:] + BUFFER) / EXTENT).astype(np.int64)
    lowest, highest = (np.clip(corner, 0, (1 << zoom) - 1) for corner in (lowest, highest))
    across = highest[:, 0] - lowest[:, 0] + 1
    return lowest, across, across * (highest[:, 1] - lowest[:, 1] + 1)


def finest_zoom(bounds: np.ndarray, lowest: int, highest: int) -> int:
    """The highest zoom level at which the shapes do not fall into too many pieces; lower for counties than for lots.

    At higher levels a map enlarges the tiles of this one. bounds: those of each shape, in world units.
    """
    most = MOST_PIECES + MOST_TILES_UNCUT * len(bounds)
    usable = (zoom for zoom in range(highest, lowest, -1) if _tiles_touched(bounds, zoom)[2].sum() <= most)
    return next(usable, lowest)


def pieces_at(shapes: np.ndarray, kind: Shape, zoom: int) -> Pieces:
    """The pieces of every shape in every tile it touches. shapes: in world units."""
    lowest, across, tiles = _tiles_touched(shapely.bounds(shapes), zoom)
    feature = np.repeat(np.arange(len(shapes)), tiles)
    number = np.arange(len(feature)) - np.repeat(np.cumsum(tiles) - tiles, tiles)
    x = lowest[feature, 0] + number % across[feature]
    y = lowest[feature, 1] + number // across[feature]
    cut = shapes[feature]
    large = tiles[feature] > MOST_TILES_UNCUT
    cut[large] = [_cut(*piece, zoom) for piece in zip(cut[large], x[large], y[large], strict=True)]
    chosen = np.flatnonzero(~shapely.is_empty(cut) & (shapely.get_dimensions(cut) == DIMENSION[kind]))
    return _encoded(Rings.of(cut[chosen], kind), feature[chosen], x[chosen], y[chosen], kind, zoom)


def _cut(shape: shapely.Geometry, x: int, y: int, zoom: int) -> shapely.Geometry:
    """The part of a shape in a tile and its buffer."""
    side, margin = 1 / (1 << zoom), BUFFER / (EXTENT << zoom)
    box = (x * side - margin, y * side - margin, (x + 1) * side + margin, (y + 1) * side + margin)
    return shapely.clip_by_rect(shape, *box)


def _encoded(rings: Rings, feature: np.ndarray, x: np.ndarray, y: np.ndarray, kind: Shape, zoom: int) -> Pieces:
    """The pieces with their drawing commands. Points are rounded to the tile's units; collapsed rings are dropped."""
    piece = rings.shape[rings.ring]
    units = np.round(rings.points * (EXTENT << zoom)).astype(np.int64)
    units -= np.column_stack([x, y])[piece] * EXTENT
    units, ring = _without_repetitions(units, rings.ring, kind)
    counts = np.bincount(ring, minlength=len(rings.part))
    good = counts >= LEAST_POINTS[kind]
    good &= _outer_is_good(rings.part, good)
    usable = good[ring]
    units, ring, counts = units[usable], ring[usable], counts[good]
    ring_piece = rings.shape[good]
    first_of_piece = (
        np.flatnonzero(np.append(True, ring_piece[1:] != ring_piece[:-1])) if len(ring_piece) else ring_piece
    )
    numbers, starts = _commands(units, counts, first_of_piece, kind)
    buffer, bounds = varints(numbers, starts[first_of_piece] if len(starts) else starts)
    chosen = ring_piece[first_of_piece] if len(ring_piece) else ring_piece
    outlines = [buffer[start:end] for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]
    return Pieces(feature[chosen], x[chosen], y[chosen], outlines)


def _without_repetitions(units: np.ndarray, ring: np.ndarray, kind: Shape) -> tuple[np.ndarray, np.ndarray]:
    """The points without those that rounding put on the point before them, or on the first point of their ring."""
    if kind == POINT or not len(ring):
        return units, ring
    same_ring = ring[1:] == ring[:-1]
    repeated = np.append(False, same_ring & (units[1:] == units[:-1]).all(axis=1))
    if kind == POLYGON:
        first = np.flatnonzero(np.append(True, ~same_ring))
        last = np.append(first[1:], len(ring)) - 1
        closes = (units[first] == units[last]).all(axis=1) & (first != last)
        repeated[last[closes]] = True
    return units[~repeated], ring[~repeated]


def _outer_is_good(part: np.ndarray, good: np.ndarray) -> np.ndarray:
    """For each ring, whether the outer ring of its polygon is good: a hole without its polygon is dropped."""
    if not len(part):
        return good
    first = np.append(True, part[1:] != part[:-1])
    return good[np.flatnonzero(first)][np.cumsum(first) - 1]


def _commands(
    units: np.ndarray, counts: np.ndarray, first_of_piece: np.ndarray, kind: Shape
) -> tuple[np.ndarray, np.ndarray]:
    """The command and parameter integers of all rings, and the place at which those of each ring begin.

    Source: Mapbox Vector Tile Specification 2.1, section 4.3.
    """
    first_point = np.cumsum(counts) - counts
    before = np.vstack([np.zeros((1, 2), dtype=np.int64), units[:-1]])
    before[first_point[first_of_piece]] = 0  # the pen starts at the tile's corner for every piece
    steps = zigzag(units - before)
    extra = {POLYGON: 3, LINE: 2, POINT: 1}[kind]
    lengths = 2 * counts + extra
    starts = np.cumsum(lengths) - lengths
    numbers = np.zeros(int(lengths.sum()), dtype=np.uint32)
    within = np.arange(len(units)) - np.repeat(first_point, counts)
    places = np.repeat(starts, counts) + 1 + 2 * within
    if kind == POINT:
        numbers[starts] = counts << 3 | MOVE_TO
    else:
        places[within > 0] += 1  # these points follow the command that draws the line
        numbers[starts] = 1 << 3 | MOVE_TO
        numbers[starts + 3] = (counts - 1) << 3 | LINE_TO
    numbers[places], numbers[places + 1] = steps[:, 0], steps[:, 1]
    if kind == POLYGON:
        numbers[starts + lengths - 1] = CLOSE
    return numbers, starts


def zoom_levels(bounds: np.ndarray, highest: int) -> Iterator[int]:
    """The zoom levels of a map: from two below the one at which everything fits a tile, up to the highest.

    bounds: those of everything together, in world units.
    """
    side = max(bounds[2] - bounds[0], bounds[3] - bounds[1], 1e-9)
    fits = int(np.floor(-np.log2(side)))
    yield from range(max(0, min(fits - 2, highest)), highest + 1)
