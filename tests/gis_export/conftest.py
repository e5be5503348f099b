"""A county with something to export, people who may, and exports run to their end through the API."""

import pytest

from terrafusion.jobs.models import JobArtifact
from terrafusion.jobs.workers.runner import run_next_job
from tests.factories import a_county, a_user, client_of

from .roll import an_exported_county

RUN = "/api/v1/gis-export/run"


@pytest.fixture
def county(db):
    county = a_county("benton", max_running_jobs=4)
    an_exported_county(county)
    return county


@pytest.fixture
def client(county):
    return client_of(a_user("analyst", county, role="analyst"))


@pytest.fixture
def supervisor(county):
    return client_of(a_user("supervisor", county, role="supervisor"))


@pytest.fixture
def export(county, client, tmp_path):
    """Runs an export and downloads its files: (job with result, path of the delivered file)."""

    def run(by=None, **request):
        by = by or client
        answer = by.post(RUN, {"county_id": county.pk} | request, format="json")
        assert answer.status_code == 202, answer.content
        run_next_job()
        job = by.get(answer.json()["links"]["results"]).json()
        assert job["status"] == "COMPLETED", job["message"]
        paths = [_download(by, artifact, tmp_path / job["job_id"]) for artifact in job["result"]["artifacts"]]
        (delivered,) = (path for path in paths if job["result"]["result_file_location"].endswith(path.name))
        return job, delivered

    return run


def _download(client, artifact, folder):
    folder.mkdir(exist_ok=True)
    path = folder / artifact["name"]
    answer = client.get(artifact["location"])
    assert answer.status_code == 200, answer.content
    path.write_bytes(b"".join(answer.streaming_content))
    assert JobArtifact.objects.get(name=artifact["name"], job_id=folder.name).sha256 == artifact["sha256"]
    return path
