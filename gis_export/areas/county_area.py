"""Where a county lies: its boundary where that layer is loaded, and the box around its roll."""

from __future__ import annotations

import shapely
from django.db.models import Max, Min
from shapely.geometry.base import BaseGeometry

from county_configs.models import County
from terrafusion.roll.boundary import BOUNDARY_LAYER
from terrafusion.roll.models import LayerFeature, Property


def boundary_of(county: County) -> BaseGeometry | None:
    """The loaded boundary in degrees; None when no boundary is loaded."""
    features = LayerFeature.objects.in_county(county).current().filter(layer=BOUNDARY_LAYER, geometry__isnull=False)
    shapes = [feature.geometry for feature in features]
    return shapely.union_all(shapes) if shapes else None


def extent_of(county: County) -> BaseGeometry | None:
    """The box, in degrees, around everything current that the county has loaded; None when nothing has a place."""
    boxes = [
        rows.current().aggregate(west=Min("west"), south=Min("south"), east=Max("east"), north=Max("north"))
        for rows in (Property.objects.in_county(county), LayerFeature.objects.in_county(county))
    ]
    positions = (
        Property.objects.in_county(county)
        .current()
        .filter(geometry=None)
        .aggregate(west=Min("longitude"), south=Min("latitude"), east=Max("longitude"), north=Max("latitude"))
    )
    shapes = [
        shapely.box(box["west"], box["south"], box["east"], box["north"])
        for box in (*boxes, positions)
        if box["west"] is not None and box["south"] is not None
    ]
    return shapely.box(*shapely.total_bounds(shapes)) if shapes else None
