"""The product's own programs as real processes on the test's database."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

import requests
from django.conf import settings
from django.db import connection
from requests.adapters import HTTPAdapter

PATIENCE = 120  # seconds for what no demand hurries: a busy machine may be ten times slower than an idle one


def environment(**more):
    """What a program needs to work on the test's database and in its folders."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "terrafusion.settings.test",
        "TERRAFUSION_TEST_DATABASE": str(connection.settings_dict["NAME"]),
        "TERRAFUSION_TEST_ANALYTICS": str(settings.ANALYTICS_STORE),
        **more,
    }


def start_workers(workers, *, before=(), **more):
    """`runworkers` in the background. before: a command it is started through."""
    command = [*before, sys.executable, "manage.py", "runworkers", "--workers", str(workers)]
    return subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment(**more))


@contextlib.contextmanager
def running_workers(workers=2, **more):
    """Real `runworkers`, drained at the end."""
    process = start_workers(workers, **more)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=40)


@contextlib.contextmanager
def web_server(**more):
    """gunicorn as `serve` starts it; gives its address."""
    # Its socket is ours from the start: a port that was only looked up may be another's by the time it is used.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address, place = "127.0.0.1:{1}".format(*listener.getsockname()), listener.fileno()
        command = [sys.executable, "-m", "gunicorn", "terrafusion.wsgi", "--bind", f"fd://{place}", "--workers", "2"]
        process = subprocess.Popen(
            [*command, "--threads", "4", "--log-level", "warning"],
            cwd=settings.BASE_DIR,
            env=environment(**more),
            pass_fds=[place],
        )
    try:
        until(lambda: _answers(f"http://{address}/healthz/live"))
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(timeout=40)


def _answers(url):
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:  # not there yet, or loading the whole application
        return False


class ApiClient:
    """A signed-in client of a running web server; may be shared by threads."""

    def __init__(self, address, username, password):
        self.address, self.session = address, requests.Session()
        self.session.mount("http://", HTTPAdapter(pool_maxsize=64))
        self.log_in(username, password)

    def log_in(self, username, password):
        answer = self.post("/auth/login", json={"username": username, "password": password})
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access']}"

    def get(self, path, **options):
        return self.session.get(self.address + path, timeout=60, **options)

    def post(self, path, **options):
        return self.session.post(self.address + path, timeout=60, **options)


def until(condition, seconds=PATIENCE):
    """Waits for the condition and returns what it gave; fails after `seconds`.

    Give `seconds` where they are what is demanded of the product, measured from here.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"Not within {seconds} s.")


def until_status(job, *statuses, seconds=PATIENCE):
    def reached():
        job.refresh_from_db()
        return job.status in statuses

    until(reached, seconds)
    return job
