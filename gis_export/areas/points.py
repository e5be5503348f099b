"""The point at which a property is shown."""

import shapely
from shapely import Point

from terrafusion.roll.models import Property


def point_of(row: Property) -> Point | None:
    """A point inside the parcel; a condominium unit's is that of the parcel it stands on."""
    shape = row.geometry
    if shape is None and row.parent_parcel_number:
        ground = Property.objects.in_county(row.county_id).current().filter(parcel_number=row.parent_parcel_number)
        parent = next(iter(ground.exclude(geometry=None)[:1]), None)
        shape = parent.geometry if parent else None
    if shape is not None and not shape.is_empty:
        return shapely.point_on_surface(shape)
    if row.longitude is not None and row.latitude is not None:
        return Point(row.longitude, row.latitude)
    return None
