"""GIS exports beside ogr2ogr on the same rows, and what they cost on SQLite.

With DATABASE_URL (PostGIS): 1,000,000 synthetic parcels, each format by ours and by ogr2ogr in turns, median wall time
and peak memory of both processes (neither counts the database server). Without: 100,000 parcels on SQLite, each format.
Both: area queries and district look-ups. Writes its section of bench/results/gis_export.md.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "bench" / "results" / "gis_export.md"
ON_POSTGIS = "DATABASE_URL" in os.environ
PARCELS = int(os.environ.get("BENCH_PARCELS", 1_000_000 if ON_POSTGIS else 100_000))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 5))
WEST, SOUTH, WIDTH, HEIGHT = -119.8, 45.9, 0.0004, 0.0003
QUERIES = 60

# Our format, GDAL's name, its options, and the goal as a share of its wall time.
PEERS = {
    "GeoPackage": ("GPKG", ["-nlt", "MULTIPOLYGON"], 0.5),
    "GeoPackage, clipped": ("GPKG", ["-nlt", "MULTIPOLYGON"], 0.4),
    "GeoJSON": ("GeoJSON", ["-lco", "RFC7946=YES", "-lco", "COORDINATE_PRECISION=7"], 0.3),
    "FlatGeobuf": ("FlatGeobuf", ["-nlt", "MULTIPOLYGON"], 1.0),
}
FORMATS_MEASURED = os.environ.get("BENCH_FORMATS", ";".join(PEERS)).split(";")
MEMORY_GOAL_MB = 300


def main() -> int:
    if sys.argv[1:2] == ["one"]:
        print(json.dumps(export_once(sys.argv[2], Path(sys.argv[3]))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        _set_up(folder)
        load_parcels()
        lines = postgis_section(Path(folder)) if ON_POSTGIS else sqlite_section(Path(folder))
        lines += [*areas_section(), *lookups_section()]
    write_section("PostgreSQL + PostGIS" if ON_POSTGIS else "SQLite", lines)
    return 0


def _set_up(folder: str) -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "terrafusion.settings.test", "TERRAFUSION_TEST_FOLDER": folder}
    if not ON_POSTGIS:
        os.environ["TERRAFUSION_TEST_DATABASE"] = f"{folder}/bench.sqlite3"
    _django()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _django() -> None:
    import django

    django.setup()


# --- A county: parcels of 5 to 12 vertices that share their corners ---


BLOCK = min(PARCELS, 100_000)  # made in Python; the database copies it northwards for the rest
COPIES = PARCELS // BLOCK


def columns_across() -> int:
    return int(BLOCK**0.5) + 1


def degrees_high() -> float:
    return COPIES * columns_across() * HEIGHT


def load_parcels() -> None:
    """As many parcels as asked for, in the roll's own table."""
    from terrafusion.roll.models import LayerFeature, Property
    from tests.factories import a_county

    started, county = time.monotonic(), a_county("benton")
    pick, across = random.Random(7), columns_across()  # noqa: S311 - a seeded county
    for first in range(0, BLOCK, 20_000):
        rows = [_parcel(county, number, across, pick) for number in range(first, min(first + 20_000, BLOCK))]
        Property.objects.bulk_create(rows, batch_size=2_000)
    for copy in range(1, COPIES):
        _copy_northwards(copy)
    import shapely

    east, north = WEST + across * WIDTH, SOUTH + degrees_high()
    for layer, pieces in (("zoning", 20), ("school", 5), ("fire", 4), ("zip_areas", 6), ("county_boundary", 1)):
        wide, high = (east - WEST) / pieces, (north - SOUTH) / pieces
        LayerFeature.objects.bulk_create(
            LayerFeature(
                county=county,
                layer=layer,
                feature_id=f"{x}-{y}",
                geometry=shapely.box(WEST + x * wide, SOUTH + y * high, WEST + (x + 1) * wide, SOUTH + (y + 1) * high),
            )
            for x in range(pieces)
            for y in range(pieces)
        )
    if ON_POSTGIS:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    print(f"{PARCELS:,} parcels loaded in {time.monotonic() - started:.0f} s.", flush=True)


