"""A GIS export request that works."""

from terrafusion.roll.models import Property

from .roll import an_exported_county


def request(county):
    if not Property.objects.in_county(county).filter(geometry__isnull=False).exists():
        an_exported_county(county)
    return {
        "export_format": "GeoJSON",
        "county_id": county.pk,
        "area_of_interest": {"type": "county_boundary"},
        "layers": ["parcels"],
    }
