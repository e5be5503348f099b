"""Streets, blocks and lots inside the sections of the demo county.

Its streets divide a section into blocks, and a block has two rows of lots, back to back. Both rows share every point of
the line between them, so the lots tile the block exactly. Positions are first given as (across, up), each between 0 and
1 within the section.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from .survey import LATTICE_FT, RURAL, SUBURBAN, URBAN, Survey

ROAD_FT = 30.0  # from the middle of the road between two sections to the lots
STREET_FT = 46.0  # width of a street inside a section

RESIDENTIAL, COMMERCIAL, MULTI_FAMILY, PUBLIC, SMALL_HOLDING, FARM = range(6)
LAND_USES = ("residential", "commercial", "multi_family", "public", "small_holding", "farm")
# The most lots that a row of a block holds in one cell of 660 ft.
MOST_LOTS_PER_CELL = {RESIDENTIAL: 13, COMMERCIAL: 6, MULTI_FAMILY: 7, SMALL_HOLDING: 6, FARM: 4}


@dataclass(frozen=True)
class RowPlan:
    """One entry per row of lots. Rows 0 and 1 of a strip are back to back; a public strip has only row 0."""

    section: np.ndarray
    strip: np.ndarray  # block number within the section, from the south (or west)
    strips: np.ndarray  # blocks in the section
    row: np.ndarray
    lots: np.ndarray
    land_use: np.ndarray


@dataclass(frozen=True)
class Lots:
    """One entry per lot, and one polygon per block; feet."""

    section: np.ndarray
    strip: np.ndarray
    row: np.ndarray
    order: np.ndarray  # place in its row
    land_use: np.ndarray
    runs_north: np.ndarray  # whether its street runs north and south
    block: np.ndarray  # index into blocks
    polygons: np.ndarray
    blocks: np.ndarray

    def __len__(self) -> int:
        return len(self.section)


def lay_out_lots(survey: Survey, lots: int, rng: np.random.Generator) -> Lots:
    """Lays out exactly this many lots over the whole county."""
    plan = _fit_to_total(_plan_rows(survey, _land_uses(survey, rng), rng), survey, lots, rng)
    turned = rng.random(len(survey)) < 0.5
    return _draw(survey, plan, turned, rng)


def _land_uses(survey: Survey, rng: np.random.Generator) -> np.ndarray:
    """The main land use of each section. Shops lie in the centre and along the highways."""
    draw = rng.random(len(survey))
    urban = survey.density == URBAN
    middle_row = np.median(survey.row[urban]) if urban.any() else 0
    on_highway = urban & (np.abs(survey.row - middle_row) < 1)
    shops = np.where(survey.town_distance < 0.18, 0.55, np.where(on_highway, 0.4, 0.02))
    use = np.choose(survey.density, [RESIDENTIAL, SMALL_HOLDING, FARM])
    use[urban & (draw < shops)] = COMMERCIAL
    use[urban & (draw > 0.93)] = MULTI_FAMILY
    use[urban & (draw > 0.965)] = PUBLIC
    if np.count_nonzero(urban) < 4:  # a hamlet is all houses
        use[urban] = RESIDENTIAL
    return use


def _plan_rows(survey: Survey, use: np.ndarray, rng: np.random.Generator) -> RowPlan:
    """How many blocks each section has, and how many lots each row of a block."""
    count, size = len(survey), survey.size
    strips = np.ones(count, dtype=int)
    in_town = (use == RESIDENTIAL) | (use == COMMERCIAL) | (use == MULTI_FAMILY)
    strips[in_town] = 2 * size[in_town]
    holdings = use == SMALL_HOLDING
    strips[holdings] = np.maximum(1, np.round(size[holdings] * rng.uniform(1.2, 2.0, holdings.sum())))

    per_row = np.empty(count)
    for land_use, (low, high) in {
        RESIDENTIAL: (6.5, 10.0),
        COMMERCIAL: (2.0, 4.5),
        MULTI_FAMILY: (2.5, 5.0),
        PUBLIC: (1.0, 1.0),
        SMALL_HOLDING: (2.2, 4.0),
    }.items():
        of_use = use == land_use
        per_row[of_use] = rng.uniform(low, high, np.count_nonzero(of_use))
    per_row[use != PUBLIC] *= size[use != PUBLIC]
    farms = use == FARM
    per_row[farms] = rng.uniform(1.0, 4.2, farms.sum())

    rows = np.where(use == PUBLIC, 1, 2)
    section = np.repeat(np.arange(count), strips * rows)
    within = np.arange(len(section)) - np.repeat(np.cumsum(strips * rows) - strips * rows, strips * rows)
    lots = np.maximum(1, np.round(per_row[section] + rng.uniform(-0.7, 0.7, len(section)))).astype(int)
    lots[use[section] == PUBLIC] = 1
    return RowPlan(
        section=section,
        strip=within // rows[section],
        strips=strips[section],
        row=within % rows[section],
        lots=lots,
        land_use=use[section],
    )


def _fit_to_total(plan: RowPlan, survey: Survey, total: int, rng: np.random.Generator) -> RowPlan:
    """Adds or removes single lots in random rows until the county has exactly this many."""
    most_per_cell = np.array([MOST_LOTS_PER_CELL.get(use, 1) for use in range(len(LAND_USES))])
    most = most_per_cell[plan.land_use] * survey.size[plan.section]
    while difference := total - int(plan.lots.sum()):
        step = 1 if difference > 0 else -1
        may_change = plan.land_use != PUBLIC
        may_change &= (plan.lots < most) if step > 0 else (plan.lots > 1)
        rows = np.nonzero(may_change)[0]
        chosen = rng.choice(rows, min(abs(difference), len(rows)), replace=False)
        plan.lots[chosen] += step
    return plan


def _draw(survey: Survey, plan: RowPlan, turned: np.ndarray, rng: np.random.Generator) -> Lots:
    first_rows = np.nonzero(plan.row == 0)[0]
    points: list[np.ndarray] = []
    point_section: list[int] = []
    rings: list[list[int]] = []
    block_rings: list[list[int]] = []
    lot_row: list[int] = []
    lot_order: list[int] = []
    lot_block: list[int] = []
    offset = 0
    for block, first in enumerate(first_rows.tolist()):
        two_rows = plan.land_use[first] != PUBLIC
        counts = plan.lots[first : first + 1 + two_rows].tolist()
        strip_points, lot_rings, outline = _strip(survey, plan, first, counts, rng)
        points.append(strip_points)
        point_section.extend([int(plan.section[first])] * len(strip_points))
        rings.extend([[offset + point for point in ring] for ring in lot_rings])
        block_rings.append([offset + point for point in outline])
        for row, lots in enumerate(counts):
            lot_row.extend([first + row] * lots)
            lot_order.extend(range(lots))
        lot_block.extend([block] * sum(counts))
        offset += len(strip_points)

    sections = np.array(point_section)
    feet = _to_feet(survey, np.concatenate(points), sections, turned, rng)
    rows = np.array(lot_row)
    return Lots(
        section=plan.section[rows],
        strip=plan.strip[rows],
        row=plan.row[rows],
        order=np.array(lot_order),
        land_use=plan.land_use[rows],
        runs_north=turned[plan.section[rows]],
        block=np.array(lot_block),
        polygons=_polygons(feet, rings),
        blocks=_polygons(feet, block_rings),
    )


def _strip(
    survey: Survey, plan: RowPlan, first: int, counts: list[int], rng: np.random.Generator
) -> tuple[np.ndarray, list[list[int]], list[int]]:
    """One block: its points (across, up), a ring of point numbers for each lot, and that of the whole block."""
    side_ft = LATTICE_FT * survey.size[plan.section[first]]
    edge, street = ROAD_FT / side_ft, STREET_FT / side_ft
    strips = int(plan.strips[first])
    depth = (1 - 2 * edge - (strips - 1) * street) / strips
    south = edge + plan.strip[first] * (depth + street)
    if len(counts) == 1:
        corners = [(edge, south), (1 - edge, south), (1 - edge, south + depth), (edge, south + depth)]
        return np.array(corners), [[0, 1, 2, 3]], [0, 1, 2, 3]

    country = plan.land_use[first] == FARM
    unevenness = 0.55 if country else 0.12
    fronts = [edge + (1 - 2 * edge) * _cuts(lots, unevenness, rng) for lots in counts]
    back_share = rng.uniform(0.3, 0.7) if country else rng.uniform(0.47, 0.53)
    # Where the lot lines of both rows meet the line between the rows.
    across = np.unique(np.concatenate(fronts))
    waver = rng.uniform(-0.025, 0.025, len(across)) * (1.5 if country else 1.0)
    back = south + depth * (back_share + waver)
    return _ring_numbers(fronts, across, south, south + depth, back)


def _ring_numbers(
    fronts: list[np.ndarray], across: np.ndarray, south: float, north: float, back: np.ndarray
) -> tuple[np.ndarray, list[list[int]], list[int]]:
    """Numbers the points of a block: the southern front, the northern front, then the line between the rows."""
    below, above = fronts
    points = np.concatenate(
        [
            np.column_stack([below, np.full(len(below), south)]),
            np.column_stack([above, np.full(len(above), north)]),
            np.column_stack([across, back]),
        ]
    )
    middle = len(below) + len(above)
    meets_below = (np.searchsorted(across, below) + middle).tolist()
    meets_above = (np.searchsorted(across, above) + middle).tolist()
    rings = [[lot, lot + 1, *range(meets_below[lot + 1], meets_below[lot] - 1, -1)] for lot in range(len(below) - 1)]
    rings += [
        [*range(meets_above[lot], meets_above[lot + 1] + 1), len(below) + lot + 1, len(below) + lot]
        for lot in range(len(above) - 1)
    ]
    outline = [
        *range(len(below)),
        len(points) - 1,
        *range(middle - 1, len(below) - 1, -1),
        middle,
    ]
    return points, rings, outline


def _cuts(lots: int, unevenness: float, rng: np.random.Generator) -> np.ndarray:
    """The ends of the lots: lots + 1 positions from exactly 0 to exactly 1."""
    widths = 1 + rng.uniform(-unevenness, unevenness, lots)
    cuts = np.concatenate([[0.0], np.cumsum(widths) / widths.sum()])
    cuts[-1] = 1.0
    return cuts


def _to_feet(
    survey: Survey,
    points: np.ndarray,
    section: np.ndarray,
    turned: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """The points in feet, from (across, up) in their section. Newer sections have curved streets."""
    newness = np.clip(survey.town_distance - 0.35, 0, 0.65)
    bend = 0.075 * newness * rng.choice([-1.0, 1.0], len(survey)) / np.sqrt(survey.size)
    bend[survey.density == RURAL] = 0.0
    waves = np.where(survey.density == SUBURBAN, 2.0, rng.choice([1.0, 2.0], len(survey)))
    along, up = points[:, 0], points[:, 1]
    sway = bend[section] * np.sin(np.pi * waves[section] * along) * np.sin(np.pi * up)
    up = up + sway
    east = np.where(turned[section], up, along)[:, None]
    north = np.where(turned[section], along, up)[:, None]
    southwest, southeast, northeast, northwest = survey.corners[section].transpose(1, 0, 2)
    return (southwest * (1 - east) + southeast * east) * (1 - north) + (
        northwest * (1 - east) + northeast * east
    ) * north


def _polygons(feet: np.ndarray, rings: list[list[int]]) -> np.ndarray:
    lengths = np.array([len(ring) + 1 for ring in rings])
    closed = np.concatenate([[*ring, ring[0]] for ring in rings])
    owner = np.repeat(np.arange(len(rings)), lengths)
    return shapely.orient_polygons(shapely.polygons(shapely.linearrings(feet[closed], indices=owner)))