def _copy_northwards(copy: int) -> None:
    """PostGIS only: the block again, further north, under other keys."""
    from django.db import connection

    from terrafusion.roll.models import Property

    moved = copy * columns_across() * HEIGHT
    changed = {
        "property_id": f"(property_id::int + {copy * BLOCK})::text",
        "parcel_number": f"lpad((property_id::int + {copy * BLOCK})::text, 7, '0')",
        "parcel_number_key": f"lpad((property_id::int + {copy * BLOCK})::text, 7, '0')",
        "geometry": f"ST_Translate(geometry, 0, {moved})",
        "south": f"south + {moved}",
        "north": f"north + {moved}",
    }
    names = [field.column for field in Property._meta.concrete_fields if not field.primary_key]
    values = ", ".join(changed.get(name, f'"{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO properties_operational ({columns}) SELECT {values} FROM properties_operational"
            f" WHERE property_id::int < {BLOCK} ORDER BY id"
        )


def _parcel(county: Any, number: int, across: int, pick: random.Random) -> Any:
    import shapely

    from terrafusion.roll.models import Property

    west, south = WEST + number % across * WIDTH, SOUTH + number // across * HEIGHT
    between = [(west + WIDTH * each / 9, south) for each in range(1, 1 + number % 8)]  # along the street
    ring = [(west, south), *between, (west + WIDTH, south), (west + WIDTH, south + HEIGHT), (west, south + HEIGHT)]
    return Property(
        county=county,
        property_id=str(number),
        parcel_number=f"{number:07d}",
        parcel_number_key=f"{number:07d}",
        situs_address=f"{number % 9000 + 100} Orchard Way",
        situs_city="Prosser",
        zip_code="99350",
        property_type="single_family",
        neighborhood=str(1000 + number % 90),
        tax_code_area="1210",
        lot_sqft=pick.randrange(5_000, 20_000),
        living_area_sqft=pick.randrange(900, 4_000),
        year_built=pick.randrange(1900, 2025),
        quality=pick.randrange(1, 8) / 1,
        geometry=shapely.Polygon(ring),
    )


def area_of(share: float) -> Any:
    """An octagon around the middle that covers about this share of the county."""
    import shapely

    wide, high = columns_across() * WIDTH, degrees_high()
    scale = (share / 2.83) ** 0.5  # of an octagon with radius 1 in a square with side 1
    octagon = shapely.Point(0, 0).buffer(scale, quad_segs=2)
    return shapely.transform(octagon, lambda points: points * (wide, high) + (WEST + wide / 2, SOUTH + high / 2))


# --- Ours, once, in a process of its own, as a worker would ---


def export_once(name: str, path: Path) -> dict[str, float]:
    """Seconds of the export and its features. Start of Python and Django is not counted: a worker has it behind it."""
    _django()
    from county_configs.models import County
    from gis_export.areas.coordinate_systems import STORAGE, coordinate_system
    from gis_export.formats.registry import FORMATS
    from gis_export.layers.catalogue import make_layer
    from gis_export.layers.layer import LayerRequest
    from gis_export.reading.selection import Selection
    from gis_export.reading.source import LayerSource

    file_format = FORMATS[name.split(",")[0]]
    area = area_of(0.7) if "clipped" in name else None
    system = coordinate_system("EPSG:2927" if "feet" in name else STORAGE)
    started = time.monotonic()
    layer = make_layer("parcels", LayerRequest(County.objects.get(pk="benton")))
    source = LayerSource(layer, Selection(area, area, system, file_format.multi))
    file_format.write(path, [source], "2026-01-01T00:00:00Z")
    return {"seconds": time.monotonic() - started, "features": source.features}


# A process inherits the highest memory of the one that started it, so a small one starts what is measured.
LAUNCHER = """
import json, os, sys, time
started = time.monotonic()
process = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ,
    file_actions=[(os.POSIX_SPAWN_OPEN, 1, sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)])
_, status, usage = os.wait4(process, 0)
print(json.dumps([time.monotonic() - started, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)]))
"""


def measured(command: list[str]) -> tuple[float, float, str]:
    """Wall seconds, peak MB of the process, and what it printed."""
    with tempfile.NamedTemporaryFile("r") as said:
        launched = [sys.executable, "-S", "-E", "-c", LAUNCHER, said.name, *command]
        answer = subprocess.run(launched, cwd=ROOT, capture_output=True, text=True, check=True)
        seconds, memory, code = json.loads(answer.stdout)
        if code:
            raise RuntimeError(f"{' '.join(command[:4])} ended with {code}: {answer.stderr[-500:]}")
        return seconds, memory, said.read()


def ours(name: str, folder: Path) -> tuple[float, float, int, float]:
    """Seconds, MB, features, and MB written."""
    path = folder / ("ours.gdb" if name.startswith("FileGDB") else "ours.bin")
    _remove(path)
    _, memory, said = measured([sys.executable, "-m", "bench.gis_export", "one", name, str(path)])
    told = json.loads(said)
    size = sum(each.stat().st_size for each in ([path] if path.is_file() else path.rglob("*"))) / 1e6
    return told["seconds"], memory, told["features"], size


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def ogr2ogr(name: str, folder: Path) -> tuple[float, float, int]:
    """The same rows and columns by GDAL's own program."""
    from county_configs.models import County
    from gis_export.layers.catalogue import make_layer
    from gis_export.layers.layer import LayerRequest
    from gis_export.reading.features import database_address, literal
    from gis_export.reading.selection import Selection
    from gis_export.reading.statements import select_columns

    driver, options, _ = PEERS[name]
    layer = make_layer("parcels", LayerRequest(County.objects.get(pk="benton")))
    area = area_of(0.7) if "clipped" in name else None
    rows = literal(select_columns(layer, Selection(touching=area)))
    sql = re.sub(r"ST_AsBinary\(x\.shape\) AS geometry", "x.shape AS geometry", rows)
    sql = re.sub(r"ST_CollectionExtract\(ST_Force2D\(p\.geometry\), 3\)", "p.geometry", sql)
    path = folder / f"peer.{driver.lower()}"
    _remove(path)
    clip = ["-clipsrc", area.wkt] if area is not None else []
    command = ["ogr2ogr", "-f", driver, str(path), f"PG:{database_address()}", "-sql", sql, "-nln", "parcels"]
    seconds, memory, _ = measured([*command, *options, *clip])
    import pyogrio

    return seconds, memory, int(pyogrio.read_info(path, force_feature_count=True)["features"])


def postgis_section(folder: Path) -> list[str]:
    has_peer = shutil.which("ogr2ogr") is not None
    lines = [
        f"{PARCELS:,} parcels of 5 to 12 vertices, {ROUNDS} rounds in turns, medians. Both read the same query of the"
        " layer `parcels`, 28 columns; longitude and latitude unless it says feet. Clipped: an octagon over 70 %.",
        "",
        "| format | ours: seconds | MB of memory | ogr2ogr: seconds | MB of memory | ratio | goal |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in FORMATS_MEASURED:
        goal = PEERS[name][2]
        mine, theirs = [], []
        for _ in range(ROUNDS):
            mine.append(ours(name, folder))
            if has_peer:
                theirs.append(ogr2ogr(name, folder))
        seconds, memory = (median(each[place] for each in mine) for place in (0, 1))
        row = f"| {name} | {seconds:.1f} | {memory:.0f} "
        if theirs:
            if theirs[0][2] != mine[0][2]:
                raise ValueError(f"{name}: {theirs[0][2]} features by ogr2ogr, {mine[0][2]} by ours.")
            peer, peer_memory = (median(their[place] for their in theirs) for place in (0, 1))
            row += f"| {peer:.1f} | {peer_memory:.0f} | {seconds / peer:.2f} | {goal} |"
        else:
            row += f"| not installed | | | {goal} |"
        lines.append(row)
        print(row, flush=True)
    for name in ("GeoPackage, feet", "GeoParquet", "Shapefile"):
        runs = [ours(name, folder) for _ in range(min(ROUNDS, 3))]
        lines.append(f"| {name} | {median(r[0] for r in runs):.1f} | {median(r[1] for r in runs):.0f} | | | | |")
        print(lines[-1], flush=True)
    return [
        *lines,
        "",
        f"Goal for memory: {MEMORY_GOAL_MB} MB; FlatGeobuf's index, kept in memory by both, excepted.",
        "",
    ]


def sqlite_section(folder: Path) -> list[str]:
    from gis_export.formats.registry import FORMATS

    lines = [
        f"{PARCELS:,} parcels, the layer `parcels` with 28 columns, in the county's own projection where the format has"
        f" one; median of {ROUNDS}. Goal: each under 15 s.",
        "",
        "| format | seconds | MB of memory | MB written |",
        "|---|---|---|---|",
    ]
    for name, file_format in FORMATS.items():
        runs = [ours(name if file_format.degrees_only else f"{name}, feet", folder) for _ in range(ROUNDS)]
        seconds, memory = (median(run[place] for run in runs) for place in (0, 1))
        lines.append(f"| {name} | {seconds:.1f} | {memory:.0f} | {runs[0][3]:.1f} |")
        print(lines[-1], flush=True)
    return [*lines, ""]


# --- Questions ---


def areas_section() -> list[str]:
    """Reading about 1,000 features by their area, out of all."""
    from county_configs.models import County
    from gis_export.layers.catalogue import make_layer
    from gis_export.layers.layer import LayerRequest
    from gis_export.reading.features import read_features
    from gis_export.reading.selection import Selection

    layer = make_layer("parcels_basic", LayerRequest(County.objects.get(pk="benton")))
    area = area_of(1_000 / PARCELS)
    found = 0

    def ask() -> None:
        nonlocal found
        found = sum(batch.num_rows for batch in read_features(layer, Selection(touching=area)))

    taken = _milliseconds(ask, QUERIES // 3)
    goal = "150 ms" if ON_POSTGIS else "1 s, of 100,000"
    return [f"Area query: {found:,} of {PARCELS:,} parcels in {median(taken):.0f} ms (median; goal {goal}).", ""]


def lookups_section() -> list[str]:
    from county_configs.models import County
    from tests.factories import a_user, client_of

    county = County.objects.get(pk="benton")
    client = client_of(a_user("clerk", county, role="viewer"))
    pick, across = random.Random(3), columns_across()  # noqa: S311 - seeded places

    def ask() -> None:
        x, y = WEST + pick.random() * across * WIDTH, SOUTH + pick.random() * degrees_high() * 0.99
        answer = client.get("/api/v1/counties/benton/lookup", {"lon": x, "lat": y})
        if len(answer.json()["districts"]) < 5:
            raise ValueError(answer.content)

    taken = sorted(_milliseconds(ask, QUERIES))
    worst = taken[int(len(taken) * 0.95)]
    return [f"District look-up at a point: {median(taken):.0f} ms, p95 {worst:.0f} ms (goal 100 ms).", ""]


def _milliseconds(ask: Callable[[], None], times: int) -> list[float]:
    ask()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        ask()
        taken.append(1000 * (time.perf_counter() - started))
    return taken


def write_section(title: str, lines: list[str]) -> None:
    """Replaces the database's own section of the page and leaves the other."""
    head = f"# GIS export\n\n{os.cpu_count()} cores. Repeat: `make bench`. A worker's start is not counted.\n"
    sections = {}
    if PAGE.exists():
        for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
            name, _, text = part.partition("\n")
            sections[name] = text.strip()
    sections[title] = "\n".join(lines).strip()
    PAGE.write_text(head + "".join(f"\n## {name}\n\n{text}\n" for name, text in sorted(sections.items())), "utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())
