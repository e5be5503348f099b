"""Loads as jobs: the API, the admin's upload and corrections, signature and certification."""

import json
from decimal import Decimal

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client

from county_configs.models import County
from ingestion.certification import NotReady, certify, sign_off
from ingestion.models import IngestionRun, RejectedRow, SourceFile
from ingestion.pipelines.requests import Asked, run_load
from terrafusion.jobs.finish import give_back
from terrafusion.jobs.models import Job
from terrafusion.jobs.queue import claim_next
from terrafusion.jobs.runner import run_next_job
from terrafusion.roll.models import AssessedValue, CertifiedRoll, LayerFeature, Property
from terrafusion.settings.storage import BucketAddress, files_in
from tests.factories import a_county, a_user, client_of
from tests.jobs.examples import OUTLINE
from tests.jobs.examples import ingestion as outline_request

pytestmark = pytest.mark.django_db

MAPPING = """
rejection_limit_percent: 100
properties:
  property_id: {column: id}
  parcel_number: {column: id}
  tax_code_area: {column: area}
assessed_values:
  tax_year: {column: year, type: year}
  supplement: {column: sup, type: integer, default: "0"}
  market_land: {column: land, type: dollars}
  market_improvement: {column: building, type: dollars}
  market_total: {column: total, type: dollars}
  taxable_value: {column: total, type: dollars}
owners:
  tax_year: {column: year, type: year}
  owner_id: {column: id}
  name: {column: owner}
"""
HEADER = "id,area,year,sup,land,building,total,owner"
ROWS = ["A-1,T1,2026,0,100,200,300,Ann", "A-2,T1,2026,0,50,0,50,Ben", "A-3,T2,2026,0,70,30,99,Cid"]


@pytest.fixture
def configs(tmp_path, settings):
    """A county of its own, whose folder the test writes."""
    source = settings.COUNTY_CONFIGS_DIR / "demo" / "county.yaml"
    folder = tmp_path / "configs" / "demo"
    folder.mkdir(parents=True)
    (folder / "county.yaml").write_text(source.read_text())
    (folder / "mappings.yaml").write_text(MAPPING)
    settings.COUNTY_CONFIGS_DIR = tmp_path / "configs"
    return a_county("demo")


def another_county():
    county = a_county("demo")
    county.county_id = "king"
    county.save(force_insert=True)
    return county


@pytest.fixture
def supervisor(configs):
    return a_user("supervisor", configs, role="supervisor", is_staff=True)


@pytest.fixture
def browser(supervisor):
    client = Client()
    client.force_login(supervisor)
    return client


def upload(browser, name="roll.csv", rows=ROWS, header=HEADER):
    content = "\n".join([header, *rows]).encode()
    page = browser.post(
        "/admin/ingestion/sourcefile/add/", {"county": "demo", "file": SimpleUploadedFile(name, content)}, follow=True
    )
    assert page.status_code == 200
    return page


def act(browser, model, action, *rows):
    page = browser.post(
        f"/admin/ingestion/{model}/", {"action": action, "_selected_action": [each.pk for each in rows]}, follow=True
    )
    return [str(each) for each in page.context["messages"]]


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
    assert {len(each) for each in result["digests"].values()} == {64, 32}
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


def test_names_in_a_rejected_row_are_withheld_from_who_may_not_see_them(browser, configs):
    upload(browser)
    act(browser, "sourcefile", "load_selected", SourceFile.objects.get())
    run_next_job()
    row = RejectedRow.objects.get()
    clerk = a_user("clerk", configs, "execute_ingestion", "view_county", is_staff=True)
    other = Client()
    other.force_login(clerk)

    assert "Cid" in browser.get(f"/admin/ingestion/rejectedrow/{row.pk}/change/").content.decode()
    page = other.get(f"/admin/ingestion/rejectedrow/{row.pk}/change/").content.decode()
    assert "Cid" not in page
    assert "(withheld)" in page


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


# --- Signature and certification ---


@pytest.fixture
def loaded(configs, tmp_path, supervisor):
    def load(*rows):
        path = tmp_path / "roll.csv"
        path.write_text("\n".join([HEADER, *rows]))
        mapping = tmp_path / "configs" / "demo" / "mappings.yaml"
        return run_load(Asked(county=configs, source=str(path), mapping=mapping)).run

    return load


def test_a_roll_is_certified_only_after_its_totals_were_signed(loaded, supervisor):
    run = loaded(*ROWS[:2])

    with pytest.raises(NotReady, match="must be signed off first"):
        certify(run, 2026, supervisor)
    sign_off(run, supervisor)
    with pytest.raises(NotReady, match="signed off already"):
        sign_off(run, supervisor)

    closed = certify(run, 2026, supervisor)

    assert (closed.supplement, closed.values_certified) == (0, 2)
    assert closed.control_totals == run.control_totals
    with pytest.raises(NotReady, match="certified up to supplement 0"):
        certify(run, 2026, supervisor)


def test_an_older_load_cannot_be_certified(loaded, supervisor):
    old = loaded(*ROWS[:2])
    sign_off(old, supervisor)
    loaded(ROWS[0].replace("100,200,300", "100,201,301"), ROWS[1])

    with pytest.raises(NotReady, match="not the latest"):
        certify(old, 2026, supervisor)


