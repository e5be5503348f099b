"""/metrics, read from the job rows."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from terrafusion.jobs import finish
from terrafusion.jobs.models import FailureReason
from terrafusion.jobs.queue import claim_next
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

    counted = scrape()  # of the four jobs two ran

    def count(name, **labels):
        """With the kind's own label, for example report_type."""
        own = {each: body[each] for each in [kind.metrics.label] if each}
        labels = {"county_id": "benton"} | own | labels
        return counted[f"{kind.metrics.prefix}_{name}", *sorted(labels.items())]

    assert count("jobs_submitted_total", status_on_submit="PENDING") == 4
    assert count("jobs_completed_total") == 1
    assert count("jobs_failed_total", failure_reason="bad_data") == 1
    assert count("jobs_cancelled_total") == 1
    assert count("processing_duration_seconds_count") == 2
    assert count("processing_duration_seconds_bucket", le="+Inf") == 2
    assert counted["terrafusion_jobs_open", ("county_id", "benton"), ("status", "PENDING")] == 1


@pytest.mark.parametrize("kind", ["valuation"], indirect=True)
def test_every_run_that_ended_has_a_duration_and_no_count_ever_falls(scrape, submitted):
    def time_out():
        finish.finish_failed(claim_next(), FailureReason.TIMEOUT, "The job exceeded its time limit of 1 s.")

    def cancel_while_it_runs():
        job = claim_next()
        finish.cancel(job)
        finish.finish_cancelled(job)

    def cancel_before_the_second_attempt():
        job = claim_next()
        finish.give_back(job, "The worker was stopped.", charge=False)
        finish.cancel(job)

    def cancel_before_it_starts():
        finish.cancel(submitted())

    before, durations = {}, []
    for end in (run_next_job, time_out, cancel_while_it_runs, cancel_before_the_second_attempt):
        submitted(probe="complete")
        end()
        durations.append(_rising(scrape(), before))
    cancel_before_it_starts()
    durations.append(_rising(scrape(), before))

    assert durations == [1, 2, 3, 4, 4]


def _rising(counted, before):
    """Runs in the histogram of valuations; no count is below what it was before."""
    counts = {key: value for key, value in counted.items() if not key[0].startswith("terrafusion_jobs_open")}
    fallen = [key for key, value in before.items() if counts.get(key, 0) < value]
    assert not fallen
    before |= counts
    return counts["valuation_processing_duration_seconds_count", ("county_id", "benton")]


def test_without_the_token_there_are_no_metrics(client, settings):
    assert client.get("/metrics").status_code == 401
    settings.METRICS_TOKEN = "scrape"
    assert client.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 401
