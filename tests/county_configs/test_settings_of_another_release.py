"""Settings that `load_counties` of another release stored: during a roll-out, or after a step back."""

import pytest

from county_configs.county_file import SalesSection
from gis_export.county_settings import GisExportSection
from terrafusion.errors import ConfigurationError
from tests.factories import CountyFactory, a_user, client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def stored(db):
    """The county of Benton with these stored settings laid over its own."""

    def store(**sections):
        county = CountyFactory(county_id="benton")
        county.settings_json |= sections
        county.save()
        return type(county).objects.get(pk=county.pk)

    return store


def test_keys_that_this_release_does_not_know_change_nothing(stored, caplog):
    rules = {"largest_area_km2": 5.0, "new_limit": 3, "default_parameters": {"clip": True, "new_choice": 1}}
    county = stored(new_section={"a": 1}, gis_export=rules)
    client = client_of(a_user("analyst", county, role="analyst"))

    answer = client.get("/api/v1/gis-export/defaults/benton")

    assert answer.status_code == 200, answer.content
    assert answer.json()["largest_area_km2"] == 5.0
    assert answer.json()["parameters"]["clip"] is True
    assert "gis_export.new_limit" in caplog.text


def test_a_value_this_release_cannot_read_is_no_default_and_stops_only_what_needs_it(stored):
    county = stored(gis_export={"allowed_formats": ["GeoJSON", "FutureFormat"]})
    client = client_of(a_user("analyst", county, role="analyst"))

    refused = client.get("/api/v1/gis-export/formats/benton")

    assert refused.status_code == 400
    assert "run manage.py load_counties. gis_export: allowed_formats.1" in refused.json()["detail"]
    assert county.section(SalesSection).valid_codes
    with pytest.raises(ConfigurationError, match="benton"):
        county.section(GisExportSection)
    assert client.get("/api/v1/counties/benton").status_code == 200
