"""A request that works, for each registered kind. A kind without one fails the life-cycle tests."""

from terrafusion.roll.models import Property
from tests.gis_export.roll import an_exported_county
from tests.valuation.roll import VALUATION_DATE, a_market, a_subject


def valuation(county):
    a_market(county)
    subject = a_subject(county)
    return {
        "property_id": subject.property_id,
        "county_id": county.pk,
        "parameters": {"valuation_date": VALUATION_DATE.isoformat()},
    }


def gis_export(county):
    if not Property.objects.in_county(county).filter(geometry__isnull=False).exists():
        an_exported_county(county)
    return {
        "export_format": "GeoJSON",
        "county_id": county.pk,
        "area_of_interest": {"type": "county_boundary"},
        "layers": ["parcels"],
    }


EXAMPLES = {"gis_export": gis_export, "valuation": valuation}
