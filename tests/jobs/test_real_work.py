"""The work of every kind in a real worker process."""

import pytest

from tests.processes import until_status


@pytest.mark.django_db(transaction=True)
@pytest.mark.workers
def test_a_real_worker_brings_a_job_to_its_result(submitted, workers):
    job = until_status(submitted(), "COMPLETED", "FAILED")

    assert job.status == "COMPLETED", job.message
