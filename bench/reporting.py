"""Speed and memory of the reports: ratio statistics beside assesspy in one run, long rolls, the PDF of a large study.

Each measurement runs in a process of its own, so that its peak memory is its own. Writes bench/results/reporting.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "bench" / "results" / "reporting.md"
LUCAS = ROOT.parent / "shared" / "data" / "lucas_county_sales" / "lucas_oh_sales_1993_1998_dev.csv.gz"
SALES = 100_000
REPLICATES = 1000
LONG_ROLL, WORKBOOK_ROLL = 1_000_000, 100_000
TAX_YEAR = 2026


def main() -> int:
    if len(sys.argv) > 2:
        print(json.dumps(MEASUREMENTS[sys.argv[1]](*sys.argv[2:])))
        return 0
    with tempfile.TemporaryDirectory() as var:
        os.environ |= {"TERRAFUSION_VAR": var, "DJANGO_SETTINGS_MODULE": "terrafusion.settings.development"}
        measured("prepare", "-")
        points, oracle = measured("points", "-"), measured("oracle", "-")
        ours = {threads: measured("bootstrap", threads) for threads in ("1", "2")}
        csv, xlsx = measured("roll", "benton", "csv"), measured("roll", "king", "xlsx")
        pdf = measured("study", "lucas") if LUCAS.exists() else None
    lines = report(points, oracle, ours, csv, xlsx, pdf)
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


def measured(name: str, *arguments: str) -> dict[str, Any]:
    """The measurement in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.reporting", name, *arguments],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    print(name, *arguments, done.stdout.splitlines()[-1], flush=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def peak_mb() -> float:
    """Of this process since it began. Not getrusage: its figure is inherited from the process that started this one."""
    (line,) = (
        splitline for splitline in Path("/proc/self/status").read_text().splitlines() if splitline.startswith("VmHWM")
    )
    return int(line.split()[1]) / 1024


def some_sales() -> tuple[Any, Any]:
    rng = np.random.default_rng(20260101)
    prices = np.round(np.exp(rng.normal(12.5, 0.6, SALES)))
    return np.round(prices * np.exp(rng.normal(-0.05, 0.15, SALES))), prices


def best_of(runs: int, call: Callable[[], Any]) -> float:
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


# --- Statistics ---


def points(_: str) -> dict[str, Any]:
    """Seconds of each point statistic: ours, then assesspy's, in one process."""
    import assesspy

    from reporting.statistics import ratio_statistics as level
    from reporting.statistics import vertical_equity as vertical

    assessed, prices = some_sales()
    # Where prices tie assesspy takes the sales as they stand, ours the average over every order they could stand in:
    # what assesspy says when each sale has the mean value of its price.
    _, tied = np.unique(prices, return_inverse=True)
    at_price = (np.bincount(tied, assessed) / np.bincount(tied))[tied]
    pairs: dict[str, tuple[Callable[[], float], Callable[[], float]]] = {
        "COD": (
            lambda: level.coefficient_of_dispersion(level.sale_ratios(assessed, prices)),
            lambda: assesspy.cod(assessed, prices),
        ),
        "PRD": (
            lambda: level.price_related_differential(assessed, prices),
            lambda: assesspy.prd(assessed, prices),
        ),
        "PRB": (
            lambda: vertical.price_related_bias(assessed, prices).slope,
            lambda: assesspy.prb(assessed, prices),
        ),
        "KI": (lambda: vertical.kakwani_index(assessed, prices), lambda: assesspy.ki(at_price, prices)),
        "MKI": (lambda: vertical.modified_kakwani_index(assessed, prices), lambda: assesspy.mki(at_price, prices)),
    }
    found = {}
    for name, (ours, theirs) in pairs.items():
        apart = abs(ours() / theirs() - 1)
        found[name] = {"ours": best_of(7, ours), "oracle": best_of(3, theirs), "apart": apart}
    return found


def oracle(_: str) -> dict[str, Any]:
    """assesspy's intervals of COD and PRD; it has none for the median."""
    import assesspy

    assessed, prices = some_sales()
    np.random.seed(1)
    started = time.perf_counter()
    cod = assesspy.cod_ci(assessed, prices, nboot=REPLICATES)
    prd = assesspy.prd_ci(assessed, prices, nboot=REPLICATES)
    return {"seconds": time.perf_counter() - started, "peak_mb": peak_mb(), "cod": cod, "prd": prd}


