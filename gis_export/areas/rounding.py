"""Coordinates at a few decimals, in shapes that stay valid.

Rounding each point by itself can make a ring cross itself, or fold a sliver onto a line. Readers refuse such a shape.
"""

from __future__ import annotations

import numpy as np
import shapely

DEGREE_DECIMALS = 7  # about a centimetre, what RFC 7946 (11.2) calls enough
FULL_DECIMALS = 15


def rounded(shapes: np.ndarray, decimals: int = DEGREE_DECIMALS) -> np.ndarray:
    """The shapes (an array of shape (n,)) with their coordinates at this many decimals.

    A valid shape that rounding breaks is put on the grid as a whole. A shape thinner than the grid keeps its own
    decimals, because nothing would be left of it.
    """

    def points_rounded(points: np.ndarray) -> np.ndarray:
        return np.round(points, decimals)

    result = shapely.transform(shapes, points_rounded)
    broken = np.flatnonzero(~shapely.is_valid(result) & shapely.is_valid(shapes))
    if len(broken):
        on_grid = shapely.transform(shapely.set_precision(shapes[broken], 10.0**-decimals), points_rounded)
        usable = shapely.is_valid(on_grid) & ~shapely.is_empty(on_grid)
        result[broken] = np.where(usable, on_grid, shapes[broken])
    return result


def geojson_on_postgis(shape: str) -> tuple[str, str]:
    """The SQL that does in PostGIS what `rounded` does: an expression and the join it needs.

    shape: the column. The expression gives the text of a GeoJSON geometry.
    """
    grid = f"1e-{DEGREE_DECIMALS}"
    join = f"CROSS JOIN LATERAL (SELECT ST_SnapToGrid({shape}, {grid}) AS shape) snapped"
    whole = f"ST_ReducePrecision({shape}, {grid})"

    def text(geometry: str, decimals: int = DEGREE_DECIMALS) -> str:
        return f"ST_AsGeoJSON(ST_ForcePolygonCCW({geometry}), {decimals})"

    expression = (
        f"CASE WHEN ST_IsValid(snapped.shape) AND NOT ST_IsEmpty(snapped.shape) THEN {text('snapped.shape')}"
        f" WHEN NOT ST_IsValid({shape}) THEN {text(shape)}"
        f" WHEN NOT ST_IsEmpty({whole}) THEN {text(whole)} ELSE {text(shape, FULL_DECIMALS)} END"
    )
    return expression, join
