"""/metrics, read from the job rows."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from terrafusion.jobs.runner import run_next_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def scrape(client, settings):
    settings.METRICS_TOKEN = "scrape"

    def read():
        answer = client.get("/metrics", headers={"Authorization": "Bearer scrape"})
        assert answer.status_code == 200
        families = text_string_to_metric_families(answer.content.decode())
        return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}

    return read


def test_every_ending_is_counted_under_the_contracts_names(scrape, client, root, body, submitted, kind):
    submitted(probe="complete")
    submitted(probe="refuse")
    for _ in range(2):
        run_next_job()
    client.post(f"{root}/jobs/{submitted().pk}/cancel")
    submitted()

    counted = scrape()

    def count(name, **labels):
        """With the kind's own label, for example report_type."""
        own = {each: body[each] for each in [kind.model.metrics.label] if each}
        labels = {"county_id": "benton"} | own | labels
        return counted[f"{kind.model.metrics.prefix}_{name}", *sorted(labels.items())]

    assert count("jobs_submitted_total", status_on_submit="PENDING") == 4
    assert count("jobs_completed_total") == 1
    assert count("jobs_failed_total", failure_reason="bad_data") == 1
    assert count("jobs_cancelled_total") == 1
    assert count("processing_duration_seconds_count") == 1
    assert count("processing_duration_seconds_bucket", le="+Inf") == 1
    assert counted["terrafusion_jobs_open", ("county_id", "benton"), ("status", "PENDING")] == 1


def test_without_the_token_there_are_no_metrics(client, settings):
    assert client.get("/metrics").status_code == 401
    settings.METRICS_TOKEN = "scrape"
    assert client.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 401
