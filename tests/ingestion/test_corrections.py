"""Rejected rows that were corrected: what is on the roll is marked so, and nothing else is."""

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from ingestion.connectors import rejects
from ingestion.connectors.rejects import CorrectedRows
from ingestion.models import IngestionRun, RejectedRow, SourceFile
from ingestion.transforms.mapper import Dataset
from terrafusion.jobs.finish import finish_completed
from terrafusion.jobs.models import Job
from terrafusion.jobs.workers.queue import claim_next
from terrafusion.jobs.workers.runner import perform, run_next_job
from terrafusion.roll.models import Owner, Property
from tests.factories import IngestionRunFactory, RejectedRowFactory, a_user, client_of

from .small_roll import ROWS, act
from .test_ingestion_job import upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def rejected(browser):
    """Two rows of a load, refused because their total is not what land and building make: lines 4 and 5."""
    upload(browser, rows=[*ROWS, "A-4,T2,2026,0,10,10,99,Dan"])
    act(browser, "sourcefile", "load_selected", SourceFile.objects.get())
    run_next_job()
    return list(RejectedRow.objects.order_by("line"))


def correct(row, **cells):
    RejectedRow.objects.filter(pk=row.pk).update(corrections=cells)


def on_the_roll():
    return set(Property.objects.values_list("property_id", flat=True))


@pytest.fixture
def load_corrections(browser):
    """Loads the corrected rows of the first load. meanwhile: called once they are read, before they are stored."""

    def load(meanwhile=lambda: None):
        act(browser, "ingestionrun", "load_corrections", IngestionRun.objects.earliest("pk"))
        job = claim_next()
        outcome = perform(job)
        meanwhile()
        finish_completed(job, outcome, [])
        assert Job.objects.get(pk=job.pk).status == "COMPLETED"

    return load


def test_a_row_corrected_while_the_corrections_are_loaded_waits_for_the_next_load(rejected, load_corrections):
    first, second = rejected
    correct(first, total="100")

    load_corrections(meanwhile=lambda: correct(second, total="20"))

    first.refresh_from_db()
    second.refresh_from_db()
    assert on_the_roll() == {"A-1", "A-2", "A-3"}
    assert (first.loaded_by, second.loaded_by) == (IngestionRun.objects.latest("pk"), None)
    load_corrections()
    second.refresh_from_db()
    assert on_the_roll() == {"A-1", "A-2", "A-3", "A-4"}
    assert second.loaded_by == IngestionRun.objects.latest("pk")


def test_a_row_corrected_anew_while_it_is_loaded_waits_for_the_next_load(rejected, load_corrections):
    row = rejected[0]
    correct(row, total="100")

    load_corrections(meanwhile=lambda: correct(row, total="100", owner="Eve"))

    row.refresh_from_db()
    assert row.loaded_by is None
    load_corrections()
    row.refresh_from_db()
    assert row.loaded_by == IngestionRun.objects.latest("pk")
    assert Owner.objects.get(roll_property__property_id="A-3").name == "Eve"


def test_a_correction_written_after_its_load_waits_to_be_loaded(rejected, load_corrections, browser):
    row = rejected[0]
    correct(row, total="100")
    load_corrections()
    page = f"/admin/ingestion/rejectedrow/{row.pk}/change/"

    browser.post(page, {"corrections": '{"total": "100"}'})
    row.refresh_from_db()
    assert row.loaded_by is not None, "nothing was changed"

    browser.post(page, {"corrections": '{"total": "100", "owner": "Eve"}'})
    row.refresh_from_db()
    assert row.loaded_by is None
    load_corrections()
    assert Owner.objects.get(roll_property__property_id="A-3").name == "Eve"


def test_reading_goes_on_behind_the_last_row_read_whatever_became_of_the_rows_before_it(db, monkeypatch):
    monkeypatch.setattr(rejects, "BATCH_ROWS", 1)
    run = IngestionRunFactory()
    rows = [RejectedRowFactory(run=run, line=line, corrections={"total": "100"}) for line in (2, 3, 4)]
    dataset = Dataset.model_validate(
        {"properties": {name: {"column": "land"} for name in ("property_id", "parcel_number")}}
    )
    first = next(CorrectedRows.waiting(run, "main", dataset).batches())
    RejectedRow.objects.filter(pk=rows[0].pk).update(loaded_by=run)

    rest = CorrectedRows.waiting(run, "main", dataset).batches(first.position)

    assert [batch.rows["__line__"].to_list() for batch in rest] == [[3], [4]]


def test_corrections_that_another_job_has_loaded_meanwhile_end_the_second_in_a_sentence(rejected, browser):
    correct(rejected[0], total="100")
    for _ in range(2):
        act(browser, "ingestionrun", "load_corrections", rejected[0].run)

    run_next_job()
    run_next_job()

    first, second = Job.objects.filter(ingestionjob__source__startswith="rejects:").order_by("created_at")
    assert (first.status, second.status, second.failure_reason) == ("COMPLETED", "FAILED", "bad_data")
    assert second.message == f"Load {rejected[0].run_id} has no corrected row that waits."


def test_a_dry_run_of_corrections_leaves_the_roll_and_the_rows_as_they_are(rejected, supervisor):
    correct(rejected[0], total="100")
    body = {"county_id": "demo", "source": f"rejects:{rejected[0].run_id}", "parameters": {"dry_run": True}}

    job = client_of(supervisor).post("/api/v1/ingestion/run", body, format="json").json()
    run_next_job()

    rejected[0].refresh_from_db()
    assert Job.objects.get(pk=job["job_id"]).status == "COMPLETED"
    assert IngestionRun.objects.latest("pk").status == "checked"
    assert rejected[0].loaded_by is None
    assert on_the_roll() == {"A-1", "A-2"}


def test_rows_of_a_load_that_was_refused_whole_are_not_loaded_alone(configs, supervisor):
    run = IngestionRunFactory(county=configs, status="failed")
    RejectedRowFactory(run=run, corrections={"total": "100"})
    body = {"county_id": "demo", "source": f"rejects:{run.pk}"}

    answer = client_of(supervisor).post("/api/v1/ingestion/run", body, format="json")

    assert answer.status_code == 400
    assert f"Load {run.pk} is not on the roll" in answer.content.decode()


# --- Who sees the names ---


def test_names_in_a_rejected_row_are_withheld_from_who_may_not_see_them(rejected, browser, configs):
    clerk = a_user("clerk", configs, "execute_ingestion", "view_county", is_staff=True)
    other = Client()
    other.force_login(clerk)
    page = f"/admin/ingestion/rejectedrow/{rejected[0].pk}/change/"

    assert "Cid" in browser.get(page).content.decode()
    withheld = other.get(page).content.decode()
    assert "Cid" not in withheld
    assert "(withheld)" in withheld


def test_a_name_stays_withheld_while_another_user_who_may_see_it_reads_the_same_page(rejected, configs, supervisor):
    """All requests of a process share the page's object, so it must not remember who asked last."""
    clerk = a_user("clerk", configs, "execute_ingestion", "view_county", is_staff=True)
    page = admin.site._registry[RejectedRow]

    def row_for(user):
        request = RequestFactory().get("/")
        request.user = user
        return page.get_queryset(request).get(pk=rejected[0].pk)

    of_clerk, of_supervisor = row_for(clerk), row_for(supervisor)

    assert "Cid" not in page.cells(of_clerk)
    assert "Cid" in page.cells(of_supervisor)
