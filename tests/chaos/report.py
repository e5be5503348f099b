"""Turns the lines the chaos tests recorded into a page: `python -m tests.chaos.report LINES PAGE`."""

import json
import os
import sys
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

DEMANDS = {
    1: "`kill -9` at random moments of any process of the worker tree: nothing lost, stuck or doubled",
    2: "a zombie attempt that writes after it was taken over is refused, 100 of 100",
    3: "an orphan is recovered within 60 s; a healthy job that holds the interpreter lock is rescued 0 times",
    4: "database sessions terminated and the server restarted: all results, recovered within 30 s, 503 meanwhile",
    5: "a job that kills its worker: 3 attempts, then FAILED; past a limit: FAILED at once; good jobs hardly notice",
    6: "cancel: a waiting job never starts, a running one ends within 10 s, nothing partial",
    7: "SIGTERM with 4 running and 20 queued: exit within 30 s, nothing lost, nobody charged",
    8: "50 simultaneous submits with one Idempotency-Key: one job, its 202 for each; another body 422",
    9: "schedules under two supervisors, a 4-day outage and clocks off by up to 10 min: each slot at most once",
    10: "a county that queues much keeps no other waiting; max_running_jobs is never overshot",
    11: "a queue frozen with all processes present is restarted within 60 s",
    12: "(SQLite) 4 workers and 8 clients: the database is never locked, counted below any retry",
    13: "disk full or storage failing: FAILED in a plain sentence, no half file, retry works",
    "namespaces": "two `runworkers` in separate PID namespaces on one database",
}


def main(lines, page):
    runs = [json.loads(line) for line in Path(lines).read_text().splitlines()]
    runs.sort(key=lambda run: list(DEMANDS).index(run["demand"]))
    text = [
        "# Chaos: whatever dies, every accepted job ends once",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores. Repeat: `make chaos`.",
        "Every line is one run of a test that fails when the demand is not met. Lines with `without` had that"
        " protection taken out, and the faults are what the harness then found.",
    ]
    for demand, of_demand in groupby(runs, key=lambda run: run["demand"]):
        number = f"{demand}. " if isinstance(demand, int) else ""
        text += ["", f"## {number}{DEMANDS[demand]}", ""]
        text += _tables(list(of_demand))
    Path(page).write_text("\n".join(text) + "\n", encoding="utf-8")


def _tables(runs):
    """One table for each set of figures that were measured together."""
    lines = []
    for names, alike in groupby(sorted(runs, key=_names), key=_names):
        lines += ["", f"| {' | '.join(name.replace('_', ' ') for name in names)} |", "|---" * len(names) + "|"]
        lines += [f"| {' | '.join(_cell(run[name]) for name in names)} |" for run in alike]
    return lines[1:]


def _names(run):
    return [name for name in run if name != "demand"]


def _cell(value):
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_cell(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(str(value), str(value))


if __name__ == "__main__":
    main(*sys.argv[1:])
