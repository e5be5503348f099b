"""Loads as jobs: the API, the admin's upload and corrections."""

import json

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile

from ingestion.models import IngestionRun, RejectedRow, SourceFile
from terrafusion.jobs.finish import give_back
from terrafusion.jobs.models import Job
from terrafusion.jobs.workers.queue import claim_next
from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.roll.models import AssessedValue, LayerFeature, Property
from terrafusion.settings.storage import BucketAddress, files_in
from tests.factories import a_county, a_user, client_of

from .example import OUTLINE
from .example import request as outline_request
from .small_roll import HEADER, ROWS, act, another_county

pytestmark = pytest.mark.django_db


def upload(browser, name="roll.csv", rows=ROWS, header=HEADER):
    content = "\n".join([header, *rows]).encode()
    page = browser.post(
        "/admin/ingestion/sourcefile/add/", {"county": "demo", "file": SimpleUploadedFile(name, content)}, follow=True
    )
    assert page.status_code == 200
    return page


@pytest.fixture(params=["folder", "bucket"])
def uploads(request, settings, monkeypatch):
    """Where uploads stand."""
    if request.param == "bucket":
        place = BucketAddress(request.getfixturevalue("bucket"))
        settings.STORAGES = settings.STORAGES | {
            "uploads": files_in(place, "uploads", settings.S3_ENDPOINT, "us-east-1", "")
        }
        monkeypatch.setattr(SourceFile._meta.get_field("file"), "storage", storages["uploads"])
    return storages["uploads"]


def test_a_file_is_handed_in_checked_loaded_and_its_totals_shown(browser, supervisor, uploads):
    upload(browser)
    file = SourceFile.objects.get()
    assert (file.name, file.uploaded_by, len(file.sha256)) == ("roll.csv", supervisor, 64)

    act(browser, "sourcefile", "check_selected", file)
    run_next_job()
    assert IngestionRun.objects.get().status == "checked"
    assert not Property.objects.exists()

    act(browser, "sourcefile", "load_selected", file)
    run_next_job()
    run = IngestionRun.objects.latest("pk")
    assert (run.status, Property.objects.count(), AssessedValue.objects.count()) == ("loaded", 2, 2)
    assert run.source_sha256 == file.sha256
    page = browser.get(f"/admin/ingestion/ingestionrun/{run.pk}/change/").content.decode()
    assert "balanced, difference $0" in page
    assert "tax area T2" in page


@pytest.mark.parametrize("name", ["roll.exe", "roll.vrt", "roll.tar", "roll"])
def test_a_file_of_another_kind_is_not_taken(browser, name):
    page = upload(browser, name)

    assert "files of this kind are not read" in page.content.decode()
    assert not SourceFile.objects.exists()


def test_the_api_answers_with_control_totals_rejects_and_digests(browser, supervisor):
    upload(browser)
    client = client_of(supervisor)
    body = {"county_id": "demo", "source": f"upload:{SourceFile.objects.get().pk}"}

    job = client.post("/api/v1/ingestion/run", body, format="json").json()
    run_next_job()

    answer = client.get(job["links"]["results"]).json()
    result = answer["result"]
    assert answer["status"] == "COMPLETED", answer["message"]
    assert result["control_totals"]["main"]["assessed_values"]["headline"]["rejected"]["market_total"] == 99
    assert result["rejected_rows"] == 1
    assert result["datasets"]["main"]["rules"] == {"R-TOTAL": 1}
    assert {len(digest) for digest in result["digests"].values()} == {64, 32}
    assert "Cid" not in json.dumps(result)
    findings = client.get(result["artifacts"][0]["location"])
    assert b"R-TOTAL" in b"".join(findings.streaming_content)


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"source": "upload:999999"}, "source", "Unknown file"),
        ({"source": "upload:../../etc/passwd"}, "source", "Unknown file"),
        ({"source": "/etc/passwd"}, "source", "Unknown source"),
        ({"source": "rejects:1"}, "source", "Unknown load"),
        ({"source": "x" * 300}, "source", "no more than 200"),
        ({}, "source", "required"),
        ({"source": "upload:1", "parameters": {"colour": "red"}}, "parameters", "Unknown field"),
        ({"source": "upload:1", "parameters": {"since": "garbage"}}, "since", "'garbage' is not a moment"),
    ],
)
def test_a_request_that_cannot_be_met_names_the_field(supervisor, body, field, said):
    answer = client_of(supervisor).post("/api/v1/ingestion/run", {"county_id": "demo"} | body, format="json")

    assert answer.status_code == 400
    assert field in answer.content.decode()
    assert said in answer.content.decode()


