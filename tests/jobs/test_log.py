"""A job's log."""

import pytest

from terrafusion.jobs.models import JobLog

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("kind", ["valuation"], indirect=True)]


def test_every_line_of_a_long_log_can_be_read_in_its_order(client, root, submitted):
    job = submitted()
    JobLog.objects.bulk_create(JobLog(job=job, attempt=1, message=f"Line {number}.") for number in range(2500))

    lines = client.get(f"{root}/jobs/{job.pk}/log").json()

    assert [line["message"] for line in lines] == [f"Line {number}." for number in range(2500)]
    assert lines[0].keys() == {"at", "attempt", "level", "message"}
