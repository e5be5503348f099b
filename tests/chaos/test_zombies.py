"""Demand 2: an attempt that was taken over comes back and writes."""

import contextlib
import os
import random
import signal

import pytest

from terrafusion.jobs.files import seal
from terrafusion.jobs.finish import finish_cancelled, finish_completed, finish_failed, give_back
from terrafusion.jobs.models import FailureReason, Job, JobArtifact, JobLog
from terrafusion.jobs.workers.queue import claim_next
from terrafusion.jobs.workers.runner import perform
from tests.chaos.harness import FULL, ServiceManager, faults_of_results, record, result_files, submit_probes
from tests.factories import a_county
from tests.processes import until

pytestmark = [pytest.mark.workers, pytest.mark.timeout(300)]

FROZEN = 20 if FULL else 10
LATE_WRITES = 100 - FROZEN
TOO_LATE = "came back after the job had gone on without it"


@pytest.mark.django_db
def test_no_late_attempt_changes_anything_by_whatever_end_it_comes():
    """In one process, so that every end and every state the job may be in by then is tried."""
    county, pick, refused, before = a_county("demo", max_running_jobs=4), random.Random(7), 0, result_files()
    ends = {
        "completed": lambda job, outcome, files: finish_completed(job, outcome, files),
        "failed": lambda job, *_: finish_failed(job, FailureReason.BAD_DATA, "late"),
        "cancelled": lambda job, *_: finish_cancelled(job),
        "given back": lambda job, *_: give_back(job, "late", charge=True),
    }
    for number in range(LATE_WRITES):
        Job.objects.all().delete()
        submit_probes(county, 1, "complete")
        late = claim_next()
        outcome = perform(late)
        give_back(late, "Its host was silent.", charge=False)
        late_files = [_rewritten(late, file_name) for file_name in outcome.files]
        state = pick.choice(["waiting", "running", "completed"])
        if state != "waiting":
            current = claim_next()
            if state == "completed":
                done = perform(current)
                finish_completed(current, done, [seal(file_name) for file_name in done.files])
        end = list(ends)[number % len(ends)]
        as_it_was = _everything(before)

        ends[end](late, outcome, late_files)

        assert _everything(before) == as_it_was, f"{end} while {state}"
        refused += 1
    record(2, late_writes=LATE_WRITES, refused=refused)


def frozen_workers(number, folder, sabotage=""):
    """Freezes a worker, hands its job to another, thaws it: faults, and how many late attempts were refused.

    folder: an empty one, where the first attempt of each job says that it works and waits to be let go.
    """
    county, before = a_county("demo", max_running_jobs=4), result_files()
    with ServiceManager(TERRAFUSION_SABOTAGE=sabotage) as manager:
        manager.wait_for_workers()
        for done in range(number):
            gate = folder / f"gate {done}"
            (key,) = submit_probes(county, 1, "wait_at_gate", gate=str(gate))
            until(gate.with_suffix(".reached").exists)
            frozen = Job.objects.get(pk=key)
            os.kill(frozen.pid, signal.SIGSTOP)
            try:
                give_back(frozen, "Its host was silent.", charge=False)
                until(lambda key=key: Job.objects.get(pk=key).status == "COMPLETED")
            finally:
                gate.touch()
                os.kill(frozen.pid, signal.SIGCONT)
            with contextlib.suppress(AssertionError):  # not refused, or not yet: the count will tell
                until(lambda done=done: _refusals() > done, seconds=5)
        faults = faults_of_results(number, before)
        faults += [f"attempt {job.attempt} has the last word" for job in Job.objects.exclude(attempt=2)]
    return faults, _refusals()


@pytest.mark.django_db(transaction=True)
def test_a_frozen_worker_that_thaws_after_its_job_was_done_is_refused(tmp_path):
    faults, refused = frozen_workers(FROZEN, tmp_path)

    record(2, frozen_workers=FROZEN, refused=refused, faults=len(faults))
    assert not faults
    assert refused == FROZEN


@pytest.mark.django_db(transaction=True)
def test_the_harness_notices_when_the_fence_is_down(tmp_path):
    faults, _ = frozen_workers(1, tmp_path, sabotage="fence")

    record(2, without="fence", faults=len(faults))
    assert faults


def _rewritten(job, file):
    """The workspace went with the give-back; the zombie still has its open file."""
    file.path.parent.mkdir(parents=True, exist_ok=True)
    file.path.write_text(f"job {job.pk} attempt {job.attempt}")
    return seal(file)


def _refusals():
    return JobLog.objects.filter(message__contains=TOO_LATE).count()


def _everything(before):
    """All a late attempt could change, but for the line that says it was refused. before: files of other tests."""
    return (
        list(Job.objects.values()),
        list(JobArtifact.objects.values()),
        list(JobLog.objects.exclude(message__contains=TOO_LATE).values()),
        {path: path.read_bytes() for path in result_files() - before},
    )
