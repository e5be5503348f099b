"""Whole-county jobs through the API and real workers while other clients write.

The demo county as `make demo` invents it is valued whole ten times; then a county of 60,000 parcels is exported and
its market analysed. Meanwhile one process commits small rows without a pause of more than 10 ms, and an API client
submits and cancels jobs. Every job must end COMPLETED at its first attempt. Writes
bench/results/whole_county_<database>.md for the database of DATABASE_URL.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PARCELS, RUNS = 6_000, 10
MANY_PARCELS = 60_000
PASSWORD = "a-long-pass-phrase"  # noqa: S105 - of a throw-away county
VALUATION = ("valuation", {"scope": {"county": True}, "parameters": {"valuation_date": "2026-01-01"}})
LARGE = [
    ("gis-export", {"export_format": "GeoJSON", "layers": ["parcels"]}),
    ("market-analysis", {"analysis_type": "price_index", "parameters": {"period": "quarter"}}),
]


@dataclass(frozen=True)
class End:
    status: str
    attempt: int
    seconds: float


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "terrafusion.settings.development", "TERRAFUSION_VAR": folder}
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        call_command("load_counties", verbosity=0)
        call_command("demo_county", parcels=PARCELS, verbosity=0)
        _supervisor_user()
        lines = [*_heading(connection.vendor)]
        with _served() as client, _other_clients(client) as written:
            lines += _measured(client, written, VALUATION, PARCELS, RUNS)
            call_command("demo_county", parcels=MANY_PARCELS, verbosity=0)
            for request in LARGE:
                lines += _measured(client, written, request, MANY_PARCELS, 1)
        page = ROOT / "bench" / "results" / f"whole_county_{connection.vendor}.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


def _heading(vendor: str) -> list[str]:
    return [
        f"# Whole-county jobs while others write ({vendor})",
        "",
        "`python -m bench.whole_county`: web server and two workers as `make run` starts them. Another process commits",
        "small rows all the time, and an API client submits and cancels jobs.",
        "",
        "| job | parcels | runs | COMPLETED at the first attempt | seconds, median (from - to) | commits beside |",
        "|---|---|---|---|---|---|",
    ]


def _measured(client: Any, written: Any, request: tuple[str, dict[str, Any]], parcels: int, runs: int) -> list[str]:
    before = written()
    ends = [_run(client, *request) for _ in range(runs)]
    seconds = [end.seconds for end in ends]
    well = sum((end.status, end.attempt) == ("COMPLETED", 1) for end in ends)
    plugin, body = request
    what = body.get("export_format") or body.get("analysis_type") or "whole county"
    spread = f"{median(seconds):.1f} ({min(seconds):.1f} - {max(seconds):.1f})"
    return [f"| {plugin}, {what} | {parcels:,} | {runs} | {well} of {runs} | {spread} | {written() - before:,} |"]


def _run(client: Any, plugin: str, body: dict[str, Any]) -> End:
    client.log_in("supervisor", PASSWORD)  # a token lives 15 minutes, the whole run longer
    begun = time.monotonic()
    job = client.post(f"/api/v1/{plugin}/run", json={"county_id": "demo"} | body).json()
    while job["status"] in ("PENDING", "RUNNING"):
        time.sleep(0.2)
        job = client.get(job["links"]["status"]).json()
    print(f"{plugin}: {job['status']}, attempt {job['attempt']}, {time.monotonic() - begun:.1f} s. {job['message']}")
    return End(job["status"], job["attempt"], time.monotonic() - begun)


def _supervisor_user() -> None:
    from county_configs.models import County
    from tests.factories import a_user

    a_user("supervisor", County.objects.get(pk="demo"), role="supervisor")


@contextmanager
def _served() -> Iterator[Any]:
    """`manage.py serve` as `make run` starts it; gives a signed-in client."""
    import requests

    from tests.processes import ApiClient, until

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "manage.py", "serve", "--port", str(port)], cwd=ROOT)

    def ready() -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/healthz/ready", timeout=2).ok
        except requests.RequestException:
            return False

    try:
        until(ready, seconds=120)
        yield ApiClient(f"http://127.0.0.1:{port}", "supervisor", PASSWORD)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=90)


@contextmanager
def _other_clients(client: Any) -> Iterator[Any]:
    """A process that commits rows, and a thread that submits and cancels jobs. Gives the count of commits."""
    from tests.busy_writer import writing_beside

    stop = threading.Event()

    def submit_and_cancel() -> None:
        body = {"county_id": "demo", "scope": {"neighborhood": "1040"}}
        while not stop.wait(1):  # shorter than the server keeps an idle connection open
            job = client.post("/api/v1/valuation/run", json=body).json()
            client.post(job["links"]["cancel"])

    thread = threading.Thread(target=submit_and_cancel)
    with writing_beside("demo", dict(os.environ)) as written:
        thread.start()
        try:
            yield written
        finally:
            stop.set()
            thread.join()


if __name__ == "__main__":
    raise SystemExit(main())
