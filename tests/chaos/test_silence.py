"""Demands 3 and 11: who is silent is dead only when it is dead, and a frozen queue is noticed."""

import signal
import sys
import time
from pathlib import Path

import pytest

from terrafusion.jobs.models import Job
from tests.chaos.harness import FULL, ServiceManager, record, submit_probes, wait_until_none_is_open
from tests.factories import a_county
from tests.processes import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.workers, pytest.mark.timeout(300)]

HOLD_SECONDS, HOLDS = 45, 2  # longer than the silence that means death
SECONDS = 60


@pytest.mark.skipif(not FULL, reason="Two minutes of silence; `make chaos` sits them out.")
def test_the_job_of_a_dead_host_is_recovered_and_a_silent_healthy_one_is_left_alone():
    """One host holds the interpreter lock all along; it is also the one that must notice that the other died."""
    county = a_county("demo", max_running_jobs=4)
    with ServiceManager(workers=2) as healthy, ServiceManager(workers=1) as doomed:
        healthy.wait_for_workers()
        doomed.wait_for_workers()
        (holder,) = submit_probes(county, 1, "hold_interpreter", seconds=HOLD_SECONDS, times=HOLDS)
        orphan = _running_on(doomed, county)
        doomed.kill_everything()
        died = time.monotonic()
        until(lambda: Job.objects.filter(pk=orphan, charged=1).exists(), seconds=SECONDS)
        recovered = time.monotonic() - died
        doomed.ensure_running()  # only now, so that it was the other that recovered it
        wait_until_none_is_open(SECONDS + HOLD_SECONDS * HOLDS)

    held = Job.objects.get(pk=holder)
    rescued = held.attempt - 1
    record(3, orphan_recovered_seconds=round(recovered, 1), holder_seconds=HOLD_SECONDS * HOLDS, holder_rescued=rescued)
    assert (held.status, held.attempt, held.charged) == ("COMPLETED", 1, 0)
    assert Job.objects.get(pk=orphan).status == "COMPLETED"


def _running_on(manager, county):
    """A job that runs on this host and not on the other."""
    while True:
        (key,) = submit_probes(county, 1, "sleep", seconds=3)
        job = until(lambda key=key: Job.objects.filter(pk=key, status="RUNNING", pid__isnull=False).first())
        if job.pid in [each.pid for each in manager.tree().get("worker", ())]:
            return key
        until(lambda key=key: Job.objects.get(pk=key).status == "COMPLETED")


@pytest.mark.parametrize("frozen", ["pusher", "every worker"])
def test_a_queue_that_stands_still_with_all_processes_present_is_restarted(frozen):
    county = a_county("demo", max_running_jobs=4)
    with ServiceManager(workers=2) as manager:
        manager.wait_for_workers()
        submit_probes(county, 1, "complete")
        until(lambda: Job.objects.filter(status="COMPLETED").count() == 1)
        for each in manager.tree()["pusher" if frozen == "pusher" else "worker"]:
            each.send_signal(signal.SIGSTOP)
        time.sleep(0.5)  # a token may be on its way
        asked = time.monotonic()
        submit_probes(county, 3, "complete")
        until(lambda: Job.objects.filter(status="COMPLETED").count() == 4, seconds=SECONDS)
        record(11, frozen=frozen, seconds_until_done=round(time.monotonic() - asked, 1))
    assert not Job.objects.filter(charged__gt=0).exists()


def test_the_harness_tells_every_role_wherever_the_project_lies(monkeypatch, tmp_path):
    """A long path leaves so much room for the process title that it is padded; a short one cuts it off."""
    folder = tmp_path / "a-checkout-in-a-folder-whose-name-leaves-room-for-any-title"
    folder.symlink_to(Path(sys.executable).parent.parent)
    monkeypatch.setattr(sys, "executable", str(folder / "bin" / "python"))
    with ServiceManager(workers=2) as manager:
        manager.wait_for_workers()
        number = {role: len(processes) for role, processes in manager.tree().items()}
    assert number == {"supervisor": 1, "parent": 1, "sentinel": 1, "worker": 2, "pusher": 1, "monitor": 1}
