"""Market analysis on real sales through the job API: Seattle 2010 to 2016, and King County with its ZIP areas.

Loads the data sets beside the project with bulk_load, runs the analyses with real workers, and writes the charts that
docs/market_analysis.md shows, and the figures, to docs/pictures and bench/results/market_data_sets.md. Neither file has
names or validity codes, so the precision of the screening's reasons is told of the invented demo county, which has.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
SEATTLE = DATA / "seattle_sales" / "seattle_sales_2010_2016_dev.csv.gz"
KING = DATA / "king_county_sales" / "kc_house_sales_dev.csv.gz"
ZCTA = DATA / "seattle_zcta" / "seattle_zcta_32.geojson"
PICTURES = ROOT / "docs" / "pictures"
RESULT = ROOT / "bench" / "results" / "market_data_sets.md"
COUNTIES = ("seattle", "king", "demo")
# The public file as the roll has it. `seattle` is no county of ours: its sales go to a county of that name.
SEATTLE_MAPPING = """
properties:
  property_id: {column: pin}
  parcel_number: {column: pin}
  property_type: {column: use_type, codes: {sfr: single_family, townhouse: single_family}}
  use_code: {column: use_type}
  neighborhood: {column: area}
  lot_sqft: {column: lot_sf, type: integer, minimum: 1, outside: blank}
  living_area_sqft: {column: tot_sf, type: integer, minimum: 1, outside: blank}
  year_built: {column: year_built, type: year}
  effective_year: {column: effective_year, type: year}
  quality: {column: bldg_grade, type: number}
  bedrooms: {column: beds, type: integer, minimum: 0, maximum: 20, outside: blank}
  baths: {column: baths, type: number, minimum: 0, maximum: 20, outside: blank}
  longitude: {column: longitude, type: number}
  latitude: {column: latitude, type: number}
sales:
  sale_id: {column: sale_id}
  sale_date: {column: sale_date, type: date}
  sale_price: {column: sale_price, type: dollars, minimum: 1}
