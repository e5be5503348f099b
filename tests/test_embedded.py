"""Two starts on one machine: the second is told in a sentence, and nothing outlives the first."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from django.conf import settings

from terrafusion.embedded import LOCK_FILE, FolderInUse, sole_use
from terrafusion.settings.keys import local_key
from tests.processes import until

HOLDS = """
import pathlib, sys, time
from terrafusion.embedded import sole_use, start

with sole_use(pathlib.Path(sys.argv[1]), "make something"):
    print("held", flush=True)
    {then}
    time.sleep(600)
"""


@contextlib.contextmanager
def holder_of(folder, then="pass"):
    """A process that holds the folder and does something then."""
    command = [sys.executable, "-c", HOLDS.format(then=then), str(folder)]
    with subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_start_is_told_who_has_the_folder_and_what_to_do(tmp_path):
    with holder_of(tmp_path) as holder, pytest.raises(FolderInUse) as told, sole_use(tmp_path, "another"):
        pass

    assert str(told.value) == (
        f"{tmp_path} is in use by make something (process {holder.pid}); "
        "stop that first, or set TERRAFUSION_VAR to another folder."
    )


def test_the_folder_is_free_again_after_an_end_and_after_kill_9(tmp_path):
    with sole_use(tmp_path / "new", "one"):
        pass
    with sole_use(tmp_path / "new", "another"):
        pass
    with holder_of(tmp_path) as holder:
        holder.kill()
        holder.wait()
        with sole_use(tmp_path, "another"):
            pass


def test_a_child_neither_keeps_the_folder_nor_outlives_its_parent(tmp_path):
    with holder_of(tmp_path, then="print(start(['sleep', '600']).pid, flush=True)") as holder:
        child = psutil.Process(int(holder.stdout.readline()))
        holder.kill()
        holder.wait()
        with sole_use(tmp_path, "another"):
            until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_of_many_first_starts_all_have_the_one_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        for number in range(100):
            keys = list(pool.map(local_key, [tmp_path / "keys" / str(number)] * 8))
            assert len(set(keys)) == 1
            assert len(keys[0]) == 64
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
    assert len(list((tmp_path / "keys").iterdir())) == 100, "nothing is left over"


@pytest.fixture
def manage(tmp_path):
    """Starts `manage.py` on a folder of its own, with nothing else in its environment."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {"TERRAFUSION_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "terrafusion.settings.development"}
    started = []

    def run(*arguments):
        command = [sys.executable, "manage.py", *arguments]
        process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.workers
@pytest.mark.timeout(600)
def test_of_two_real_starts_the_second_ends_at_once_and_a_killed_one_leaves_nobody(tmp_path, manage):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    first = manage("serve", "--port", port, "--workers", "1")
    until(lambda: (tmp_path / LOCK_FILE).exists() and (tmp_path / LOCK_FILE).read_text())
    for second in (manage("serve"), manage("demo")):
        _, told = second.communicate()
        assert second.returncode == 1
        assert told == (
            f"CommandError: {tmp_path} is in use by manage.py serve (process {first.pid}); "
            "stop that first, or set TERRAFUSION_VAR to another folder.\n"
        )

    until(lambda: len(psutil.Process(first.pid).children()) == 2)  # web and workers
    family = psutil.Process(first.pid).children(recursive=True)
    first.send_signal(signal.SIGKILL)
    first.wait()
    until(lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in family))
    with sole_use(tmp_path, "another"):
        pass
