"""The work of every kind in real worker processes."""

import pytest

from terrafusion.jobs.models import Job
from terrafusion.jobs.registry import registered_kinds
from tests.factories import a_user, client_of
from tests.processes import running_workers, until_status

from .examples import EXAMPLES


@pytest.mark.django_db(transaction=True)
@pytest.mark.workers
@pytest.mark.xdist_group("workers")
def test_real_workers_bring_a_job_of_every_kind_to_its_result(county):
    names = [kind.name for kind in registered_kinds()]
    clerk = client_of(a_user("clerk", county, *(f"execute_{name}" for name in names)))
    requests = {name: EXAMPLES[name](county) for name in names}
    with running_workers():
        for name, request in requests.items():
            answer = clerk.post(f"/api/v1/{name.replace('_', '-')}/run", request, format="json")
            assert answer.status_code == 202, answer.content

        ends = {job.kind: until_status(job, "COMPLETED", "FAILED") for job in Job.objects.all()}

    assert {name: job.status for name, job in ends.items()} == dict.fromkeys(names, "COMPLETED"), [
        f"{name}: {job.message}" for name, job in ends.items()
    ]