def bootstrap(threads: str) -> dict[str, Any]:
    """Ours: intervals of the median, COD and PRD, and four measures more. Compilation apart, into an empty cache."""
    import hashlib

    with tempfile.TemporaryDirectory() as cache:
        os.environ["NUMBA_CACHE_DIR"] = cache
        from reporting.statistics.intervals import bootstrap_replicates, median_interval

        assessed, prices = some_sales()
        started = time.perf_counter()
        bootstrap_replicates(assessed[:50], prices[:50], 2, 0, 1)
        compiling = time.perf_counter() - started
        started = time.perf_counter()
        values = bootstrap_replicates(assessed, prices, REPLICATES, 1, int(threads))
        interval = median_interval(assessed / prices)
        seconds = time.perf_counter() - started
    low, high = np.quantile(values, [0.025, 0.975], axis=0)
    return {
        "seconds": seconds,
        "compiling": compiling,
        "peak_mb": peak_mb(),
        "digest": hashlib.sha256(values.tobytes()).hexdigest(),
        "cod": [low[3], high[3]],
        "prd": [low[4], high[4]],
        "median": [interval.low, interval.high],
    }


# --- Reports ---


def prepare(_: str) -> dict[str, Any]:
    """Two invented rolls, and Lucas County by bulk_load."""
    import django

    django.setup()
    from django.core.management import call_command

    from accounts.models import User

    call_command("migrate", verbosity=0)
    call_command("load_counties", verbosity=0)
    User.objects.create_superuser("bench")
    for county_id, number in (("benton", LONG_ROLL), ("king", WORKBOOK_ROLL)):
        fill_roll(county_id, number)
    if LUCAS.exists():
        call_command("bulk_load", "lucas", source=LUCAS)
    return {"peak_mb": peak_mb()}


def fill_roll(county_id: str, number: int) -> None:
    """Properties with the texts a roll has, and their values of two years."""
    from django.db import connection, transaction

    from terrafusion.roll.models import Property

    def properties() -> Iterator[Property]:
        for at in range(number):
            yield Property(
                county_id=county_id,
                property_id=str(at),
                parcel_number=f"1-{at:07d}-000",
                parcel_number_key=f"1{at:07d}000",
                situs_address=f"{at % 9000 + 100} W Example Street",
                situs_city="Example",
                zip_code="99336",
                property_class=("residential", "commercial", "vacant")[at % 3],
                use_code=("11", "59", "91")[at % 3],
                tax_code_area=f"12{at % 40:02d}",
                legal_description=f"LOT {at % 99 + 1}, EXAMPLE ADDITION NO. {at % 500}",
                acres="0.2500",
            )

    remaining = properties()
    with transaction.atomic():
        while batch := list(islice(remaining, 5000)):
            Property.objects.bulk_create(batch)
        with connection.cursor() as cursor:
            for year in (TAX_YEAR - 1, TAX_YEAR):
                cursor.execute(
                    "INSERT INTO roll_assessedvalue (roll_property_id, tax_year, supplement, market_land,"
                    " market_improvement, market_total, new_construction, exempt_value, taxable_value, status)"
                    " SELECT id, %s, 0, 50000 + id %% 1000, 200000 + id %% 777, 250000 + id %% 1000 + id %% 777, 0, 0,"
                    " 250000 + id %% 1000 + id %% 777, 'certified' FROM properties_operational WHERE county_id = %s",
                    [year, county_id],
                )


def roll(county_id: str, file_format: str) -> dict[str, Any]:
    return run_report("assessment_roll", county_id, {"year": TAX_YEAR, "format": file_format})


def study(county_id: str) -> dict[str, Any]:
    """15,214 sales with three stratifications, 29 charts and tables, as PDF."""
    window = {"start_date": date(1993, 1, 1).isoformat(), "end_date": date(1998, 12, 31).isoformat()}
    strata = ["sale_year", "value_decile", "age_band"]
    return run_report("sales_ratio_study", county_id, {"year": 1999, "format": "pdf", "stratify_by": strata} | window)


