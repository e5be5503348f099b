"""Snapshots in an S3 bucket: several hosts, what goes wrong on the way there, and what is said then."""

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests
from django.db import connection

from terrafusion.analytics.places import Bucket, StoreUnavailable
from terrafusion.analytics.requests import request_snapshot
from terrafusion.analytics.snapshots import SnapshotStore, snapshot_store
from terrafusion.analytics.writing import publish_snapshot, snapshot_county, write_snapshot
from terrafusion.errors import ConfigurationError
from terrafusion.jobs.models import Job, JobLog
from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.settings.storage import BucketAddress, folder_or_bucket
from tests.factories import a_county, a_user, client_of
from tests.valuation.roll import a_market

NOW = datetime(2026, 1, 2, 9, tzinfo=UTC)


@pytest.fixture
def county(db):
    county = a_county("benton")
    a_market(county, sales=30)
    return county


@pytest.fixture
def another_host(tmp_path, settings):
    """From here on this is a host that has read nothing yet."""

    def move():
        settings.ANALYTICS_CACHE_DIR = tmp_path / "cache of another host"
        return snapshot_store()

    return move


def test_one_host_takes_the_snapshot_and_another_analyses_it(county, analytics_bucket, another_host):
    request_snapshot(county)
    run_next_job()
    assert Job.objects.get().status == "COMPLETED"

    another_host()
    client = client_of(a_user("analyst", county, role="analyst"))
    body = {"analysis_type": "trend_analysis", "county_id": "benton", "parameters": {}}
    job_id = client.post("/api/v1/market-analysis/run", body, format="json").json()["job_id"]
    run_next_job()

    done = client.get(f"/api/v1/market-analysis/results/{job_id}").json()
    assert done["status"] == "COMPLETED", done
    assert done["result"]["result_summary"]["data_points_analyzed"] == 30
    assert done["result"]["result_summary"]["snapshot_id"] == snapshot_store().current("benton").snapshot_id
    assert JobLog.objects.filter(message__contains="no snapshot yet").count() == 0


def test_a_crash_between_upload_and_pointer_leaves_the_old_one_current(county, analytics_bucket, another_host):
    old = snapshot_county(county, NOW)
    new = write_snapshot(county, NOW + timedelta(minutes=1))

    host = another_host()
    assert new.folder.name in host.place.folders("benton"), "it was uploaded"
    assert host.current("benton").snapshot_id == old.snapshot_id


def test_a_pointer_that_cannot_be_written_fails_the_job_and_the_old_one_stays(county, analytics_bucket, monkeypatch):
    old = snapshot_county(county, NOW)
    request_snapshot(county)

    def refuse(self, path, text):
        raise StoreUnavailable("The analytics store cannot be reached.")

    with monkeypatch.context() as broken:
        broken.setattr(Bucket, "write", refuse)
        run_next_job()

    assert Job.objects.get().status == "FAILED"
    assert snapshot_store().current("benton").snapshot_id == old.snapshot_id


def test_a_purge_that_fails_leaves_the_new_snapshot_current_and_its_job_completed(
    county, analytics_bucket, monkeypatch
):
    old = snapshot_county(county, NOW)
    request_snapshot(county)

    def refuse(self, county_id):
        raise StoreUnavailable("The analytics store cannot be reached.")

    monkeypatch.setattr(Bucket, "folders", refuse)
    run_next_job()

    assert Job.objects.get().status == "COMPLETED"
    assert snapshot_store().current("benton").snapshot_id > old.snapshot_id


def _failed_job(county):
    """What a snapshot job says that cannot have its way, everywhere it says something."""
    request_snapshot(county)
    run_next_job()
    job = Job.objects.get()
    assert (job.status, job.failure_reason) == ("FAILED", "storage")
    assert list(job.log_lines.values_list("message", flat=True)) == [job.message]
    return job.message


def test_a_wrong_key_is_told_and_not_shown(county, analytics_bucket, s3_server, caplog):
    asking = f"{s3_server}/moto-api/reset-auth"
    requests.post(asking, data=b"0", timeout=10).raise_for_status()
    try:
        said = _failed_job(county)
    finally:
        requests.post(asking, data=b"inf", timeout=10).raise_for_status()

    assert said.startswith(f"The analytics store s3://{analytics_bucket}/roll/snapshots refuses the access key (")
    assert "CANARY" not in said + caplog.text
    assert "an-access-key" not in said + caplog.text


def test_an_absent_bucket_is_told(county, analytics_bucket, settings):
    settings.ANALYTICS_STORE = BucketAddress("nowhere-to-be-found")

    assert _failed_job(county) == (
        "The analytics store s3://nowhere-to-be-found does not exist: there is no bucket of that name."
    )


def test_a_server_that_is_down_is_told(county, analytics_bucket, settings):
    settings.S3_ENDPOINT = "http://127.0.0.1:9"

    said = _failed_job(county)

    assert said.endswith("cannot be reached; check AWS_ENDPOINT_URL and the network.")


def test_an_analysis_fails_with_the_same_sentence(county, analytics_bucket, settings):
    settings.S3_ENDPOINT = "http://127.0.0.1:9"
    client = client_of(a_user("analyst", county, role="analyst"))
    body = {"analysis_type": "trend_analysis", "county_id": "benton", "parameters": {}}
    client.post("/api/v1/market-analysis/run", body, format="json")
    run_next_job()

    job = Job.objects.get()
    assert (job.status, job.failure_reason) == ("FAILED", "storage")
    assert "cannot be reached" in job.message


