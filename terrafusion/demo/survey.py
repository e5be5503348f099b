"""The land survey of the demo county: sections that tile it, small in town and large in the country.

As in the Public Land Survey, a township is cut into square-mile sections, which are halved again and again where people
live. The corners are then moved a little, so that the map does not look drawn with a ruler. A shared corner is moved
once, so neighbouring sections still meet exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

LATTICE_FT = 660.0  # a furlong: the side of the smallest section, 10 acres
ORIGIN_FT = (1_900_000.0, 290_000.0)  # EPSG:2927, in the dry hills south of Benton City

URBAN, SUBURBAN, RURAL = 0, 1, 2
LOTS_PER_CELL = (26.0, 8.0)  # expected in one urban and one suburban lattice cell
LOTS_PER_RURAL_SECTION = 5.0
TOWNS = ((0.50, 0.54, 1.0), (0.20, 0.27, 0.42), (0.80, 0.77, 0.33))  # across, up, relative radius


@dataclass(frozen=True)
class Survey:
    """One entry per section. All arrays have the same length n."""

    column: np.ndarray  # lattice column of the south-west corner
    row: np.ndarray
    size: np.ndarray  # side in lattice cells: 1, 2, 4 or 8
    density: np.ndarray  # URBAN, SUBURBAN or RURAL
    town_distance: np.ndarray  # 0 in a town centre, 1 at the edge of the built-up land
    corners: np.ndarray  # (n, 4, 2) feet: south-west, south-east, north-east, north-west
    polygons: np.ndarray  # (n,) shapely polygons in feet; together they are the county

    def __len__(self) -> int:
        return len(self.column)

    @property
    def centers(self) -> np.ndarray:
        return self.corners.mean(axis=1)


def survey_county(lots: int, rng: np.random.Generator) -> Survey:
    """A survey with room for about this many lots."""
    tile, tiles_wide, tiles_high = _county_size(lots)
    inside = _county_mask(tiles_wide, tiles_high, rng).repeat(tile, 0).repeat(tile, 1)
    distance = _town_distance(inside.shape, rng, towns=3 if lots >= 3000 else 1)
    prefers_small = rng.random(inside.shape)

    radius_low, radius_high = 0.0, 2.0
    for _ in range(25):
        radius = (radius_low + radius_high) / 2
        sections = _divide(inside, distance / radius, prefers_small, tile)
        if _expected_lots(sections) < lots:
            radius_low = radius
        else:
            radius_high = radius
    column, row, size, density = sections
    corners, polygons = _place(column, row, size, inside.shape, rng)
    middle = size // 2
    return Survey(
        column=column,
        row=row,
        size=size,
        density=density,
        town_distance=(distance / radius)[row + middle, column + middle],
        corners=corners,
        polygons=polygons,
    )


def _county_size(lots: int) -> tuple[int, int, int]:
    """The side of a township tile in lattice cells, and the county's extent in tiles."""
    # The town takes up most of a small county.
    tile, lots_per_square_mile = (8, 117) if lots >= 3000 else (4, 180) if lots >= 600 else (2, 350)
    tiles = lots / lots_per_square_mile / (tile / 8) ** 2
    wide = max(3, round(np.sqrt(tiles * 1.35)))
    return tile, wide, max(3, round(tiles / wide))


def _county_mask(wide: int, high: int, rng: np.random.Generator) -> np.ndarray:
    """Which tiles belong to the county: a rectangle with its corners cut off."""
    across = np.abs(np.linspace(-1, 1, wide))[None, :]
    up = np.abs(np.linspace(-1, 1, high))[:, None]
    return across**4 + up**4 <= 1.45 + rng.uniform(-0.1, 0.1)


def _town_distance(shape: tuple[int, int], rng: np.random.Generator, towns: int) -> np.ndarray:
    """The distance to the nearest town as a share of the county's extent, varied so that towns have ragged edges."""
    high, wide = shape
    y, x = np.mgrid[0:high, 0:wide] + 0.5
    extent = np.sqrt(high * wide)
    ragged = np.zeros(shape)
    for waves in (2.5, 5.0, 9.0):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        along = (x * np.cos(angle) + y * np.sin(angle)) / extent
        ragged += np.sin(2 * np.pi * waves * along + phase) / waves**0.5
    distances = [np.hypot(x - across * wide, y - up * high) / extent / weight for across, up, weight in TOWNS[:towns]]
    return np.min(distances, axis=0) * (1 + 0.22 * ragged)


