"""Who may export what, and what a county's own file says."""

import pytest
from django.test import Client
from django.utils import timezone

from gis_export.formats.registry import FORMATS
from terrafusion.errors import JobStopped
from terrafusion.jobs.models import Job
from terrafusion.jobs.workers.queue import claim_next
from terrafusion.jobs.workers.runner import perform, run_next_job
from terrafusion.roll.models import Property
from tests.factories import TAX_YEAR, OwnerFactory, a_user, client_of

from .conftest import RUN
from .reading_back import read_back
from .roll import SIDE, SOUTH, WEST

pytestmark = pytest.mark.django_db
WITH_OWNERS = {"export_format": "GeoJSON", "layers": ["parcels", "sales"], "parameters": {"include_owner_info": True}}


def test_no_export_names_an_owner_unless_asked(export, supervisor):
    _, path = export(by=supervisor, export_format="GeoJSON", layers=["parcels", "assessment_summary", "sales"])

    text = path.read_text()
    assert "Orchard Way" in text
    for name in ("Ada", "Hidden", "Old Seller", "New Buyer", "PO Box"):
        assert name not in text


def test_owner_names_need_their_permission(client, county):
    answer = client.post(RUN, {"county_id": county.pk} | WITH_OWNERS, format="json")

    assert answer.status_code == 403
    assert "view_owner_names" in answer.json()["detail"]
    assert not Job.objects.exists()


def test_with_the_permission_owners_are_named_but_the_confidential(export, supervisor):
    _, path = export(by=supervisor, **WITH_OWNERS)
    frame = read_back(path, "GeoJSON")
    owners = frame[frame["layer"] == "parcels"].set_index("property_id")

    assert owners.loc["P003", "owner_names"] == "Ada Orchard"
    assert owners.loc["P003", "owner_mailing_address"] == "PO Box 3"
    assert owners.loc["P004", "owner_names"] == owners.loc["P004", "owner_mailing_address"] == "CONFIDENTIAL"
    assert "Hidden" not in path.read_text()
    sales = frame[frame["layer"] == "sales"].set_index("sale_id")
    assert sales.loc["S3", ["grantor", "grantee"]].tolist() == ["Old Seller", "New Buyer"]
    assert sales.loc["S4", ["grantor", "grantee"]].tolist() == ["CONFIDENTIAL", "CONFIDENTIAL"]


def test_a_former_owner_is_not_named_and_does_not_hide_the_present_one(export, supervisor):
    house = Property.objects.get(property_id="P003")
    for tax_year in (TAX_YEAR, TAX_YEAR + 1):
        OwnerFactory(roll_property=house, name="Former Owner", tax_year=tax_year, retired_at=timezone.now())

    _, path = export(by=supervisor, **WITH_OWNERS)

    frame = read_back(path, "GeoJSON")
    assert frame[frame["layer"] == "parcels"].set_index("property_id").loc["P003", "owner_names"] == "Ada Orchard"


def test_a_file_with_owner_names_cannot_be_fetched_or_made_again_without_the_permission(export, supervisor, client):
    job, _ = export(by=supervisor, **WITH_OWNERS)

    assert client.get(job["links"]["results"]).status_code == 200
    for artifact in job["result"]["artifacts"]:
        assert client.get(artifact["location"]).status_code == 403
    assert client.post(job["links"]["retry"]).status_code == 403


def test_a_permission_withdrawn_meanwhile_ends_the_job(county, supervisor):
    from accounts.models import User

    job = supervisor.post(RUN, {"county_id": county.pk} | WITH_OWNERS, format="json").json()
    from guardian.shortcuts import remove_perm

    remove_perm("county_configs.view_owner_names", User.objects.get(username="supervisor"), county)
    run_next_job()

    ended = supervisor.get(job["links"]["status"]).json()
    assert (ended["status"], ended["failure_reason"]) == ("FAILED", "permission_withdrawn")


@pytest.mark.parametrize("export_format", FORMATS)
def test_a_cancelled_export_ends_cancelled_in_every_format(client, county, export_format):
    body = {"county_id": county.pk, "export_format": export_format}
    asked = client.post(RUN, body, format="json").json()
    job = claim_next()
    client.post(asked["links"]["cancel"])

    with pytest.raises(JobStopped):
        perform(job)


@pytest.mark.parametrize("written", ["geojson", "GEOJSON", "Geo-JSON", "shp", "Esri Shapefile", "file geodatabase"])
def test_a_format_is_known_by_its_names_whatever_the_case(client, county, written):
    answer = client.post(RUN, {"county_id": county.pk, "export_format": written}, format="json")

    assert answer.status_code == 202
    assert answer.json()["export_format"] in ("GeoJSON", "Shapefile", "FileGDB")


# --- county.yaml ---


@pytest.fixture
def ruled(county):
    def write(**rules):
        county.settings_json["gis_export"] = rules
        county.save()
        return county

    return write