def run_report(report_type: str, county_id: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Submits through the API and runs the job in this process."""
    import django

    django.setup()
    from django.conf import settings
    from rest_framework.test import APIClient

    from accounts.models import User
    from terrafusion.jobs.workers.runner import run_next_job

    settings.ALLOWED_HOSTS = ["testserver"]
    client = APIClient()
    client.force_authenticate(User.objects.get(username="bench"))
    body = {"report_type": report_type, "county_id": county_id, "parameters": parameters}
    answer = client.post("/api/v1/reporting/run", body, format="json")
    if answer.status_code != 202:
        raise SystemExit(answer.content.decode())
    before, started = peak_mb(), time.perf_counter()
    run_next_job()
    seconds = time.perf_counter() - started
    job = client.get(answer.json()["links"]["results"]).json()
    if job["status"] != "COMPLETED":
        raise SystemExit(job["message"])
    found = job["result"]
    return {
        "seconds": seconds,
        "peak_mb": peak_mb(),
        "peak_before_mb": before,
        "file_size_kb": found["result_metadata"]["file_size_kb"],
        "pages": found["result_metadata"].get("pages"),
        "headline": found["headline"],
    }


MEASUREMENTS: dict[str, Callable[..., dict[str, Any]]] = {
    each.__name__: each for each in (prepare, points, oracle, bootstrap, roll, study)
}


def report(
    points: dict[str, Any],
    oracle: dict[str, Any],
    ours: dict[str, dict[str, Any]],
    csv: dict[str, Any],
    xlsx: dict[str, Any],
    pdf: dict[str, Any] | None,
) -> list[str]:
    from importlib.metadata import version

    alone, both = ours["1"], ours["2"]
    same = "the same numbers to the last bit" if alone["digest"] == both["digest"] else "DIFFERENT numbers"
    lines = [
        "# Reports: speed and memory",
        "",
        f"{os.cpu_count()} cores, shared with other work: read the ratios, not the seconds. Repeat: `make bench`.",
        "",
        f"## Ratio statistics, {SALES:,} sales, beside assesspy {version('assesspy')}",
        "",
        "| statistic | ours, ms | assesspy, ms | assesspy / ours | relative difference |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {1000 * each['ours']:.2f} | {1000 * each['oracle']:.1f} | "
            f"{each['oracle'] / each['ours']:.1f} | {each['apart']:.0e} |"
            for name, each in points.items()
        ),
        "",
        f"## Intervals, {SALES:,} sales, {REPLICATES:,} replicates",
        "",
        "| | seconds | assesspy / it | peak MB | COD | PRD | median |",
        "|---|---|---|---|---|---|---|",
        f"| assesspy, COD and PRD | {oracle['seconds']:.1f} | 1 | {oracle['peak_mb']:.0f} "
        f"| {span(oracle['cod'], 3)} | {span(oracle['prd'], 5)} | none |",
        *(
            f"| ours, {threads} thread{'s' * (threads != '1')}: median, COD, PRD and four more | {each['seconds']:.2f} "
            f"| {oracle['seconds'] / each['seconds']:.0f} | {each['peak_mb']:.0f} | {span(each['cod'], 3)} "
            f"| {span(each['prd'], 5)} | {span(each['median'], 5)} |"
            for threads, each in ours.items()
        ),
        "",
        f"One and two threads give {same}. Compilation, once an installation: {alone['compiling']:.1f} s.",
        "",
        "## Reports, each a job in a process of its own (SQLite)",
        "",
        "| report | seconds | peak MB of the process | of it before the job | file |",
        "|---|---|---|---|---|",
        report_row(f"roll of {csv['headline']['properties']:,} properties, CSV", csv),
        report_row(f"roll of {xlsx['headline']['properties']:,} properties, XLSX", xlsx),
    ]
    if pdf is not None:
        lines.append(report_row(f"study of {pdf['headline']['n']:,} sales, {pdf['pages']} pages, PDF", pdf))
    return lines


def report_row(name: str, found: dict[str, Any]) -> str:
    return (
        f"| {name} | {found['seconds']:.1f} | {found['peak_mb']:.0f} | {found['peak_before_mb']:.0f} "
        f"| {found['file_size_kb'] / 1024:.1f} MB |"
    )


def span(bounds: Any, digits: int) -> str:
    return f"{bounds[0]:.{digits}f} to {bounds[1]:.{digits}f}"


if __name__ == "__main__":
    sys.exit(main())