def test_the_admin_signs_and_an_administrator_certifies(loaded, browser, configs):
    run = loaded(*ROWS[:2])

    assert act(browser, "ingestionrun", "certify_selected", run) == [
        f"{run}: your role lacks the permission manage_county."
    ]
    assert act(browser, "ingestionrun", "sign_selected", run) == [f"{run}: signed off."]
    boss = Client()
    boss.force_login(a_user("boss", configs, role="administrator", is_staff=True))
    assert act(boss, "ingestionrun", "certify_selected", run) == [f"{run}: certified."]
    assert CertifiedRoll.objects.get().tax_year == 2026


@pytest.fixture
def certified(loaded, supervisor):
    run = loaded(*ROWS[:2])
    sign_off(run, supervisor)
    certify(run, 2026, supervisor)
    return AssessedValue.objects.get(roll_property__property_id="A-1")


TABLE, ROLL = "roll_assessedvalue", "roll_certifiedroll"
WRITES = {
    "save": lambda value: value.save(),
    "save of another total": lambda value: _changed(value).save(),
    "update": lambda value: AssessedValue.objects.update(taxable_value=1),
    "update of one": lambda value: AssessedValue.objects.filter(pk=value.pk).update(exempt_value=5),
    "update of the status": lambda value: AssessedValue.objects.update(status="preliminary"),
    "bulk update": lambda value: AssessedValue.objects.bulk_update([_changed(value)], ["market_land", "market_total"]),
    "delete": lambda value: value.delete(),
    "delete of all": lambda value: AssessedValue.objects.all().delete(),
    "raw delete": lambda value: AssessedValue.objects.all()._raw_delete("default"),
    "delete of the property": lambda value: value.roll_property.delete(),
    "a new value": lambda value: AssessedValue.objects.create(**_another(value)),
    "a new value, in bulk": lambda value: AssessedValue.objects.bulk_create([AssessedValue(**_another(value))]),
    "update or create": lambda value: AssessedValue.objects.update_or_create(
        pk=value.pk, defaults={"taxable_value": 1}
    ),
    "upsert": lambda value: AssessedValue.objects.bulk_create(
        [AssessedValue(**_another(value, same=True))], update_conflicts=True, update_fields=["taxable_value"],
        unique_fields=["roll_property", "tax_year", "supplement"],
    ),
    "raw update": lambda value: _sql(f"UPDATE {TABLE} SET market_land = market_land"),
    "raw update of the year": lambda value: _sql(f"UPDATE {TABLE} SET tax_year = 2025"),
    "raw delete by sql": lambda value: _sql(f"DELETE FROM {TABLE}"),
    "update of the certificate": lambda value: CertifiedRoll.objects.update(supplement=0),
    "delete of the certificate": lambda value: CertifiedRoll.objects.all().delete(),
    "raw delete of the certificate": lambda value: _sql(f"DELETE FROM {ROLL}"),
    "a value moved into the year": lambda value: _moved_in(value),
}  # fmt: skip


def _changed(value):
    value.market_land, value.market_total = value.market_land + 1, value.market_total + 1
    return value


def _another(value, same=False):
    owner = value.roll_property if same else Property.objects.create(county=value.roll_property.county, property_id="N")
    return {
        "roll_property": owner, "tax_year": 2026, "market_land": 1, "market_improvement": 0, "market_total": 1,
        "taxable_value": 1,
    }  # fmt: skip


def _moved_in(value):
    row = AssessedValue.objects.create(**_another(value) | {"tax_year": 2025})
    AssessedValue.objects.filter(pk=row.pk).update(tax_year=2026)


def _sql(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("how", WRITES)
def test_no_way_of_writing_changes_a_certified_year(certified, how):
    before = list(AssessedValue.objects.order_by("pk").values())

    with pytest.raises(DatabaseError, match="certified roll cannot be changed"), transaction.atomic():
        WRITES[how](certified)

    assert list(AssessedValue.objects.order_by("pk").values()) == before
    assert CertifiedRoll.objects.count() == 1


def test_there_are_20_ways_of_writing():
    assert len(WRITES) >= 20


def test_a_load_that_would_change_a_certified_value_has_that_row_rejected(certified, loaded):
    run = loaded(ROWS[0].replace("100,200,300", "101,200,301"), ROWS[1])

    row = run.rejected_rows.get()
    assert (row.line, row.rule) == (2, "R-CERTIFIED")
    assert "send a correction as a later supplement" in row.reason
    certified.refresh_from_db()
    assert certified.market_total == 300
    assert run.control_totals["main"]["assessed_values"]["headline"]["rejected"]["market_total"] == 301


def test_a_correction_is_a_new_version_and_both_are_seen(certified, loaded, supervisor):
    run = loaded(ROWS[0].replace("2026,0,100,200,300", "2026,1,101,200,301"))

    versions = AssessedValue.objects.filter(roll_property__property_id="A-1").order_by("supplement")
    assert [(each.supplement, each.market_total, each.status) for each in versions] == [
        (0, 300, "certified"),
        (1, 301, "preliminary"),
    ]
    sign_off(run, supervisor)
    assert certify(run, 2026, supervisor).supplement == 1


def test_another_county_may_go_on(certified):
    king = another_county()
    house = Property.objects.create(county=king, property_id="K")

    AssessedValue.objects.create(
        roll_property=house, tax_year=2026, market_land=1, market_improvement=0, market_total=1, taxable_value=1
    )
    AssessedValue.objects.filter(roll_property=house).update(taxable_value=2)

    assert AssessedValue.objects.get(roll_property=house).taxable_value == Decimal(2)
    assert County.objects.count() == 2