def test_a_county_may_allow_fewer_formats(ruled, client):
    county = ruled(allowed_formats=["GeoJSON", "KML"])

    answer = client.post(RUN, {"county_id": county.pk, "export_format": "Shapefile"}, format="json")
    told = client.get(f"/api/v1/gis-export/formats/{county.pk}").json()

    assert answer.status_code == 400
    assert "Allowed: GeoJSON, KML." in answer.json()["detail"]
    assert [each["export_format"] for each in told["formats"]] == ["GeoJSON", "KML"]


def test_a_county_has_a_largest_area(ruled, client):
    county = ruled(largest_area_km2=1.0)
    body = {"county_id": county.pk, "export_format": "GeoJSON"}
    small = {"type": "bbox", "coordinates": [-119.3, 46.2, -119.292, 46.208]}  # 0.6 by 0.9 km

    assert client.post(RUN, body | {"area_of_interest": small}, format="json").status_code == 202
    refused = client.post(RUN, body, format="json")

    assert refused.status_code == 400
    assert "exports at most 1.0 km2" in refused.json()["detail"]


def test_a_county_keeps_attributes_of_its_layers_from_everybody(ruled, client, export):
    ruled(hidden_attributes=["Density", "NOTE"])
    at = {"lon": WEST + 0.5 * SIDE, "lat": SOUTH + 0.5 * SIDE}

    _, path = export(export_format="GeoPackage", layers=["zoning"])
    live = client.get("/api/v1/counties/benton/ogc/collections/zoning/items").content.decode()
    found = client.get("/api/v1/counties/benton/lookup", at).content.decode()

    assert not {"density", "note"} & set(read_back(path, "GeoPackage", "zoning").columns)
    for text in (live, found):
        assert "max_height_ft" in text
        assert "density" not in text
        assert "quiet" not in text


def test_a_retry_is_held_to_the_rules_of_today(ruled, client, export):
    job, _ = export(export_format="KML")

    for rules, told in (
        ({"allowed_formats": ["GeoJSON"]}, "does not export KML"),
        ({"largest_area_km2": 1}, "1.0 km2"),
    ):
        ruled(**rules)
        refused = client.post(job["links"]["retry"])
        assert refused.status_code == 400
        assert told in refused.json()["detail"]
    ruled()
    assert client.post(job["links"]["retry"]).status_code == 202


def test_a_retry_in_the_admin_is_held_to_them_too(ruled, county, export, supervisor):
    job, _ = export(by=supervisor, **WITH_OWNERS)
    codenames = ("review_jobs", "execute_gis_export", "view_owner_names")
    for reviewer, told in (
        (a_user("reviewer", county, *codenames, is_staff=True), "does not export GeoJSON. Allowed: KML."),
        (a_user("outsider", county, *codenames[:2], is_staff=True), "lacks the permission view_owner_names."),
    ):
        ruled(allowed_formats=["KML"])
        browser = Client()
        browser.force_login(reviewer)
        action = {"action": "retry_selected", "_selected_action": [job["job_id"]]}
        page = browser.post("/admin/gis_export/gisexportjob/", action, follow=True)

        (message,) = map(str, page.context["messages"])
        assert message.startswith("Jobs left alone: 1.")
        assert message.endswith(told)
    assert Job.objects.count() == 1


def test_a_county_sets_what_is_not_said(ruled, client, export):
    county = ruled(default_crs="EPSG:6599", default_parameters={"include_assessment_data": True, "clip": False})

    defaults = client.get(f"/api/v1/gis-export/defaults/{county.pk}").json()
    job, path = export(export_format="GeoPackage")

    assert (defaults["crs"], defaults["crs_unit"]) == ("EPSG:6599", "US survey foot")
    assert {"parcels", "comparables", "zoning", "zip_areas"} <= set(defaults["layers"])
    frame = read_back(path, "GeoPackage")
    assert frame.crs.to_epsg() == 6599 == int(job["result"]["crs"].split(":")[1])
    assert "market_total" in frame.columns


def test_outlines_are_simplified_within_the_tolerance(ruled, export):
    def outlines():
        frame = read_back(export(export_format="GeoJSON")[1], "GeoJSON")
        return frame.set_index("property_id").geometry.set_crs(None, allow_override=True)

    before = outlines()
    ruled(simplification_tolerance_m=20)

    after = outlines()

    assert after.count_coordinates().sum() < before.count_coordinates().sum()
    assert after.hausdorff_distance(before).max() <= 20 / 111_320


def test_another_county_cannot_be_asked_about(client):
    from tests.factories import a_county

    a_county("king")
    for path in ("formats", "defaults"):
        assert client.get(f"/api/v1/gis-export/{path}/king").status_code == 404


def test_a_viewer_reads_formats_but_starts_nothing(county):
    viewer = client_of(a_user("viewer", county, role="viewer"))

    assert viewer.get(f"/api/v1/gis-export/formats/{county.pk}").status_code == 200
    assert viewer.post(RUN, {"county_id": county.pk, "export_format": "KML"}, format="json").status_code == 403
