"""The map page: who may see it, and what a browser draws."""

import base64
import gzip
import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import mapbox_vector_tile
import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from terrafusion.jobs.files import results_storage
from terrafusion.jobs.models import JobArtifact
from terrafusion.jobs.workers.runner import run_next_job
from tests.factories import PASSWORD, a_county, a_user, client_of

from .browser import CHROMIUM, chromium
from .roll import SIDE, SOUTH, WEST, an_exported_county

LAYERS = ["parcels", "zoning", "sales"]


def the_map(job):
    return f"/api/v1/gis-export/jobs/{job['job_id']}/map"


def basic(username, password=PASSWORD):
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


@pytest.mark.django_db
def test_a_small_export_of_any_format_has_a_map(export, client):
    job, _ = export(export_format="GeoPackage", layers=LAYERS)

    page = client.get(the_map(job))

    assert page.status_code == 200
    assert page["X-Frame-Options"] == "SAMEORIGIN"
    assert "http://" not in page.content.decode().replace("http://www.w3.org", "")


@pytest.mark.django_db
def test_an_export_can_do_without_a_map(export, client):
    job, _ = export(export_format="GeoPackage", parameters={"map": False})

    assert client.get(the_map(job)).status_code == 404
    assert not JobArtifact.objects.filter(name__endswith=".pmtiles").exists()


@pytest.mark.django_db
def test_tiles_come_out_of_the_file(export, client):
    job, _ = export(export_format="PMTiles", layers=["parcels"])
    x, y = (int(each * 2**12) for each in (WEST / 360 + 0.5, 0.5 - np.arcsinh(np.tan(np.radians(SOUTH))) / (2 * np.pi)))

    tile = client.get(f"/api/v1/gis-export/jobs/{job['job_id']}/tiles/12/{x}/{y}")

    assert (tile.status_code, tile["Content-Encoding"]) == (200, "gzip")
    assert len(mapbox_vector_tile.decode(gzip.decompress(tile.content))["parcels"]["features"]) == 30
    for nowhere in ("12/0/0", "99/0/0", "3/8/0"):
        assert client.get(f"/api/v1/gis-export/jobs/{job['job_id']}/tiles/{nowhere}").status_code == 204


@pytest.mark.django_db
def test_a_map_whose_file_is_lost_or_expired_is_told_as_for_a_download(export, client):
    job, _ = export(export_format="PMTiles")
    addresses = (the_map(job), f"/api/v1/gis-export/jobs/{job['job_id']}/tiles/12/690/1440")
    artifact = JobArtifact.objects.get(name__endswith=".pmtiles")
    results_storage().delete(artifact.path)

    assert [client.get(address).status_code for address in addresses] == [404, 404]
    JobArtifact.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert [client.get(address).status_code for address in addresses] == [410, 410]


@pytest.mark.django_db
def test_a_browser_is_asked_for_a_password_and_may_then_see_the_map(export, county):
    job, _ = export(export_format="GeoJSON")
    asked = Client().get(the_map(job))
    assert (asked.status_code, asked["WWW-Authenticate"]) == (401, 'Basic realm="TerraFusion"')

    assert Client().get(the_map(job), headers=basic("analyst")).status_code == 200
    assert Client().get(the_map(job), headers=basic("analyst", "wrong")).status_code == 401
    user = a_user("leaving", county, role="viewer")
    assert Client().get(the_map(job), headers=basic("leaving")).status_code == 200
    user.is_active = False
    user.save()
    assert Client().get(the_map(job), headers=basic("leaving")).status_code == 401, "although remembered"


@pytest.mark.django_db
def test_a_changed_password_is_refused_at_once(export, county):
    job, _ = export(export_format="GeoJSON")
    user = a_user("changing", county, role="viewer")
    assert Client().get(the_map(job), headers=basic("changing")).status_code == 200

    user.set_password("another-long-pass-phrase")
    user.save()

    assert Client().get(the_map(job), headers=basic("changing")).status_code == 401


@pytest.mark.django_db
def test_the_map_of_an_export_with_owner_names_needs_the_permission(export, supervisor, client):
    job, _ = export(by=supervisor, export_format="GeoJSON", parameters={"include_owner_info": True})

    assert supervisor.get(the_map(job)).status_code == 200
    assert client.get(the_map(job)).status_code == 403
    tile = supervisor.get(f"/api/v1/gis-export/jobs/{job['job_id']}/tiles/12/0/0")
    assert tile["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_the_admin_shows_the_map_beside_the_job(export, county):
    job, _ = export(export_format="GeoJSON")
    staff = Client()
    staff.force_login(a_user("boss", county, role="administrator", is_staff=True))

    page = staff.get(f"/admin/gis_export/gisexportjob/{job['job_id']}/change/").content.decode()

    assert f'<iframe src="{the_map(job)}"' in page
    assert job["result"]["result_file_location"] in page
    assert staff.get(the_map(job)).status_code == 200


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed.")
@pytest.mark.django_db(transaction=True)
def test_a_browser_draws_the_parcels_and_a_click_shows_their_fields(live_server, tmp_path):
    county = a_county("benton")
    an_exported_county(county)
    clerk = client_of(a_user("clerk", county, role="analyst"))
    body = {"county_id": county.pk, "export_format": "GeoPackage", "layers": LAYERS}
    job = clerk.post("/api/v1/gis-export/run", body, format="json").json()
    run_next_job()
    place = urlsplit(live_server.url)

    with chromium(tmp_path / "profile") as page:
        page.open(f"{place.scheme}://clerk:{PASSWORD}@{place.netloc}{the_map(job)}")
        page.wait_for("document.body?.dataset.drawn === 'yes'")
        parcel = page.evaluate("exportMap.queryRenderedFeatures({layers: ['parcels/shape']}).length")
        x, y = page.evaluate(f"(p => [p.x, p.y])(exportMap.project([{WEST + 0.3 * SIDE}, {SOUTH + 0.3 * SIDE}]))")
        page.click(x, y)
        page.wait_for("document.querySelectorAll('#fields tr').length > 5")
        fields = page.evaluate("document.getElementById('fields').innerText")
        blue = page.evaluate("exportMap.getPaintProperty('parcels/shape', 'fill-color')")
        shot = Path(os.environ.get("TERRAFUSION_SCREENSHOTS") or tmp_path) / "map.png"
        page.wait_for("exportMap.areTilesLoaded() && exportMap.loaded()")
        page.screenshot(shot)
        requested = page.requested

    assert parcel >= 30
    assert "1-0000" in fields
    assert "0 Orchard Way" in fields
    assert blue == "#0072b2"
    assert all(urlsplit(url).hostname == place.hostname or url.startswith(("blob:", "data:")) for url in requested)
    assert colours_in(shot) > 20, "an empty map has a handful"


def colours_in(picture):
    """How many different colours the map's half of the picture has."""
    from PIL import Image

    with Image.open(picture) as image:
        left = image.convert("RGB").crop((0, 0, 800, 800))
        return len(left.getcolors(maxcolors=1 << 20))
