"""What an error of the operating system means for a job: the disk of its result, or a file that it reads."""

import errno
import os
from pathlib import Path

import pytest
from django.conf import settings

from terrafusion.jobs.workers import runner

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("kind", ["valuation"], indirect=True)]
SOURCE = "/srv/county/deeds.csv"


def refused(number, *path):
    return OSError(number, os.strerror(number), *path)


def result_path():
    return str(Path(settings.WORKSPACE_DIR) / "a-job" / "1" / "result.csv")


@pytest.fixture
def ended_after(submitted, monkeypatch):
    """The job after its work has raised the error: (reason, message)."""

    def end(error):
        def work(job):
            raise error

        monkeypatch.setattr(runner, "perform", work)
        job = submitted()
        runner.run_next_job()
        job.refresh_from_db()
        return job.failure_reason, job.message

    return end


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR])
def test_a_source_that_cannot_be_opened_is_no_fault_of_the_storage(ended_after, number):
    reason, message = ended_after(refused(number, SOURCE))

    assert reason == "processing_exception"
    assert message == f"A file that the job reads could not be opened: {os.strerror(number)}."


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_result_that_cannot_be_written_is_a_fault_of_the_storage(ended_after, number):
    reason, message = ended_after(refused(number, result_path()))

    assert reason == "storage"
    assert message == f"The result could not be stored: {os.strerror(number)}."


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_a_device_that_fails_is_the_storage_whatever_was_done_with_it(ended_after, number):
    reason, message = ended_after(refused(number))

    assert (reason, message) == ("storage", f"A file could not be read or written: {os.strerror(number)}.")


@pytest.mark.parametrize("error", [refused(errno.ECONNREFUSED), refused(errno.ENOENT, result_path()), OSError("odd")])
def test_any_other_is_a_fault_of_ours(ended_after, error):
    reason, message = ended_after(error)

    assert (reason, "unexpectedly" in message) == ("processing_exception", True)
