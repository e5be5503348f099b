"""Loading: a million rows of CSV into PostgreSQL beside a bare COPY, and a PACS of 100,000 parcels with ten kills.

Each step runs in a process of its own, so that its time and peak memory are its own. Writes bench/results/ingestion.md.
Run by `make bench`, on a private PostgreSQL; TERRAFUSION_BENCH_ROWS and TERRAFUSION_BENCH_PARCELS make it smaller.
"""

from __future__ import annotations

import csv
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "bench" / "results" / "ingestion.md"
ROWS = int(os.environ.get("TERRAFUSION_BENCH_ROWS", "1000000"))
PARCELS = int(os.environ.get("TERRAFUSION_BENCH_PARCELS", "100000"))
KILLS = 10
MAPPING = """
properties:
  property_id: {column: id}
  parcel_number: {column: parcel}
  situs_address: {column: situs}
  situs_city: {column: city}
  zip_code: {column: zip}
  property_type: {column: kind, codes: {R: single_family, V: vacant_land, C: commercial}}
  property_class: {column: class}
  use_code: {column: use}
  neighborhood: {column: hood}
  tax_code_area: {column: area}
  lot_sqft: {column: lot, type: integer, minimum: 0}
  living_area_sqft: {column: living, type: integer, minimum: 0}
  year_built: {column: built, type: year}
  effective_year: {column: effective, type: year}
  bedrooms: {column: beds, type: integer, minimum: 0}
  baths: {column: baths, type: number, minimum: 0}
  longitude: {column: lon, type: number}
  latitude: {column: lat, type: number}
"""
HEADER = ["id", "parcel", "situs", "city", "zip", "kind", "class", "use", "hood", "area", "lot", "living", "built", "effective", "beds", "baths", "lon", "lat"]  # fmt: skip


def main() -> int:
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        print("Skipped: needs DATABASE_URL of a PostgreSQL; make bench starts one.")
        return 0
    with tempfile.TemporaryDirectory() as var:
        os.environ |= {"TERRAFUSION_VAR": var, "DJANGO_SETTINGS_MODULE": "terrafusion.settings.development"}
        folder = Path(var)
        _write_csv(folder / "roll.csv", ROWS)
        (folder / "mapping.yaml").write_text(MAPPING)
        _step("prepare")
        figures = {name: _told(name) for name in ("copy", "load", "reload", "dead", "rules", "polars")}
        pacs = _pacs(folder)
    lines = _report(figures, pacs)
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


def _told(name: str) -> dict[str, Any]:
    """A step, shown as soon as it is done."""
    figures = _step(name)
    print(name, json.dumps(figures), flush=True)
    return figures


def _write_csv(path: Path, rows: int) -> None:
    chance = random.Random(1)  # noqa: S311 - test data
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for number in range(rows):
            built = 1900 + number % 120
            writer.writerow([
                f"{number:09d}", f"1-{number:09d}", f"{number % 9999} W CLEARWATER AVE", "KENNEWICK", "99336",
                "RRRVC"[number % 5], "R", "11", f"H{number % 300}", f"T{number % 40}", 5000 + chance.randrange(9000),
                900 + chance.randrange(3000), built, built + 3, number % 6, (number % 8) / 2,
                round(-119.5 + chance.random(), 6), round(46 + chance.random(), 6),
            ])  # fmt: skip


