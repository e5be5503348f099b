"""Jobs under real worker processes: what dies, hangs or grows does not take the job with it."""

import time

import psutil
import pytest

from terrafusion.jobs.models import Job, JobArtifact
from terrafusion.jobs.registry import kind_named
from tests.processes import until, until_status

# One group: its tests share the workers, so they run in one process.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.workers, pytest.mark.xdist_group("workers")]


@pytest.fixture
def kind():
    """One kind stands for all: a probe does the work, and nothing here depends on whose row it is."""
    return kind_named("valuation")


def test_a_job_whose_worker_was_killed_is_rescued_and_done_once(submitted, workers):
    job = submitted(probe="die_once")
    until(lambda: Job.objects.filter(pk=job.pk, charged=1).exists())
    Job.objects.filter(pk=job.pk).update(run_at=job.created_at)  # do not wait for the backoff

    until_status(job, "COMPLETED")

    assert (job.attempt, job.charged) == (2, 1)
    assert JobArtifact.objects.filter(job=job).count() == 1


def test_progress_is_the_works_own_and_never_goes_back(client, root, submitted, workers):
    job = submitted(probe="count")
    seen = []
    while not seen or seen[-1][0] in ("PENDING", "RUNNING"):
        Job.objects.filter(pk=job.pk, charged=1).update(run_at=job.created_at)  # do not wait for the backoff
        answer = client.get(f"{root}/status/{job.pk}").json()
        seen.append((answer["status"], answer["progress"], answer["message"], answer["attempt"]))
        time.sleep(0.1)

    progress = [each for _, each, _, _ in seen]
    assert progress == sorted(progress)
    assert len(set(progress)) >= 5, "an answer about once a second"
    assert all((each == 100) == (status == "COMPLETED") for status, each, _, _ in seen)
    steps = {
        (int(message.split()[1]), each) for _, each, message, attempt in seen if message[:4] == "Step" and attempt == 1
    }
    assert steps
    assert all(each == 2 * step for step, each in steps)


def test_a_job_past_its_time_limit_fails_at_once_and_the_next_one_runs(submitted, workers):
    endless, deaf = submitted(probe="spin", time_limit=1), submitted(probe="sleep_deaf", time_limit=1)

    for job in (endless, deaf):
        until_status(job, "FAILED")
        assert (job.failure_reason, job.attempt) == ("timeout", 1)
        assert job.message == "The job exceeded its time limit of 1 s."
    until_status(submitted(probe="complete"), "COMPLETED")


def test_a_job_past_its_memory_limit_fails_at_once(submitted, workers):
    job = until_status(submitted(probe="eat_memory", memory_limit=400), "FAILED")

    assert (job.failure_reason, job.attempt) == ("memory", 1)


def test_a_running_job_is_cancelled_within_ten_seconds(client, root, submitted, workers):
    heeding, deaf = submitted(probe="sleep_long"), submitted(probe="sleep_deaf")
    for job in (heeding, deaf):
        until_status(job, "RUNNING")
        answer = client.post(f"{root}/jobs/{job.pk}/cancel")
        assert answer.status_code == 202, answer.content

    for job in (heeding, deaf):
        until_status(job, "CANCELLED")
        assert (job.completed_at - job.cancel_at).total_seconds() <= 10


def test_the_death_of_the_sentinel_or_of_an_idle_worker_stops_nothing(submitted, workers):
    for role in ("sentinel", "idle worker"):
        until(lambda: len(_pool(workers)) >= 4)  # the tree in which the job below is done
        job = until_status(submitted(probe="complete"), "COMPLETED")
        victim = _sentinel(workers) if role == "sentinel" else psutil.Process(job.pid)
        victim.kill()

        job = until_status(submitted(probe="complete"), "COMPLETED")

        assert job.charged == 0, role


def _sentinel(supervisor):
    (parent,) = psutil.Process(supervisor.pid).children()
    (sentinel,) = parent.children()
    return sentinel


def _pool(supervisor):
    try:
        return _sentinel(supervisor).children()
    except (ValueError, psutil.NoSuchProcess):
        return []
