"""What the supervisor makes of what it sees, without processes."""

import pytest

from terrafusion.jobs.workers import supervisor
from terrafusion.jobs.workers.worker_tree import Members
from tests.factories import ValuationJobFactory

STARTING = Members(parent=True, sentinel=None, pool=frozenset(), everyone=frozenset({10}))
WHOLE = Members(parent=True, sentinel=11, pool=frozenset({12, 13, 14, 15}), everyone=frozenset(range(10, 16)))


class Tree:
    """A worker tree that was started this moment and runs."""

    boot_id = "a-boot"
    age = 0.0

    def __init__(self, workers):
        self.process = self

    def poll(self):
        return None


@pytest.fixture
def clock(monkeypatch):
    """Seconds, for the test to move on."""
    seconds = [0.0]
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: seconds[0])
    return seconds


@pytest.fixture
def watcher(monkeypatch):
    monkeypatch.setattr(supervisor, "WorkerTree", Tree)
    return supervisor.Supervisor(workers=2)


@pytest.mark.django_db
def test_a_tree_that_is_slow_to_start_is_not_taken_for_one_that_claims_nothing(watcher, clock):
    """A busy machine takes longer to start than a queue may stand still; a restart would begin all over again."""
    ValuationJobFactory()
    assert watcher._must_restart([], STARTING) == ""
    clock[0] += supervisor.STALL_SECONDS + 1

    assert watcher._must_restart([], STARTING) == ""
    assert watcher._must_restart([], WHOLE) == ""

    clock[0] += supervisor.STALL_SECONDS + 1
    assert watcher._must_restart([], WHOLE) == "jobs wait, workers are free, and nothing is claimed."
