"""The polygons of areas: those of a layer, or else the hulls of the parcels. No Django."""

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
# Takes a column of the roll and the name of a layer, or None for the usual layer of the column. Gives the polygons by
# area code and the name of the layer.
PolygonsOf = Callable[[str, str | None], tuple[Polygons, str]]

HULL = "hull of its parcels"
CENTRAL = (0.005, 0.995)  # so that a parcel with a wrong coordinate does not stretch its area over the county


def hulls(market: Market, area: str, codes: Iterable[str]) -> dict[str, BaseGeometry]:
    """The convex hull of the parcels of each area, in degrees. An area with fewer than three places has none."""
    areas = list(codes)
    if not areas:
        return {}
    parcels = market.properties.filter(
        market.properties.on_roll
        & market.properties[area].isin(areas)
        & market.properties.longitude.notnull()
        & market.properties.latitude.notnull()
    )
    columns = market.columns(parcels.select("longitude", "latitude", code=parcels[area]))
    places = pd.DataFrame({"longitude": columns["longitude"], "latitude": columns["latitude"]}).groupby(columns["code"])
    central = {code: shapely.multipoints(_central(own.to_numpy())) for code, own in places}
    shapes = GeoSeries(central).convex_hull
    return dict(shapes[shapes.geom_type == "Polygon"])


def _central(places: np.ndarray) -> np.ndarray:
    """The places whose longitude and latitude both lie in the middle. places: longitude and latitude, shape (n, 2)."""
    low, high = np.quantile(places, CENTRAL, axis=0)
    return places[((places >= low) & (places <= high)).all(axis=1)]
