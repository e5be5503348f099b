"""Which process of a worker tree does what, written down where it is started.

The process title would tell too, but only where the machine leaves room for it: it stands in the memory of the command
line and the environment, is cut off where that is short and padded where it is long.

TERRAFUSION_PROBE_ROLES names the file, in the environment of the worker processes.
"""

from contextlib import suppress
from pathlib import Path


def record(file):
    """Makes django-q2's sentinel write a line for each process it starts: its number and its role."""
    from django_q.cluster import Sentinel

    spawn = Sentinel.spawn_process

    def spawn_and_record(self, target, *args):
        process = spawn(self, target, *args)
        with Path(file).open("a") as lines:
            lines.write(f"{process.pid} {target.__name__}\n")
        return process

    Sentinel.spawn_process = spawn_and_record


def recorded(file):
    """Role ("worker", "pusher" or "monitor") by process number, as numbers are in the tree's own PID namespace."""
    found = {}
    with suppress(FileNotFoundError):  # nothing was started yet
        for line in Path(file).read_text().splitlines():
            pid, role = line.split()
            found[int(pid)] = role
    return found


def number_inside(process):
    """The number a process has in its own PID namespace."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    return process.pid
