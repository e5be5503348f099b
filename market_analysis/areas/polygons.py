"""The polygons of areas: a layer's where there is one, else the hull of the parcels. No Django."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoSeries
from shapely.geometry.base import BaseGeometry

if TYPE_CHECKING:
    from terrafusion.analytics.engine import Market

Polygons = Mapping[str, BaseGeometry]
# (column of the roll, layer or None for any usual one) -> polygons by area code, and the layer's name.
PolygonsOf = Callable[[str, str | None], tuple[Polygons, str]]

HULL = "hull of its parcels"
CENTRAL = (0.005, 0.995)  # a parcel with a wrong coordinate must not stretch its area over the county


def hulls(market: Market, area: str, codes: Iterable[str]) -> dict[str, BaseGeometry]:
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
    places = pd.DataFrame({"longitude": found["longitude"], "latitude": found["latitude"]}).groupby(found["code"])
    central = {code: shapely.multipoints(_central(own.to_numpy())) for code, own in places}
    drawn = GeoSeries(central).convex_hull
    return dict(drawn[drawn.geom_type == "Polygon"])


def _central(places: np.ndarray) -> np.ndarray:
    """Of longitudes and latitudes, one place a row: those that lie in the middle of both."""
    low, high = np.quantile(places, CENTRAL, axis=0)
    return places[((places >= low) & (places <= high)).all(axis=1)]
