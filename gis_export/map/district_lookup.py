"""Which districts a place is in: the polygons of every loaded layer that contain the point, and the parcel there."""

from __future__ import annotations

from typing import Any

from shapely import Point

from county_configs.models import County
from terrafusion.errors import TerraFusionError
from terrafusion.roll.models import LayerFeature, Property
from terrafusion.roll.querysets import parcel_number_key

from ..areas.points import point_of
from ..layers.loaded_layers import hidden_attributes

PARCEL_FIELDS = (
    "property_id", "parcel_number", "situs_address", "situs_city", "zip_code", "property_type", "neighborhood",
    "tax_code_area",
)  # fmt: skip
MOST_FOUND = 50


class PlaceUnknown(TerraFusionError):
    """The parcel is not on the roll, or has neither an outline nor a position."""


def look_up_point(county: County, longitude: float, latitude: float) -> dict[str, Any]:
    """The districts of a point in degrees. A point on a common edge is in both districts."""
    point = Point(longitude, latitude)
    parcels = Property.objects.in_county(county).current().intersecting(point).order_by("property_id")[:MOST_FOUND]
    return _answer(county, point, list(parcels.defer("geometry", "attributes")))


def look_up_parcel(county: County, parcel_number: str) -> dict[str, Any]:
    """The districts of a parcel; dashes and spaces in its number are ignored. Raises PlaceUnknown."""
    key = parcel_number_key(parcel_number)
    rows = list(Property.objects.in_county(county).current().filter(parcel_number_key=key).order_by("pk")[:MOST_FOUND])
    if not key or not rows:
        raise PlaceUnknown(f"No current parcel {parcel_number!r} on the roll of {county.pk}.")
    point = point_of(rows[0])
    if point is None:
        raise PlaceUnknown(f"Parcel {rows[0].parcel_number} has neither an outline nor a position.")
    return _answer(county, point, rows)


def _answer(county: County, point: Point, parcels: list[Property]) -> dict[str, Any]:
    features = LayerFeature.objects.in_county(county).current().exclude(geometry=None).intersecting(point)
    districts = features.order_by("layer", "feature_id").defer("geometry")[: 10 * MOST_FOUND]
    hidden = hidden_attributes(county)
    return {
        "county_id": county.pk,
        "longitude": point.x,
        "latitude": point.y,
        "parcels": [{name: getattr(row, name) for name in PARCEL_FIELDS} for row in parcels],
        "tax_code_areas": sorted({row.tax_code_area for row in parcels if row.tax_code_area}),
        "districts": [
            {
                "layer": district.layer,
                "feature_id": district.feature_id,
                "name": district.name,
                "attributes": {
                    name: district.attributes[name] for name in district.attributes if name.lower() not in hidden
                },
            }
            for district in districts
        ],
    }