"""


def main() -> int:
    if missing := [path.name for path in (SEATTLE, KING, ZCTA) if not path.exists()]:
        print(f"Skipped: {', '.join(missing)} is not beside the project.")
        return 0
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as var, served(var) as client:
        lines = ["# Market analysis on real sales, through the job API", "", "Repeat: `make bench`.", ""]
        for county, analysis, parameters in REQUESTS:
            job = client.run(
                "market-analysis", {"county_id": county, "analysis_type": analysis, "parameters": parameters}
            )
            lines += told(county, analysis, parameters, job)
            keep_pictures(client, county, analysis, job)
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


# What docs/market_analysis.md shows; the rest goes to a temporary folder to be looked at.
SHOWN = {
    "king_price_trend_by_zip_median_price.svg",
    "seattle_price_index_price_index.svg",
    "seattle_market_activity_seasonality.svg",
    "king_appreciation_surface_appreciation_surface.svg",
}

REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("seattle", "price_index", {}),
    ("seattle", "market_activity", {"period": "month"}),
    ("seattle", "trend_analysis", {}),
    ("seattle", "sales_screening", {}),
    ("demo", "sales_screening", {"include_invalid": True}),
    ("king", "price_trend_by_zip", {"period": "quarter"}),
    ("king", "price_index", {"period": "month"}),
    ("king", "comparable_market_area", {"area_code": "98103"}),
    ("king", "appreciation_surface", {"area_layer": "zcta"}),
]


@contextmanager
def served(var: str) -> Iterator[Any]:
    """The counties loaded into a fresh SQLite, served by the web server and two workers."""
    os.environ |= {"TERRAFUSION_VAR": var, "DJANGO_SETTINGS_MODULE": "terrafusion.settings.development"}
    import django

    django.setup()
    from django.core.management import call_command

    from county_configs.models import County
    from terrafusion.demo.walkthrough import Client

    call_command("migrate", verbosity=0)
    call_command("load_counties")
    seattle = County.objects.get(pk="king")
    seattle.county_id = "seattle"
    seattle.save(force_insert=True)
    mapping = Path(var) / "seattle.yaml"
    mapping.write_text(SEATTLE_MAPPING, encoding="utf-8")
    call_command("bulk_load", "seattle", source=with_years(Path(var)), mapping=mapping)
    call_command("bulk_load", "king", source=KING)
    load_zip_areas()
    call_command("demo_county", "--parcels", "12000", verbosity=0)
    for county in COUNTIES:
        call_command("snapshot_analytics", county)
    password = analyst()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "manage.py", "serve", "--port", str(port)], cwd=ROOT)
    try:
        client = Client(port)
        client.wait_until_ready()
        client.log_in("bench", password)
        yield client
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def with_years(folder: Path) -> Path:
    """The file gives ages at the sale; the roll has years."""
    path = folder / "seattle.csv"
    with gzip.open(SEATTLE, "rt", newline="") as stream, path.open("w", newline="") as out:
        rows = csv.DictReader(stream)
        writer = csv.DictWriter(out, [*(rows.fieldnames or ()), "year_built", "effective_year"])
        writer.writeheader()
        for row in rows:
            sold = int(row["sale_date"][:4])
            years = {"year_built": sold - int(row["age"]), "effective_year": sold - int(row["eff_age"])}
            writer.writerow({**row, **years})
    return path


def analyst() -> str:
    from guardian.shortcuts import assign_perm

    from accounts.models import User
    from county_configs.models import County

    password = secrets.token_urlsafe(12)
    user = User.objects.create_user("bench", password=password)
    for county in County.objects.filter(pk__in=COUNTIES):
        for codename in ("execute_market_analysis", "view_market_analysis_status", "view_market_analysis_results"):
            assign_perm(f"county_configs.{codename}", user, county)
    return password


def load_zip_areas() -> None:
    import shapely

    from terrafusion.roll.models import LayerFeature

    for feature in json.loads(ZCTA.read_text(encoding="utf-8"))["features"]:
        code = feature["properties"]["ZCTA5CE10"]
        geometry = shapely.from_geojson(json.dumps(feature["geometry"]))
        LayerFeature.objects.create(county_id="king", layer="zcta", feature_id=code, name=code, geometry=geometry)


def told(county: str, analysis: str, parameters: dict[str, Any], job: dict[str, Any]) -> list[str]:
    summary = job["result"]["result_summary"]
    lines = [f"## {county}: {analysis} {json.dumps(parameters)}", "", summary["key_finding"], ""]
    if methods := summary.get("methods"):
        lines += ["| method | observations | mean SE % | volatility % | revision % |", "|---|---|---|---|---|"]
        for name, each in methods.items():
            keys = ("observations", "mean_standard_error_percent", "volatility_percent", "revision_percent")
            lines.append(f"| {name} | {' | '.join(str(each.get(key)) for key in keys)} |")
        lines.append("")
    if precision := summary.get("precision_of_reasons"):
        lines += ["| reason | sales flagged | set aside by the county's code | precision % |", "|---|---|---|---|"]
        keys = ("sales_flagged", "set_aside_by_code", "precision_percent")
        lines += [f"| {code} | {' | '.join(str(each[key]) for key in keys)} |" for code, each in precision.items()]
        lines.append("")
    if note := summary.get("precision_note"):
        lines += [f"Precision. {note}", ""]
    return lines


def keep_pictures(client: Any, county: str, analysis: str, job: dict[str, Any]) -> None:
    from http.client import HTTPConnection

    for artifact in job["result"]["artifacts"]:
        if artifact["name"].endswith((".svg", ".png")):
            connection = HTTPConnection("127.0.0.1", client.port, timeout=30)
            connection.request("GET", artifact["location"], headers={"Authorization": f"Bearer {client.token}"})
            content = connection.getresponse().read()
            chart = artifact["name"].split("_", 1)[1]
            name = f"{county}_{analysis}_{chart}"
            folder = PICTURES if name in SHOWN else Path(tempfile.gettempdir()) / "market_pictures"
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    sys.exit(main())
