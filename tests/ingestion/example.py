"""A request for a load that works."""

import json

from tests.factories import SourceFileFactory

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


def request(county):
    """The county's outline, handed in as a file; both counties of the tests have a mapping for one file."""
    content = json.dumps(OUTLINE).encode()
    file = SourceFileFactory(county=county, name="outline.geojson", content=content)
    return {"source": f"upload:{file.pk}", "county_id": county.pk, "parameters": {"accept_drift": False}}