def _step(name: str, **environment: str) -> dict[str, Any]:
    """Runs a step in a fresh interpreter and returns what it prints, with its seconds and peak memory."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.ingestion", name], cwd=ROOT, env=os.environ | environment, check=True,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


# --- Steps, each in its own process ---


def _setup(county: str = "king") -> Any:
    import django

    django.setup()
    from county_configs.models import County

    return County.objects.filter(pk=county).first()


def prepare() -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    call_command("load_counties", verbosity=0, stdout=open(os.devnull, "w"))  # noqa: SIM115 - ends with the process
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare (LIKE properties_operational INCLUDING ALL)")
    return {}


def copy() -> dict[str, Any]:
    """The same rows as typed CSV, COPY into a table with the same columns and indexes: nothing checked."""
    _setup()
    import polars as pl
    from django.db import connection

    frame = pl.read_csv(_folder() / "roll.csv", infer_schema=False).rename(
        {"id": "property_id", "parcel": "parcel_number", "situs": "situs_address", "city": "situs_city",
         "zip": "zip_code", "kind": "property_type", "class": "property_class", "use": "use_code",
         "hood": "neighborhood", "area": "tax_code_area", "lot": "lot_sqft", "living": "living_area_sqft",
         "built": "year_built", "effective": "effective_year", "beds": "bedrooms", "lon": "longitude",
         "lat": "latitude"}
    ).with_columns(
        pl.lit("benton").alias("county_id"), pl.col("parcel_number").str.replace("-", "").alias("parcel_number_key"),
        pl.lit("").alias("parent_parcel_number"), pl.lit("").alias("legal_description"), pl.lit("{}").alias("attributes"),
        pl.lit("{}").alias("lineage"), pl.lit("2026-01-01").alias("created_at"), pl.lit("2026-01-01").alias("updated_at"),
    )  # fmt: skip
    text = frame.write_csv(include_header=False).encode()
    names = ", ".join(f'"{name}"' for name in frame.columns)
    started = time.monotonic()
    with connection.cursor() as cursor, cursor.copy(f"COPY bare ({names}) FROM STDIN (FORMAT csv)") as stream:
        stream.write(text)
    return {"seconds": time.monotonic() - started}


def load() -> dict[str, Any]:
    county = _setup()
    from ingestion.pipelines.requests import LoadRequest, run_load

    asked = LoadRequest(county=county, source=str(_folder() / "roll.csv"), mapping=_folder() / "mapping.yaml")
    started = time.monotonic()
    report = run_load(asked).report
    tally = report.sets["main"].targets["properties"]
    return {
        "seconds": time.monotonic() - started, "created": tally.created, "updated": tally.updated,
        "unchanged": tally.unchanged, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip


reload = load


def dead() -> dict[str, Any]:
    _setup()
    from django.db import connection

    time.sleep(2)  # the statistics are gathered a moment later
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT n_dead_tup, n_live_tup FROM pg_stat_user_tables WHERE relname = 'properties_operational'"
        )
        return dict(zip(("dead", "live"), cursor.fetchone(), strict=True))


def rules() -> dict[str, Any]:
    """Conversion and rules of the batches, without reading, writing or the database; processor seconds."""
    _setup()
    from datetime import date

    from ingestion.connectors.files import open_file
    from ingestion.transforms.columns import convert_batch
    from ingestion.transforms.mapper import read_mapping
    from ingestion.transforms.rules import Context, broken_rules, rules_for, schema_for

    _, dataset = read_mapping(_folder() / "mapping.yaml").of_file(None)
    chosen = rules_for(dataset)
    schema = schema_for(chosen, Context(date(2026, 1, 1)))
    seconds = 0.0
    for number, batch in enumerate(open_file(_folder() / "roll.csv").batches()):
        if number == 0:  # pandera loads parts of itself at its first call
            broken_rules(convert_batch(batch.rows.head(10), dataset).values, dataset, chosen, schema)
        started = time.process_time()
        values = convert_batch(batch.rows, dataset).values
        broken_rules(values, dataset, chosen, schema)
        seconds += time.process_time() - started
    return {"seconds": seconds}


def polars() -> dict[str, Any]:
    """The same conversions and rules written by hand as polars expressions, over the same batches; processor seconds."""
    _setup()
    import polars as pl

    from ingestion.connectors.files import open_file

    def text(name: str, longest: int) -> list[pl.Expr]:
        value = pl.col(name).str.strip_chars()
        return [value.alias(name), (value.str.len_chars() <= longest).alias(f"{name} fits")]

    def number(name: str, dtype: Any, low: float, high: float) -> list[pl.Expr]:
        value = pl.col(name).str.strip_chars().cast(dtype, strict=False)
        return [value.alias(name), value.is_between(low, high).alias(f"{name} fits")]

    identifier = r"^[0-9A-Za-z][0-9A-Za-z /_-]*$"
    wanted = [
        each
        for name in ("id", "parcel", "situs", "city", "zip", "class", "use", "hood", "area")
        for each in text(name, 64)
    ]
    wanted += [
        pl.col(name).str.strip_chars().str.contains(identifier).alias(f"{name} good") for name in ("id", "parcel")
    ]
    wanted += [
        pl.col("kind").replace_strict({"R": "single_family", "V": "vacant_land", "C": "commercial"}, default=None)
    ]
    wanted += [
        each
        for name, dtype, low, high in (
            ("lot", pl.Int64, 0, 2**62), ("living", pl.Int64, 0, 2**31), ("built", pl.Int64, 1600, 2100),
            ("effective", pl.Int64, 1600, 2100), ("beds", pl.Int64, 0, 2**15), ("baths", pl.Float64, 0, 1000),
            ("lon", pl.Float64, -180, 180), ("lat", pl.Float64, -90, 90),
        )
        for each in number(name, dtype, low, high)
    ]  # fmt: skip
    checks = [
        (pl.col("built") <= 2027).alias("r1"), (pl.col("effective") >= pl.col("built")).alias("r2"),
        ((pl.col("kind") != "single_family") | (pl.col("living") <= 30_000)).alias("r3"),
        ((pl.col("kind") != "single_family") | (pl.col("beds") <= 15)).alias("r4"),
        ((pl.col("lon") != 0) | (pl.col("lat") != 0)).alias("r5"),
        pl.col("zip").str.contains(r"^(\d{5}(-?\d{4})?)?$").alias("r6"),
        pl.col("situs").str.contains("[\x80-\x9f\ufffd\u00c3\u00c2]").alias("r7"),
    ]  # fmt: skip
    seconds = 0.0
    for batch in open_file(_folder() / "roll.csv").batches():
        started = time.process_time()
        batch.rows.lazy().select(wanted).with_columns(checks).collect()
        seconds += time.process_time() - started
    return {"seconds": seconds}


# --- PACS ---


def _pacs(folder: Path) -> dict[str, Any]:
    """Load, reload, incremental, and ten kills at random moments with a resume after each."""
    os.environ["BENTON_PACS_URL"] = f"sqlite:///{folder / 'pacs.sqlite3'}"
    _step("fill_pacs", BENTON_PACS_URL="")
    first = _step("load_pacs")
    again = _step("load_pacs")
    _step("change_pacs", BENTON_PACS_URL="")
    part = _step("load_pacs", TERRAFUSION_BENCH_SINCE="last")
    whole = _step("load_pacs")
    _step("empty_roll")
    kills = _kill_ten_times(max(4.0, first["seconds"]))
    last = _step("load_pacs", TERRAFUSION_BENCH_RESUME="if-any")
    return {"first": first, "again": again, "part": part, "whole": whole, "kills": kills, "last": last}


def _kill_ten_times(seconds: float) -> int:
    """Starts the load and kills it, each time later than the start-up and earlier than its likely end."""
    chance, kills = random.Random(7), 0  # noqa: S311 - when to kill
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.ingestion", "load_pacs"], cwd=ROOT, stdout=subprocess.DEVNULL,
            env=os.environ | {"TERRAFUSION_BENCH_RESUME": "if-any"}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(3 + chance.random() * min(seconds / 3, 8))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        if process.returncode == 0:
            break
    return kills


def fill_pacs() -> dict[str, Any]:
    _setup()
    from django.db import connections, transaction

    from tests.ingestion.pacs import Pacs

    connections.databases["copy"] = connections.databases["default"] | {
        "ENGINE": "django.db.backends.sqlite3", "NAME": str(_folder() / "pacs.sqlite3"), "OPTIONS": {},
    }  # fmt: skip
    with transaction.atomic(using="copy"):  # else every row is a transaction of its own
        expected = Pacs(PARCELS).write(connections["copy"])
    (_folder() / "expected.json").write_text(json.dumps(expected.__dict__))
    return {}


def change_pacs() -> dict[str, Any]:
    import sqlite3

    with sqlite3.connect(_folder() / "pacs.sqlite3") as connection:
        connection.execute(
            "UPDATE property_val SET hood_cd = '9999', recalc_dt = '2026-09-01 00:00:00' "
            "WHERE prop_val_yr = 2026 AND prop_id % 1000 = 1"
        )
    return {}


def load_pacs() -> dict[str, Any]:
    county = _setup("benton")
    from django.conf import settings

    from ingestion.models import IngestionRun
    from ingestion.pipelines.control.digest import roll_digest
    from ingestion.pipelines.requests import LoadRequest, run_load
    from terrafusion.roll.models import AssessedValue

    open_runs = IngestionRun.objects.filter(status=IngestionRun.Status.STAGING).exists()
    asked = LoadRequest(
        county=county, source="pacs", mapping=settings.COUNTY_CONFIGS_DIR / "benton" / "mappings.yaml",
        since=os.environ.get("TERRAFUSION_BENCH_SINCE"),
        resume=open_runs and "TERRAFUSION_BENCH_RESUME" in os.environ,
    )  # fmt: skip
    started = time.monotonic()
    report = run_load(asked).report
    seconds = time.monotonic() - started
    total = sum(AssessedValue.objects.values_list("market_total", flat=True).iterator())
    tallies = [tally for each in report.sets.values() for tally in each.targets.values()]
    return {
        "seconds": seconds, "digest": roll_digest(county), "market": total, "read": report.read,
        "changed": sum(each.created + each.updated for each in tallies), "resumed": asked.resume,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip


def empty_roll() -> dict[str, Any]:
    _setup()
    from django.db import connection

    from ingestion.models import IngestionRun

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE properties_operational, sales_operational CASCADE")
    IngestionRun.objects.all().delete()
    return {}


def _folder() -> Path:
    return Path(os.environ["TERRAFUSION_VAR"])


def _report(figures: dict[str, dict[str, Any]], pacs: dict[str, Any]) -> list[str]:
    from bench import legacy_rows  # not at the top: a step's peak memory is its own

    bare, ours, again = figures["copy"], figures["load"], figures["reload"]
    same = pacs["last"]["digest"] == pacs["whole"]["digest"]
    return [
        "# Loading",
        "",
        f"`make bench`, {time.strftime('%Y-%m-%d')}, 2 shared cores, load average {os.getloadavg()[1]:.1f} while it ran.",
        "",
        f"## {ROWS:,} rows of CSV into properties_operational on PostgreSQL + PostGIS",
        "",
        "| step | seconds | beside its yardstick | goal |",
        "|---|---:|---:|---:|",
        f"| bare COPY, same columns and indexes, nothing checked | {bare['seconds']:.1f} | 1.00 | |",
        f"| bulk_load: staged, validated, reconciled, merged | {ours['seconds']:.1f} | "
        f"{ours['seconds'] / bare['seconds']:.2f} | 2 |",
        f"| bulk_load again, {again['unchanged']:,} unchanged, {again['updated']:,} updated | {again['seconds']:.1f} | "
        f"{again['seconds'] / bare['seconds']:.2f} | |",
        f"| conversion and rules by hand-written polars, processor seconds | {figures['polars']['seconds']:.2f} | 1.00 | |",
        f"| conversion and rules of bulk_load, processor seconds | {figures['rules']['seconds']:.2f} | "
        f"{figures['rules']['seconds'] / figures['polars']['seconds']:.2f} | 1.5 |",
        "",
        f"Peak memory {ours['megabytes']} MB (goal 500). Dead tuples after the reload: {figures['dead']['dead']:,} of "
        f"{figures['dead']['live']:,} (goal 0).",
        "",
        f"## A generated PACS of {PARCELS:,} parcels (SQLite) into PostgreSQL",
        "",
        f"- Load: {pacs['first']['seconds']:.0f} s, {pacs['first']['read']:,} rows, peak {pacs['first']['megabytes']} MB.",
        f"- Again: {pacs['again']['changed']} records changed, digest "
        f"{'the same' if pacs['again']['digest'] == pacs['first']['digest'] else 'DIFFERENT'}.",
        f"- Incremental after {PARCELS // 1000:,} changed parcels: {pacs['part']['seconds']:.0f} s, "
        f"{pacs['part']['changed']} records changed; a whole load afterwards changed {pacs['whole']['changed']}.",
        f"- From an empty roll with {pacs['kills']} SIGKILLs and as many resumes: final digest "
        f"{'that of the unbroken load' if same else 'DIFFERENT'}.",
        *legacy_rows.report(legacy_rows.measured()),
    ]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(globals()[sys.argv[1]]()))
        raise SystemExit(0)
    raise SystemExit(main())