def test_eight_readers_of_a_host_download_a_snapshot_once(county, analytics_bucket, another_host, monkeypatch):
    taken = snapshot_county(county, NOW)
    host, downloads, got = another_host(), [], []
    download = Bucket.download
    monkeypatch.setattr(Bucket, "download", lambda *given: (downloads.append(given), download(*given)))

    readers = [threading.Thread(target=lambda: got.append(host.current("benton"))) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()

    assert [each.manifest for each in got] == [taken.manifest] * 8
    assert len(downloads) == 1
    assert {path.relative_to(got[0].folder) for path in got[0].folder.rglob("*.parquet")} == {
        path.relative_to(taken.folder) for path in taken.folder.rglob("*.parquet")
    }


def test_a_half_downloaded_folder_is_never_read_and_goes(county, analytics_bucket, another_host):
    snapshot_county(county, NOW)
    host = another_host()
    half = host.here.root / "benton" / "arriving-snap-of-a-process-that-died"
    half.mkdir(parents=True)

    assert host.current("benton").manifest.rows["sales"] == 30
    assert not half.exists()


def test_a_host_that_only_reads_keeps_no_more_than_its_readers_may_need(county, analytics_bucket, tmp_path):
    bucket = snapshot_store().bucket
    reader = SnapshotStore(tmp_path / "reader", bucket, grace=timedelta(0))
    for minutes in range(4):
        snapshot_county(county, NOW + timedelta(minutes=minutes))
        reader.current("benton")

    assert len(reader.here.folders("benton")) <= 2, "the current one, and one that was marked just now"


@pytest.mark.django_db(transaction=True)
def test_of_writers_on_several_hosts_the_newest_wins(county, analytics_bucket, monkeypatch):
    """Each on a connection of its own, as on hosts of their own; the county's row lets one in at a time."""
    made = [write_snapshot(county, NOW + timedelta(minutes=each)) for each in (2, 0, 3, 1)]
    newest, faults, write = max(each.snapshot_id for each in made), [], Bucket.write

    def write_slowly(self, path, text):
        time.sleep(0 if text == newest else 0.2)  # an older one that was let in would come last
        write(self, path, text)

    monkeypatch.setattr(Bucket, "write", write_slowly)

    def publish(snapshot):
        try:
            publish_snapshot(snapshot, NOW)
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=publish, args=(each,)) for each in made]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert faults == []
    assert snapshot_store().current("benton").snapshot_id == newest


USES_S3 = """
import multiprocessing, django
django.setup()
from terrafusion.analytics.snapshots import snapshot_store

def look():
    print(snapshot_store().current("benton"))

if __name__ == "__main__":
    worker = multiprocessing.get_context("fork").Process(target=look)  # as the workers are
    worker.start()
    worker.join(120)
    print(worker.exitcode)
    look()
"""


def test_processes_that_used_the_bucket_end_cleanly(analytics_bucket, s3_server, tmp_path):
    variables = {
        "TERRAFUSION_ANALYTICS": f"s3://{analytics_bucket}/roll",
        "TERRAFUSION_ANALYTICS_CACHE": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "terrafusion.settings.development",
        "TERRAFUSION_VAR": str(tmp_path / "var"),
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_REGION": "us-east-1",
    }

    ended = subprocess.run(
        [sys.executable, "-c", USES_S3], env=os.environ | variables, capture_output=True, text=True, timeout=240
    )

    assert (ended.returncode, ended.stdout.split()) == (0, ["None", "0", "None"]), ended.stderr


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("s3://county-roll", "s3://county-roll"),
        ("s3://county-roll/", "s3://county-roll"),
        ("s3://county-roll/wa//benton/", "s3://county-roll/wa/benton"),
        ("/srv/analytics", "/srv/analytics"),
        ("var/analytics", "var/analytics"),
    ],
)
def test_a_store_is_a_folder_or_a_bucket(written, place):
    assert str(folder_or_bucket("TERRAFUSION_ANALYTICS", written)) == place


@pytest.mark.parametrize(
    "written", ["gs://county-roll", "s3:/county-roll", "S3:county-roll", "s3://", "s3://key:CANARY@county-roll",
                "s3://County_Roll", "s3://county-roll?region=x", "file:///srv"],
)  # fmt: skip
def test_any_other_address_is_refused_at_the_start(written):
    with pytest.raises(ConfigurationError, match="TERRAFUSION_ANALYTICS must be a folder or s3://bucket/") as told:
        folder_or_bucket("TERRAFUSION_ANALYTICS", written)

    assert "CANARY" not in str(told.value)


def test_no_process_starts_with_an_address_it_does_not_understand():
    ended = subprocess.run(
        [sys.executable, "-c", "import terrafusion.settings.base"],
        env=os.environ | {"TERRAFUSION_ANALYTICS": "gs://county-roll"},
        capture_output=True,
        text=True,
        timeout=240,
    )

    assert ended.returncode != 0
    assert "TERRAFUSION_ANALYTICS must be a folder or s3://bucket/prefix" in ended.stderr.splitlines()[-1]