def _divide(
    inside: np.ndarray, distance: np.ndarray, prefers_small: np.ndarray, tile: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Halves tiles until each section suits its density, and gives column, row, size and density of each section."""
    density = np.where(distance < 1, URBAN, np.where(distance < 1.45, SUBURBAN, RURAL))
    suburban_size = min(2, tile)
    wanted = np.choose(density, [1, suburban_size, tile])
    # Some farms are half a tile wide, more of them near a town. There is one draw for each tile.
    tile_draw = prefers_small[::tile, ::tile].repeat(tile, 0).repeat(tile, 1)
    split_farm = tile_draw < np.clip(1.1 - distance / 4, 0.25, 0.8)
    wanted = np.where((density == RURAL) & split_farm & (tile > 2), tile // 2, wanted)

    sections: list[np.ndarray] = []
    open_cells = inside.copy()
    size = tile
    while size >= 1:
        high, wide = inside.shape[0] // size, inside.shape[1] // size
        tiles = (high, size, wide, size)
        is_open = open_cells.reshape(tiles).all(axis=(1, 3))
        fits = is_open & (wanted.reshape(tiles).min(axis=(1, 3)) >= size)
        rows, columns = np.nonzero(fits)
        sections.append(np.column_stack([columns * size, rows * size, np.full(len(rows), size)]))
        open_cells &= ~fits.repeat(size, 0).repeat(size, 1)
        size //= 2
    column, row, sizes = np.concatenate(sections).T
    return column, row, sizes, density[row + sizes // 2, column + sizes // 2]


def _expected_lots(sections: tuple[np.ndarray, ...]) -> float:
    _, _, size, density = sections
    cells = np.bincount(density, weights=size**2, minlength=3)
    rural = np.count_nonzero(density == RURAL)
    return cells[URBAN] * LOTS_PER_CELL[0] + cells[SUBURBAN] * LOTS_PER_CELL[1] + rural * LOTS_PER_RURAL_SECTION


def _place(
    column: np.ndarray,
    row: np.ndarray,
    size: np.ndarray,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """The corners and polygons of the sections in feet.

    Large sections are placed first. A corner on the side of a larger section stays on that side, so that no road cuts
    into the section.
    """
    points = _bent_lattice(shape, rng)
    fixed = np.zeros(points.shape[:2], dtype=bool)
    used = np.zeros_like(fixed)
    for side in sorted(set(size.tolist()), reverse=True):
        x, y = column[size == side], row[size == side]
        ring = [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
        for cx, cy in ring:
            fixed[cy, cx] = used[cy, cx] = True
        for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1], strict=True):
            for step in range(1, side):
                px = ax + (bx - ax) * step // side
                py = ay + (by - ay) * step // side
                free = ~fixed[py, px]
                share = step / side
                on_side = points[ay, ax] * (1 - share) + points[by, bx] * share
                points[py[free], px[free]] = on_side[free]
        for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1], strict=True):
            for step in range(1, side):
                fixed[ay + (by - ay) * step // side, ax + (bx - ax) * step // side] = True

    corner_x = np.stack([column, column + size, column + size, column], axis=1)
    corner_y = np.stack([row, row, row + size, row + size], axis=1)
    return points[corner_y, corner_x], _section_polygons(column, row, size, points, used)


def _section_polygons(
    column: np.ndarray, row: np.ndarray, size: np.ndarray, points: np.ndarray, used: np.ndarray
) -> np.ndarray:
    """The polygons, which include the corners of smaller neighbours on their sides."""
    coordinates, owner = [], []
    for number, (x, y, side) in enumerate(zip(column.tolist(), row.tolist(), size.tolist(), strict=True)):
        ring = (
            [(x + step, y) for step in range(side)]
            + [(x + side, y + step) for step in range(side)]
            + [(x + side - step, y + side) for step in range(side)]
            + [(x, y + side - step) for step in range(side)]
        )
        corners = [points[py, px] for px, py in ring if used[py, px]]
        coordinates.extend([*corners, corners[0]])
        owner.extend([number] * (len(corners) + 1))
    return shapely.polygons(shapely.linearrings(np.array(coordinates), indices=np.array(owner)))


def _bent_lattice(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """The lattice points in feet, of shape (rows + 1, columns + 1, 2), moved by gentle waves and a little jitter."""
    high, wide = shape
    y, x = np.mgrid[0 : high + 1, 0 : wide + 1].astype(float)
    points = np.stack([x, y], axis=-1) * LATTICE_FT
    extent = max(high, wide)
    for waves, share in ((0.8, 0.016), (1.7, 0.007), (3.3, 0.002)):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        along = (x * np.cos(angle) + y * np.sin(angle)) / extent
        reach = share * extent * LATTICE_FT * np.sin(2 * np.pi * waves * along + phase)
        points += reach[..., None] * np.array([-np.sin(angle), np.cos(angle)])
    points += rng.uniform(-22.0, 22.0, points.shape)
    return points + np.array(ORIGIN_FT)
