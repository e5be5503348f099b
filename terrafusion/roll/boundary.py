"""The county's own outline, where its layer is loaded."""

from __future__ import annotations

from django.db.models import Max, Min

from county_configs.models import County

from .models import LayerFeature

BOUNDARY_LAYER = "county_boundary"


def box_of_boundary(county: County) -> tuple[float, float, float, float] | None:
    """West, south, east and north of the loaded boundary, in degrees; None when there is none."""
    features = LayerFeature.objects.in_county(county).current().filter(layer=BOUNDARY_LAYER, geometry__isnull=False)
    edges = features.aggregate(west=Min("west"), south=Min("south"), east=Max("east"), north=Max("north"))
    if any(edges[name] is None for name in edges):
        return None
    return edges["west"], edges["south"], edges["east"], edges["north"]
