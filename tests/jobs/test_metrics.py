"""/metrics, read from the job rows."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families

from terrafusion.jobs import finish, registry
from terrafusion.jobs.models import FailureReason, Job
from terrafusion.jobs.tallies import tally_ended
from terrafusion.jobs.workers.queue import claim_next
from terrafusion.jobs.workers.runner import run_next_job

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


def test_the_tallies_change_no_count_and_spare_the_jobs_they_hold(scrape, client, root, submitted, kind):
    for probe in ("complete", "refuse"):
        submitted(probe=probe)
        run_next_job()
    client.post(f"{root}/jobs/{submitted().pk}/cancel")
    submitted()
    before = scrape()

    assert (tally_ended(), tally_ended()) == (3, 0)

    assert scrape() == before
    Job.objects.filter(is_tallied=True).update(processing_seconds=999.0, failure_reason="timeout")
    assert scrape() == before, "an ended job that was tallied is not read again"
    submitted(probe="complete")
    run_next_job()
    prefix = kind.metrics.prefix
    completed = [key for key in before if key[0] == f"{prefix}_jobs_completed_total"]
    assert [scrape()[key] for key in completed] == [2]
    tally_ended()
    assert [scrape()[key] for key in completed] == [2]


@pytest.mark.parametrize("kind", ["valuation"], indirect=True)
@pytest.mark.django_db(transaction=True)
def test_supervisors_that_tally_at_once_count_each_job_once(scrape, submitted):
    for _ in range(6):
        submitted(probe="complete")
        run_next_job()

    def tally(_):
        try:
            return tally_ended()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        counted = sum(pool.map(tally, range(8)))

    assert counted == 6
    assert scrape()["valuation_jobs_completed_total", ("county_id", "benton")] == 6


@pytest.mark.parametrize("kind", ["valuation"], indirect=True)
def test_a_release_with_other_buckets_counts_every_job_anew(scrape, submitted, kind, monkeypatch):
    submitted(probe="complete")
    run_next_job()
    Job.objects.update(processing_seconds=3.0)
    tally_ended()
    finer = replace(kind, metrics=replace(kind.metrics, buckets=(2.5, 3.5, 5)))
    monkeypatch.setitem(registry._kinds, kind.name, finer)

    def within(bound):
        name = "valuation_processing_duration_seconds_bucket"
        return scrape()[name, ("county_id", "benton"), ("le", bound)]

    assert (within("2.5"), within("3.5"), within("5.0")) == (0, 0, 1), "what the old buckets can tell"
    tally_ended()
    assert (within("2.5"), within("3.5"), within("5.0")) == (0, 1, 1)


def test_without_the_token_there_are_no_metrics(client, settings):
    assert client.get("/metrics").status_code == 401
    settings.METRICS_TOKEN = "scrape"
    assert client.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 401
