"""Asking for an analysis through the API, and its finished job."""

from datetime import timedelta

from django.utils import timezone

from terrafusion.jobs.workers.runner import run_next_job

ROOT = "/api/v1/market-analysis"


def ask(client, analysis_type, county="demo", **parameters):
    body = {"analysis_type": analysis_type, "county_id": county, "parameters": parameters}
    return client.post(f"{ROOT}/run", body, format="json")


def run(client, analysis_type, county="demo", **parameters):
    """The finished job with its result."""
    answer = ask(client, analysis_type, county, **parameters)
    assert answer.status_code == 202, answer.content
    run_next_job()
    return client.get(f"{ROOT}/results/{answer.json()['job_id']}").json()


def download(client, location):
    answer = client.get(location)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def later():
    return timezone.now() + timedelta(seconds=1)