def test_another_countys_file_is_as_if_missing(supervisor):
    other = outline_request(another_county())

    answer = client_of(supervisor).post("/api/v1/ingestion/run", other | {"county_id": "demo"}, format="json")

    assert answer.status_code == 400


def test_a_legacy_database_that_is_not_configured_is_named(db):
    benton = a_county("benton")
    clerk = a_user("clerk", benton, role="supervisor")

    answer = client_of(clerk).post("/api/v1/ingestion/run", {"county_id": "benton", "source": "pacs"}, format="json")

    assert answer.status_code == 400
    assert "not configured" in answer.content.decode()


def test_a_load_that_is_refused_fails_its_job_in_a_sentence_and_writes_nothing(browser, supervisor):
    upload(browser, rows=["A-1,T1,2026,0,x,200,300,Ann"])
    act(browser, "sourcefile", "load_selected", SourceFile.objects.get())

    run_next_job()

    job = Job.objects.get()
    assert (job.status, job.failure_reason) == ("FAILED", "bad_data")
    assert "has no usable row; nothing was written" in job.message
    assert not Property.objects.exists()
    upload(browser)
    act(browser, "sourcefile", "load_selected", SourceFile.objects.latest("pk"))
    run_next_job()
    assert IngestionRun.objects.order_by("pk").first().status == "failed"
    assert IngestionRun.objects.latest("pk").status == "loaded"


def test_a_job_killed_while_it_stages_goes_on_where_it_was(db, monkeypatch):
    from ingestion.pipelines import bulk_load as pipeline

    county = a_county("benton")
    clerk = a_user("clerk", county, role="supervisor")
    client_of(clerk).post("/api/v1/ingestion/run", outline_request(county), format="json")
    staged = []
    real = pipeline.stage

    def counted(each, source, context, progress):
        staged.append(each.state.done)
        real(each, source, context, progress)

    monkeypatch.setattr(pipeline, "stage", counted)
    from ingestion.tasks import load_source

    job = claim_next()
    load_source(job)  # an attempt whose outcome is never stored
    assert not LayerFeature.objects.exists()
    give_back(job, "The worker was lost.", charge=False)

    run_next_job()

    assert Job.objects.get().status == "COMPLETED"
    assert staged == [False, True]
    assert IngestionRun.objects.count() == 1
    assert LayerFeature.objects.get().name == OUTLINE["features"][0]["properties"]["name"]


# --- Rejected rows ---


def test_a_rejected_row_is_corrected_and_fed_again_alone(browser, supervisor):
    upload(browser)
    act(browser, "sourcefile", "load_selected", SourceFile.objects.get())
    run_next_job()
    row = RejectedRow.objects.get()
    assert (row.line, row.rule, row.raw["id"], row.raw["total"]) == (4, "R-TOTAL", "A-3", "99")

    page = browser.post(
        f"/admin/ingestion/rejectedrow/{row.pk}/change/", {"corrections": '{"total": "100"}'}, follow=True
    )
    assert page.status_code == 200
    told = act(browser, "ingestionrun", "load_corrections", row.run)
    assert "queued" in told[0]
    run_next_job()

    row.refresh_from_db()
    again = IngestionRun.objects.latest("pk")
    assert (row.corrected_by, row.loaded_by) == (supervisor, again)
    assert AssessedValue.objects.get(roll_property__property_id="A-3").market_total == 100
    assert Property.objects.count() == 3
    assert Property.objects.get(property_id="A-3").lineage == {"main": [again.pk, 4]}


def test_a_correction_that_is_wrong_again_waits_on(browser):
    upload(browser)
    act(browser, "sourcefile", "load_selected", SourceFile.objects.get())
    run_next_job()
    row = RejectedRow.objects.get()
    RejectedRow.objects.update(corrections={"total": "98"})

    act(browser, "ingestionrun", "load_corrections", row.run)
    run_next_job()

    row.refresh_from_db()
    assert row.loaded_by is None
    assert Property.objects.count() == 2


def test_any_value_leads_to_its_load_and_line(browser):
    upload(browser)
    act(browser, "sourcefile", "load_selected", SourceFile.objects.get())
    run_next_job()

    for line, property_id in ((2, "A-1"), (3, "A-2")):
        value = AssessedValue.objects.get(roll_property__property_id=property_id)
        run_pk, at = value.lineage["main"]
        run = IngestionRun.objects.get(pk=run_pk)
        assert (at, run.source, len(run.source_sha256)) == (line, "roll.csv", 64)
        assert run.mapping["main"]["assessed_values"]["market_land"]["column"] == "land"
        assert run.rules_version
