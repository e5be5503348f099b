"""The polygons of areas: a layer's where there is one, else the hull of the parcels. No Django."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from .selection import Selection

if TYPE_CHECKING:
    from terrafusion.analytics.engine import Market

Polygons = Mapping[str, BaseGeometry]
# (column of the roll, layer or None for any usual one) -> polygons by area code, and the layer's name.
PolygonsOf = Callable[[str, str | None], tuple[Polygons, str]]

HULL = "hull of its parcels"
CENTRAL = (0.005, 0.995)  # a parcel with a wrong coordinate must not stretch its area over the county


def hulls(market: Market, selection: Selection, area: str, codes: Iterable[str]) -> dict[str, BaseGeometry]:
    """Convex hulls of the parcels of each area, in degrees; an area with fewer than three places has none."""
    wanted = list(codes)
    if not wanted:
        return {}
    parcels = market.properties.filter(
        market.properties.on_roll
        & market.properties[area].isin(wanted)
        & market.properties.longitude.notnull()
        & market.properties.latitude.notnull()
    )
    found = market.columns(parcels.select("longitude", "latitude", code=parcels[area]))
    codes_there, number = np.unique(found["code"].astype(str), return_inverse=True)
    order = np.argsort(number, kind="stable")
    places = np.column_stack([found["longitude"], found["latitude"]]).astype(np.float64)[order]
    made = {}
    for each, own in zip(codes_there.tolist(), np.split(places, np.cumsum(np.bincount(number))[:-1]), strict=False):
        low, high = np.quantile(own, CENTRAL[0], axis=0), np.quantile(own, CENTRAL[1], axis=0)
        hull = shapely.convex_hull(shapely.multipoints(own[((own >= low) & (own <= high)).all(axis=1)]))
        if hull.geom_type == "Polygon":
            made[each] = hull
    return made
