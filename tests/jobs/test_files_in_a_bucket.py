"""Results and uploads in an S3 bucket: the same life as in a folder."""

import hashlib
import random
import threading
from datetime import timedelta
from time import monotonic

import pytest
import requests
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.utils import timezone

from terrafusion.bucket_storage import BucketStorage
from terrafusion.jobs.files import discard_attempt, purge_expired, results_storage, seal, send_ahead
from terrafusion.jobs.finish import finish_completed, give_back
from terrafusion.jobs.models import Job, JobArtifact, JobLog
from terrafusion.jobs.outcome import Outcome, OutputFile
from terrafusion.jobs.workers.queue import claim_next
from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.settings.storage import BucketAddress, files_in

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("kind", ["valuation"], indirect=True)]


@pytest.fixture(autouse=True)
def files_bucket(bucket, settings):
    """Gives a function that puts both storages into a bucket at an address."""

    def use(name=bucket, endpoint=settings.S3_ENDPOINT):
        place = BucketAddress(name, "wa/files")
        made = {each: files_in(place, each, endpoint, "us-east-1", "") for each in ("results", "uploads")}
        settings.STORAGES = settings.STORAGES | made

    use()
    return use


@pytest.fixture
def sealed(tmp_path):
    """A file a job has written."""
    path = tmp_path / "estimates.csv"
    path.write_text("parcel_number,market_value")
    return seal(OutputFile(path, path.name, path.name, "text/csv"))


def test_a_finished_job_delivers_its_file_whole_and_in_ranges(client, root, submitted):
    job = submitted(probe="complete")

    run_next_job()

    assert isinstance(results_storage(), BucketStorage)
    (artifact,) = client.get(f"{root}/results/{job.pk}").json()["result"]["artifacts"]
    whole = client.get(artifact["location"])
    content = f"job {job.pk} attempt 1"
    assert b"".join(whole.streaming_content).decode() == content
    assert whole["Content-Length"] == str(len(content))
    for asked, given in (("bytes=0-2", "job"), ("bytes=4-", content[4:]), ("bytes=-9", "attempt 1")):
        part = client.get(artifact["location"], headers={"Range": asked})
        assert (part.status_code, b"".join(part.streaming_content).decode()) == (206, given)
    assert client.get(artifact["location"], headers={"Range": "bytes=9999-"}).status_code == 416


def test_a_bucket_that_does_not_answer_is_a_503_and_the_file_comes_later(client, root, submitted, files_bucket):
    job = submitted(probe="complete")
    run_next_job()
    (artifact,) = client.get(f"{root}/results/{job.pk}").json()["result"]["artifacts"]
    files_bucket(endpoint="http://127.0.0.1:9")

    answer = client.get(artifact["location"])

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "127.0.0.1" not in answer.content.decode()
    files_bucket()
    assert client.get(artifact["location"]).status_code == 200


def test_an_expired_file_is_gone_from_the_bucket(client, root, submitted):
    job = submitted(probe="complete")
    run_next_job()
    path = JobArtifact.objects.get().path
    assert results_storage().exists(path)
    JobArtifact.objects.update(expires_at=timezone.now() - timedelta(days=1))

    assert purge_expired() == 1

    assert not results_storage().exists(path)
    assert client.get(f"{root}/jobs/{job.pk}/artifacts/probe.txt").status_code == 410


def test_the_upload_is_over_before_the_transaction_that_ends_the_job(submitted, monkeypatch):
    submitted(probe="complete")
    depths, save = [], BucketStorage._save
    outside = len(connection.savepoint_ids)

    def watched(self, name, content):
        depths.append(len(connection.savepoint_ids) - outside)
        return save(self, name, content)

    monkeypatch.setattr(BucketStorage, "_save", watched)
    run_next_job()

    assert depths == [0]


def test_a_late_attempt_takes_its_files_away_and_leaves_the_published_ones(submitted, sealed):
    submitted(probe="complete")
    job = claim_next()
    send_ahead(job, [sealed])
    finish_completed(job, Outcome({"probe": "done"}), [sealed])
    path = JobArtifact.objects.get().path

    finish_completed(job, Outcome({"probe": "done"}), [sealed])  # the answer of the first commit was lost
    assert results_storage().exists(path)
    assert not JobLog.objects.filter(message__contains="its work was discarded").exists()

    Job.objects.update(attempt=2)
    JobArtifact.objects.all().delete()
    finish_completed(job, Outcome({"probe": "done"}), [sealed])
    discarded()
    assert not results_storage().exists(path)


