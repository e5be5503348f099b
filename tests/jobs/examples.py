"""A request that works, for each registered kind. A kind without one fails the life-cycle tests."""

import json

from terrafusion.roll.models import Property
from tests.factories import SourceFileFactory
from tests.gis_export.roll import an_exported_county
from tests.market_analysis.roll import an_active_market
from tests.reporting.roll import TAX_YEAR, an_assessed_market
from tests.valuation.roll import VALUATION_DATE, a_market, a_subject


def valuation(county):
    a_market(county)
    subject = a_subject(county)
    return {
        "property_id": subject.property_id,
        "county_id": county.pk,
        "parameters": {"valuation_date": VALUATION_DATE.isoformat()},
    }


def ingestion(county):
    """The county's outline, handed in as a file; both counties of the tests have a mapping for one file."""
    content = json.dumps(OUTLINE).encode()
    file = SourceFileFactory(county=county, name="outline.geojson", content=content)
    return {"source": f"upload:{file.pk}", "county_id": county.pk, "parameters": {"accept_drift": False}}


RING = [[-119.9, 45.9], [-118.9, 45.9], [-118.9, 46.7], [-119.9, 46.7], [-119.9, 45.9]]
OUTLINE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"geoid": "53005", "name": "Benton"},
            "geometry": {"type": "Polygon", "coordinates": [RING]},
        }
    ],
}


def reporting(county):
    an_assessed_market(county)
    return {
        "report_type": "sales_ratio_study",
        "county_id": county.pk,
        "parameters": {"year": TAX_YEAR, "format": "json", "replicates": 100},
    }


def market_analysis(county):
    an_active_market(county)
    return {
        "analysis_type": "price_trend_by_zip",
        "county_id": county.pk,
        "parameters": {"zip_codes": ["99336"]},
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


EXAMPLES = {
    "valuation": valuation,
    "reporting": reporting,
    "market_analysis": market_analysis,
    "gis_export": gis_export,
    "ingestion": ingestion,
}
