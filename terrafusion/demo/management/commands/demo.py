"""Invents a county, then runs a job of every kind over the REST API with real workers."""

import os
import secrets
import signal
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from accounts.models import User
from terrafusion.demo.deeds import upload_deeds
from terrafusion.demo.walkthrough import Client, grid
from terrafusion.embedded import FolderInUse, sole_use, start
from terrafusion.errors import TerraFusionError
from terrafusion.roll.models import Property, PropertyType

COUNTY = "demo"
VALUATION_DATE = "2026-01-01"
CURL = (
    "curl -s -H \"Authorization: Bearer $(curl -s -H 'Content-Type: application/json' -d "
    '\'{{"username":"{username}","password":"{password}"}}\' {root}/api/v1/auth/login '
    '| python3 -c \'import json,sys; print(json.load(sys.stdin)["access"])\')" {root}{path}'
)


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--parcels", type=int, default=6000)

    def handle(self, *, parcels: int, **options: Any) -> None:
        try:
            with sole_use(settings.VAR_DIR, "manage.py demo") as lock:
                self._demonstrate(parcels, lock)
        except FolderInUse as error:
            raise CommandError(str(error)) from error

    def _demonstrate(self, parcels: int, lock: int) -> None:
        self._title("1. The roll")
        call_command("migrate", verbosity=0)
        call_command("load_counties", stdout=self.stdout)
        call_command("demo_county", parcels=parcels, stdout=self.stdout)
        self._title("2. People and roles")
        call_command("sync_rbac", COUNTY, stdout=self.stdout)
        password = secrets.token_urlsafe(9)
        _set_password("demo_appraiser", password)
        _set_password("demo_supervisor", password)
        with _served(lock) as client:
            try:
                client.wait_until_ready()
                client.log_in("demo_supervisor", password)
                self._load(client)
                client.log_in("demo_appraiser", password)
                job_path = self._value(client)
                self._study(client)
                self._market(client)
                map_path = self._export(client)
            except TerraFusionError as error:
                raise CommandError(str(error)) from error
        self._farewell(password, job_path, map_path)

    def _load(self, client: Client) -> None:
        self._title("3. A file from the recorder, with one bad row")
        file = upload_deeds(User.objects.get(username="demo_supervisor"))
        result = client.run("ingestion", {"county_id": COUNTY, "source": f"upload:{file.pk}"})["result"]
        ((name, loaded),) = result["datasets"].items()
        sales = loaded["targets"]["sales"]
        self.stdout.write(
            f"  {file.name}: {loaded['read']} rows read, {sales['unchanged']} on the roll already, "
            f"{sales['updated']} changed, {loaded['rejected']} rejected and kept in the admin for correction."
        )
        for finding in result["findings"]:
            self.stdout.write(
                f"  line {finding['line']}, {finding['column']}: {finding['value']!r} {finding['reason']}"
            )
        dollars = result["control_totals"][name]["sales"]["headline"]
        sides = ("source", "loaded", "rejected", "difference")
        totals = ", ".join(f"{side} ${dollars[side]['sale_price']:,}" for side in sides)
        self.stdout.write(f"  Control totals: {totals}")

    def _value(self, client: Client) -> str:
        query = f"county_id={COUNTY}&property_type=single_family&neighborhood={_busiest_neighborhood()}&page_size=1"
        (subject,) = client.call("GET", f"/api/v1/properties?{query}")["results"]
        self._title(f"4. One property: {subject['parcel_number']}, {subject['situs_address']}")
        parameters = {"valuation_date": VALUATION_DATE}
        request = {"county_id": COUNTY, "parameters": parameters}
        job = client.run("valuation", request | {"property_id": subject["property_id"]})
        result = job["result"]
        self.stdout.write("\n".join(grid(result)))
        self.stdout.write(
            f"\n  Market value on {VALUATION_DATE}: ${result['market_value']:,}"
            f" (90 % interval ${result['market_value_low']:,} to ${result['market_value_high']:,};"
            f" confidence {result['confidence']})"
        )
        for reason in [*result["confidence_reasons"], *result["warnings"]]:
            self.stdout.write(f"    {reason}")
        market = result["market"]
        self.stdout.write(
            f"  Market: {market['change_per_year_percent']:+} % in the year before,"
            f" estimated from {market['sales_in_fit']:,} sales of the county."
        )
        self._title(f"5. Its neighborhood, {subject['neighborhood']}")
        whole = client.run("valuation", request | {"scope": {"neighborhood": subject["neighborhood"]}})["result"]
        self.stdout.write(
            f"  {whole['properties_valued']:,} properties valued at ${whole['total_market_value']:,} in all, "
            f"{whole['properties_refused']} refused with a reason; file {whole['artifacts'][0]['name']}"
        )
        return str(job["links"]["results"])

    def _study(self, client: Client) -> None:
        self._title("6. Are the values fair? A ratio study")
        parameters = {"property_class": "residential", "stratify_by": ["neighborhood"]}
        request = {"county_id": COUNTY, "report_type": "sales_ratio_study", "parameters": parameters}
        result = client.run("reporting", request)["result"]
        figures = result["headline"]
        for name in ("median", "cod", "prd", "prb", "mki", "vei"):
            self.stdout.write(f"  {name.upper():<8}{figures[name]:>9.4f}  {figures['verdicts'][name]}")
        self.stdout.write(
            f"  {figures['n']:,} sales; {result['result_metadata']['pages']} pages: {result['result_location']}"
        )

    def _market(self, client: Client) -> None:
        self._title("7. The market: price index")
        request = {"county_id": COUNTY, "analysis_type": "price_index", "parameters": {"period": "quarter"}}
        summary = client.run("market-analysis", request)["result"]["result_summary"]
        self.stdout.write(f"  {summary['key_finding']}")

    def _export(self, client: Client) -> str:
        self._title("8. Parcels and zoning for any GIS")
        request = {"county_id": COUNTY, "export_format": "GeoPackage", "layers": ["parcels", "zoning"]}
        job = client.run("gis-export", request)
        result = job["result"]
        counts = ", ".join(f"{count:,} {layer}" for layer, count in result["record_counts"].items())
        self.stdout.write(f"  {counts}; {result['result_file_size_kb']:,} KB: {result['result_file_location']}")
        return f"/api/v1/gis-export/jobs/{job['job_id']}/map"

    def _farewell(self, password: str, job_path: str, map_path: str) -> None:
        root = "http://localhost:8000"
        curl = CURL.format(username="demo_appraiser", password=password, root=root, path=job_path)
        self._title("Now look around: make run")
        self.stdout.write(
            f"  API page  {root}/api/docs\n  Roll      {root}/api/v1/properties\n  Admin     {root}/admin/"
            f"\n  Map       {root}{map_path}"
            f"\n  Login     demo_supervisor (admin) or demo_appraiser, password {password}\n\n  {curl}\n"
        )

    def _title(self, text: str) -> None:
        self.stdout.write(f"\n== {text}")


def _set_password(username: str, password: str) -> None:
    """Sets the password of a user whom sync_rbac created without one. Every demo has a new one."""
    user = User.objects.get(username=username)
    user.set_password(password)
    user.save()


def _busiest_neighborhood() -> str:
    """The neighborhood with the most sales of houses, where a valuation has many comparables to show."""
    houses = Property.objects.in_county(COUNTY).current().filter(property_type=PropertyType.SINGLE_FAMILY)
    neighborhoods = houses.values("neighborhood").annotate(sold=Count("sales")).order_by("-sold", "neighborhood")
    return str(neighborhoods[0]["neighborhood"])


@contextmanager
def _served(lock: int) -> Iterator[Client]:
    """Web server and workers as `make run` starts them, on a free port. lock: the descriptor of our lock on VAR_DIR."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "serve", "--port", str(port)]
    environment = os.environ | {"TERRAFUSION_FOLDER_LOCK": str(lock)}
    with open(settings.VAR_DIR / "demo.log", "ab") as log:
        process = start(command, stdout=log, stderr=log, env=environment, pass_fds=[lock])
        try:
            yield Client(port)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
