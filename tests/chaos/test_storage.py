"""Demand 13: the disk is full, or the storage fails, while a result is written."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from terrafusion.jobs.api.submit import retry
from terrafusion.jobs.files import results_storage
from terrafusion.jobs.models import FailureReason, Job, JobArtifact
from tests.chaos.harness import ServiceManager, record, result_files, submit_probes, wait_until_none_is_open
from tests.factories import a_county
from tests.processes import until_status

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.workers, pytest.mark.timeout(300)]


@pytest.fixture
def full_results():
    """The results storage on a disk of 512 kB; gives a function that replaces it by one with room."""
    folder = Path(results_storage().path(""))
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("Mounting a small disk needs root.")
    mounted = True

    def unmount():
        nonlocal mounted
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        mounted = False

    yield unmount
    unmount()


@pytest.fixture
def unwritable_results():
    """A file lies where the folder of this kind's results would be made."""
    folder = Path(results_storage().path("valuation"))
    aside = folder.with_name("aside")
    folder.mkdir(parents=True, exist_ok=True)
    folder.rename(aside)
    folder.touch()

    def repair():
        if folder.is_file():
            folder.unlink()
            aside.rename(folder)

    yield repair
    repair()


@pytest.mark.parametrize("fault", ["full_results", "unwritable_results"])
def test_a_storage_that_fails_fails_the_job_and_nothing_else(fault, request):
    repair = request.getfixturevalue(fault)
    county = a_county("demo", max_running_jobs=4)
    before = result_files()
    with ServiceManager(workers=2) as manager:
        manager.wait_for_workers()
        (key,) = submit_probes(county, 1, "big_file")
        wait_until_none_is_open()
        failed = Job.objects.get(pk=key)
        left = result_files() - before
        repair()
        again = until_status(retry(failed, None), "COMPLETED", "FAILED")

    record(13, fault=fault.replace("_", " "), message=failed.message, files_left=len(left), retry=again.status)
    assert (failed.status, failed.failure_reason) == ("FAILED", FailureReason.STORAGE)
    assert failed.message.startswith("The result could not be stored:")
    assert not left
    assert again.status == "COMPLETED"
    assert JobArtifact.objects.get().job_id == again.pk


def test_a_workspace_on_a_full_disk_fails_the_job_in_the_kernels_words():
    county = a_county("demo", max_running_jobs=4)
    with ServiceManager(workers=1) as manager:
        manager.wait_for_workers()
        (key,) = submit_probes(county, 1, "fill_disk")
        wait_until_none_is_open()
    job = Job.objects.get(pk=key)
    record(13, fault="full workspace", message=job.message)
    assert (job.status, job.message) == ("FAILED", "The result could not be stored: No space left on device.")