def discarded():
    """Waits until the files of refused attempts are gone."""
    for thread in threading.enumerate():
        if thread.name.startswith("discard "):
            thread.join(60)


def test_a_refused_attempts_files_go(submitted, sealed):
    submitted()
    job = claim_next()
    send_ahead(job, [sealed])
    folder = f"{job.kind}/{job.pk}/1"
    assert results_storage().listdir(folder)[1] == [sealed.file.name]

    discard_attempt(job)

    discarded()
    assert results_storage().listdir(folder)[1] == []


def test_who_ends_a_job_does_not_wait_for_a_slow_storage(submitted, sealed, monkeypatch):
    """The supervisor ends jobs between two heartbeats; without one for 30 seconds another host takes its jobs."""
    submitted()
    job = claim_next()
    send_ahead(job, [sealed])
    let_go, listdir = threading.Event(), BucketStorage.listdir

    def slow(self, name):
        let_go.wait(60)
        return listdir(self, name)

    monkeypatch.setattr(BucketStorage, "listdir", slow)
    begun = monotonic()
    assert give_back(job, "Its worker died.", charge=True)

    assert monotonic() - begun < 30
    let_go.set()
    discarded()
    assert results_storage().listdir(f"{job.kind}/{job.pk}/1")[1] == []


@pytest.mark.parametrize(
    ("name", "endpoint", "said"),
    [
        ("nowhere-to-be-found", None, "there is no bucket of the name in TERRAFUSION_FILES"),
        (None, "http://127.0.0.1:9", "the bucket cannot be reached; check AWS_ENDPOINT_URL and the network"),
    ],
)
def test_a_bucket_that_fails_fails_the_job_with_a_plain_sentence(submitted, files_bucket, name, endpoint, said):
    job = submitted(probe="complete")
    files_bucket(**{key: value for key, value in (("name", name), ("endpoint", endpoint)) if value})

    run_next_job()

    job.refresh_from_db()
    assert (job.status, job.failure_reason) == ("FAILED", "storage")
    assert job.message == f"The result could not be stored: {said}."
    assert not JobArtifact.objects.exists()


def test_a_wrong_key_is_told_and_not_shown(submitted, s3_server, caplog):
    job = submitted(probe="complete")
    asking = f"{s3_server}/moto-api/reset-auth"
    requests.post(asking, data=b"0", timeout=10).raise_for_status()
    try:
        run_next_job()
    finally:
        requests.post(asking, data=b"inf", timeout=10).raise_for_status()

    job.refresh_from_db()
    assert job.message == "The result could not be stored: the bucket refuses the access key (403)."
    assert "an-access-key" not in caplog.text
    assert "CANARY" not in caplog.text


def test_a_file_is_read_from_anywhere_without_fetching_all_of_it(kind, monkeypatch):
    content = random.Random(5).randbytes(3_000_000)
    storage = storages["results"]
    storage.save("some/file.bin", ContentFile(content))
    starts, read_from = [], BucketStorage.read_from
    monkeypatch.setattr(
        BucketStorage, "read_from", lambda self, name, start: starts.append(start) or read_from(self, name, start)
    )

    with storage.open("some/file.bin") as file:
        file.seek(2_000_000)
        assert file.read(10) == content[2_000_000:2_000_010]
        file.seek(0)
        assert hashlib.sha256(file.read()).digest() == hashlib.sha256(content).digest()
        file.seek(-5, 2)
        assert file.read() == content[-5:]
    assert starts == [2_000_000, 0, 2_999_995]


def test_two_uploads_of_one_name_are_two_files_and_two_results_are_one(kind):
    uploads, results = storages["uploads"], storages["results"]

    first, second = (uploads.save("ingestion/roll.csv", ContentFile(each)) for each in (b"1", b"2"))
    assert first != second
    assert (uploads.open(first).read(), uploads.open(second).read()) == (b"1", b"2")
    assert results.save("a/b", ContentFile(b"1")) == results.save("a/b", ContentFile(b"1"))


def test_a_link_is_signed_and_short_lived(kind):
    link = storages["uploads"].url("ingestion/roll.csv")

    assert "X-Amz-Signature=" in link
    assert "X-Amz-Expires=300" in link
    assert "CANARY-SECRET" not in link


def test_a_missing_file_is_a_missing_file(kind):
    with pytest.raises(FileNotFoundError):
        storages["uploads"].open("ingestion/none.csv")
