"""A load that was refused: what is written of it, and that every reason is told at once."""

import pytest
from django.utils import timezone

from ingestion.connectors.files import open_file
from ingestion.connectors.source import UnreadableSource
from ingestion.models import IngestionRun, RejectedRow, SourceFile
from ingestion.pipelines import record
from ingestion.pipelines.bulk_load import Load, merge_all, new_run, stage_all
from ingestion.pipelines.reports import LoadRefused
from ingestion.transforms.mapper import Dataset
from terrafusion.jobs import finish
from terrafusion.jobs.models import FailureReason, Job
from terrafusion.jobs.workers.queue import claim_next
from terrafusion.jobs.workers.runner import perform, run_next_job
from terrafusion.roll.models import LastLoad, Property
from tests.factories import a_county

from .small_roll import act
from .test_ingestion_job import upload

pytestmark = pytest.mark.django_db
# No row is usable: 1 is no amount, 2 has a total that is not its parts, 3 has no year.
REFUSED = ["A-1,T1,2026,0,x,200,300,Ann", "A-2,T1,2026,0,50,0,60,Ben", "A-3,T2,,0,70,30,100,Cid"]


@pytest.fixture
def a_load_asked_for(browser):
    def ask(rows):
        upload(browser, rows=rows)
        act(browser, "sourcefile", "load_selected", SourceFile.objects.latest("pk"))

    return ask


def test_a_refused_load_run_as_a_job_is_closed_with_its_rejected_rows_and_every_reason(
    a_load_asked_for, django_capture_on_commit_callbacks
):
    a_load_asked_for(REFUSED)

    with django_capture_on_commit_callbacks(execute=True):
        run_next_job()

    job, run = Job.objects.get(), IngestionRun.objects.get()
    assert (job.status, job.failure_reason) == ("FAILED", "bad_data")
    assert (run.status, run.message) == ("failed", job.message)
    assert run.finished_at is not None
    assert not run.folder.exists()
    assert list(RejectedRow.objects.order_by("line").values_list("line", "raw__id")) == [
        (2, "A-1"),
        (3, "A-2"),
        (4, "A-3"),
    ]
    assert (run.results["main"]["read"], run.results["main"]["rejected"]) == (3, 3)
    for line in (2, 3, 4):
        assert f"line {line}, " in job.message
    assert not Property.objects.exists()
    assert not LastLoad.objects.exists()


def test_of_a_load_with_thousands_of_refused_rows_the_first_are_kept(a_load_asked_for, monkeypatch):
    monkeypatch.setattr(record, "KEPT_OF_REFUSED", 2)
    a_load_asked_for(REFUSED)

    run_next_job()

    assert list(RejectedRow.objects.order_by("line").values_list("line", flat=True)) == [2, 3]
    assert IngestionRun.objects.get().results["main"]["rejected"] == 3


@pytest.mark.parametrize("end", ["cancelled", "timed out", "cancelled while it waits again"])
def test_however_a_job_ends_without_a_result_its_load_is_closed(a_load_asked_for, end):
    a_load_asked_for(["A-1,T1,2026,0,100,200,300,Ann"])
    job = claim_next()
    perform(job)
    assert IngestionRun.objects.get().folder.exists()

    if end == "timed out":
        finish.finish_failed(job, FailureReason.TIMEOUT, "The job exceeded its time limit of 1 s.")
    elif end == "cancelled":
        finish.cancel(job)
        finish.finish_cancelled(job)
    else:
        finish.give_back(job, "The worker was stopped.", charge=False)
        assert IngestionRun.objects.get().status == "staging", "the next attempt goes on from it"
        finish.cancel(job)

    run, job = IngestionRun.objects.get(), Job.objects.get()
    assert (run.status, run.message) == ("failed", job.message)


@pytest.fixture
def two_sets(tmp_path):
    """A load of two data sets from two files."""
    datasets = {
        name: Dataset.model_validate(
            {"properties": {"property_id": {"column": "id"}, "parcel_number": {"column": "id"}}}
        )
        for name in ("houses", "condominiums")
    }

    def load(header, *rows):
        sources = {}
        for name in datasets:
            path = tmp_path / f"{name}.csv"
            path.write_text("\n".join([header, *rows]) + "\n")
            sources[name] = open_file(path, None)
        now = timezone.now()
        return Load(new_run(a_county("demo"), "two files", "mappings.yaml", datasets, now), sources, datasets, now)

    return load


def test_every_data_set_without_a_usable_row_is_told(two_sets):
    load = two_sets("id", '""')

    with pytest.raises(LoadRefused) as refused:
        merge_all(load, stage_all(load))

    assert "houses.csv has no usable row" in str(refused.value)
    assert "condominiums.csv has no usable row" in str(refused.value)


def test_every_data_set_that_lacks_a_column_is_told(two_sets):
    with pytest.raises(UnreadableSource) as unreadable:
        stage_all(two_sets("number", "1"))

    assert "houses.csv lacks the column id" in str(unreadable.value)
    assert "condominiums.csv lacks the column id" in str(unreadable.value)
