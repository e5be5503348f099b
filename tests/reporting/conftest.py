"""Asking for reports as a client does."""

import pytest

from terrafusion.jobs.workers.runner import run_next_job
from tests.factories import a_county, a_user, client_of

RUN = "/api/v1/reporting/run"


@pytest.fixture
def county(db):
    return a_county("benton", max_running_jobs=4)


@pytest.fixture
def client(county):
    return client_of(a_user("analyst", county, role="analyst"))


@pytest.fixture
def report(client, county):
    """Runs a report and returns its job with the result; `client` asks, unless another is given."""

    def run(report_type, by=None, in_county=None, **parameters):
        by = by or client
        body = {"report_type": report_type, "county_id": (in_county or county).pk, "parameters": parameters}
        answer = by.post(RUN, body, format="json")
        assert answer.status_code == 202, answer.content
        run_next_job()
        return by.get(answer.json()["links"]["results"]).json()

    return run


@pytest.fixture
def content(client):
    """The bytes of the report's file, or of the artifact so named."""

    def read(job, ending=None, by=None):
        place = job["result"]["result_location"]
        if ending:
            (place,) = (
                artifact["location"] for artifact in job["result"]["artifacts"] if artifact["name"].endswith(ending)
            )
        answer = (by or client).get(place)
        assert answer.status_code == 200, answer.content
        return b"".join(answer.streaming_content)

    return read
