"""What a job costs beyond its work, beside bare django-q2 on the same database in the same run.

No-op jobs per second with 4 workers, seconds from submit to COMPLETED on an idle system, and the API's answers while
5,000 jobs wait. Writes bench/results/jobs_<database>.md for the database of DATABASE_URL.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
JOBS, REPETITIONS, WORKERS = 600, 5, 4
SINGLES = 40
QUEUED, REQUESTS = 5_000, 300
GOAL_MS = 300


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        _set_up(folder)
        from django.db import connection

        from tests.factories import a_county

        county = a_county("demo", max_running_jobs=WORKERS)
        rates: dict[str, list[float]] = {"TerraFusion": [], "bare django-q2": []}
        for _ in range(REPETITIONS):
            rates["TerraFusion"].append(our_rate(county))
            rates["bare django-q2"].append(bare_rate())
        with _running("runworkers", "--workers", str(WORKERS)):
            ours = latencies(lambda: _submit_ours(county, 1), _our_done)
        with _running("qcluster", settings="bench.bare_django_q"):
            bare = latencies(lambda: _submit_bare(1), _bare_done)
        answers = api_milliseconds(county)
        lines = report(connection.vendor, rates, {"TerraFusion": ours, "bare django-q2": bare}, answers)
        page = ROOT / "bench" / "results" / f"jobs_{connection.vendor}.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


def _set_up(folder: str) -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "terrafusion.settings.test", "TERRAFUSION_TEST_FOLDER": folder}
    if "DATABASE_URL" not in os.environ:
        os.environ["TERRAFUSION_TEST_DATABASE"] = f"{folder}/bench.sqlite3"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


@contextmanager
def _running(*command: str, settings: str = "terrafusion.settings.test") -> Iterator[None]:
    from tests.processes import environment

    process = subprocess.Popen(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environment(DJANGO_SETTINGS_MODULE=settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


# --- Jobs per second: all are queued first, so that neither the submitting nor the start of processes counts ---


def our_rate(county: Any) -> float:
    from terrafusion.jobs.models import Job

    Job.objects.all().delete()
    _submit_ours(county, JOBS)
    with _running("runworkers", "--workers", str(WORKERS)):
        _until(lambda: _our_done() >= JOBS)
    first, last = Job.objects.earliest("started_at").started_at, Job.objects.latest("completed_at").completed_at
    return JOBS / (last - first).total_seconds()  # type: ignore[operator]  # all have ended


def bare_rate() -> float:
    from django_q.models import Success

    Success.objects.all().delete()
    _submit_bare(JOBS)
    with _running("qcluster", settings="bench.bare_django_q"):
        started = None
        while _bare_done() < JOBS:
            if started is None and _bare_done():
                started = time.monotonic()
            time.sleep(0.01)
        last = time.monotonic()
    first = Success.objects.earliest("started").started
    # Its rows say when the work ended, not when the result was stored: the last seconds are measured here.
    seen = last - (started or last)
    return JOBS / max(seen, (Success.objects.latest("stopped").stopped - first).total_seconds())


def _submit_ours(county: Any, number: int) -> None:
    from tests.chaos.harness import submit_probes

    submit_probes(county, number, "nothing")


def _our_done() -> int:
    from terrafusion.jobs.models import Job

    return Job.objects.filter(status="COMPLETED").count()


def _submit_bare(number: int) -> None:
    from django_q.brokers.orm import ORM
    from django_q.tasks import async_task

    broker = ORM("terrafusion")
    for _ in range(number):
        async_task("math.floor", 1, broker=broker)


def _bare_done() -> int:
    from django_q.models import Success

    return Success.objects.count()


# --- One job on an idle system ---


def latencies(submit: Callable[[], None], done: Callable[[], int]) -> list[float]:
    """Seconds from submit until the end can be read, one job at a time."""
    submit()
    before = done()
    time.sleep(5)  # the first starts the processes
    measured = []
    for number in range(SINGLES):
        before = done()
        time.sleep(0.05 + 0.2 * number / SINGLES)  # at every phase of the poll
        started = time.monotonic()
        submit()
        _until(lambda before=before: done() > before)  # type: ignore[misc]
        measured.append(time.monotonic() - started)
    return measured


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("The jobs did not end within 300 s.")
        time.sleep(0.003)


# --- The API while the queue is long ---


def api_milliseconds(county: Any) -> dict[str, list[float]]:
    """Milliseconds of each kind of request, while 5,000 jobs wait and 4 workers work."""
    from terrafusion.jobs.models import Job
    from tests.chaos.harness import submit_probes
    from tests.factories import PASSWORD, a_user
    from tests.processes import ApiClient, web_server
    from tests.valuation.roll import VALUATION_DATE, a_subject

    Job.objects.all().delete()
    a_user("clerk", county, role="appraiser")
    a_subject(county, 1)
    waiting = submit_probes(county, QUEUED, "sleep_briefly")
    own = f"/api/v1/valuation/status/{waiting[-1]}"
    body = {
        "county_id": "demo",
        "property_id": "1",
        "parameters": {"valuation_date": VALUATION_DATE.isoformat()},
    }
    with web_server() as address, _running("runworkers", "--workers", str(WORKERS)):
        client = ApiClient(address, "clerk", PASSWORD)
        requests = {
            "submit": lambda: client.post("/api/v1/valuation/run", json=body),
            "status": lambda: client.get(own),
            "list": lambda: client.get("/api/v1/valuation/jobs"),
            "list, last page": lambda: client.get("/api/v1/valuation/jobs?page=200"),
        }
        _until(lambda: Job.objects.filter(status="RUNNING").count() == WORKERS)
        return {name: [_milliseconds(ask) for _ in range(REQUESTS)] for name, ask in requests.items()}


def _milliseconds(ask: Callable[[], Any]) -> float:
    started = time.perf_counter()
    answer = ask()
    taken = 1000 * (time.perf_counter() - started)
    answer.raise_for_status()
    return taken


def report(
    vendor: str, rates: dict[str, list[float]], single: dict[str, list[float]], answers: dict[str, list[float]]
) -> list[str]:
    lines = [
        f"# What a job costs, on {'SQLite' if vendor == 'sqlite' else 'PostgreSQL'}",
        "",
        f"{os.cpu_count()} cores, {WORKERS} workers. Repeat: `make bench`. Rates: {JOBS} no-op jobs, median of"
        f" {REPETITIONS} runs taken in turns. One job: {SINGLES} on an idle system, one after another.",
        "",
        "| | no-op jobs per second | lowest to highest | one job, submit to COMPLETED: median | p95 |",
        "|---|---|---|---|---|",
    ]
    for name, each in rates.items():
        lines.append(
            f"| {name} | {median(each):.0f} | {min(each):.0f} to {max(each):.0f}"
            f" | {1000 * median(single[name]):.0f} ms | {1000 * _p95(single[name]):.0f} ms |"
        )
    lines += [
        "",
        f"API while {QUEUED:,} jobs wait and {WORKERS} run; {REQUESTS} requests of each kind."
        f" Goal: p95 < {GOAL_MS} ms.",
        "",
        "| request | median | p95 |",
        "|---|---|---|",
        *(f"| {name} | {median(each):.0f} ms | {_p95(each):.0f} ms |" for name, each in answers.items()),
    ]
    return lines


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]


if __name__ == "__main__":
    sys.exit(main())
