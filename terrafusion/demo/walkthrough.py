"""The calls an integrator would make: over HTTP, with a token."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection, HTTPException
from typing import Any

from terrafusion.errors import TerraFusionError

JOB_SECONDS = 600  # a busy machine may be ten times slower than an idle one


class Client:
    """A few calls of the REST API."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.token = ""

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The JSON answer. Raises TerraFusionError with the server's own sentence."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = json.loads(answer.read() or b"{}")
        connection.close()
        if answer.status >= 400:
            raise TerraFusionError(f"{method} {path}: {answer.status} {content.get('detail')}")
        return content

    def wait_until_ready(self, seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.call("GET", "/healthz/ready")
                return
            except (OSError, HTTPException, ValueError) as error:
                if time.monotonic() > deadline:
                    raise TerraFusionError(f"The web server did not start within {seconds:.0f} s.") from error
                time.sleep(0.2)

    def log_in(self, username: str, password: str) -> None:
        answer = self.call("POST", "/api/v1/auth/login", {"username": username, "password": password})
        self.token = answer["access"]

    def run(self, plugin: str, request: dict[str, Any]) -> dict[str, Any]:
        """Submits a job, polls its status, and returns it with its result."""
        job = self.call("POST", f"/api/v1/{plugin}/run", request)
        deadline = time.monotonic() + JOB_SECONDS
        while job["status"] in ("PENDING", "RUNNING"):
            if time.monotonic() > deadline:
                raise TerraFusionError(f"The job is still {job['status']} after {JOB_SECONDS} s: {job['message']}")
            time.sleep(0.5)
            job = self.call("GET", job["links"]["status"])
        if job["status"] != "COMPLETED":
            raise TerraFusionError(f"The job ended {job['status']}: {job['message']}")
        return self.call("GET", job["links"]["results"])


def grid(result: dict[str, Any]) -> list[str]:
    """The comparable grid as an appraiser reads it, with a column for each comparable that adds up downwards."""
    comparables = result["comparables"]
    names = [line["name"] for line in comparables[0]["adjustments"]]
    rows = [
        ("parcel sold", [comparable["property_id"] for comparable in comparables]),
        ("sale date", [comparable["sale_date"] for comparable in comparables]),
        (
            "miles away",
            [
                "" if comparable["distance_miles"] is None else str(comparable["distance_miles"])
                for comparable in comparables
            ],
        ),
        ("sale price", [f"{comparable['sale_price']:,}" for comparable in comparables]),
    ]
    for name in names:
        amounts = [_line(comparable, name) for comparable in comparables]
        if any(amounts):
            rows.append((f"  {name}", [f"{amount:+,}" if amount else "" for amount in amounts]))
    rows += [
        ("adjusted price", [f"{comparable['adjusted_sale_price']:,}" for comparable in comparables]),
        (
            "net / gross %",
            [f"{comparable['net_percent']} / {comparable['gross_percent']}" for comparable in comparables],
        ),
        ("weight", [comparable["weight"] for comparable in comparables]),
    ]
    return [f"  {label:<20}" + "".join(f"{cell:>16}" for cell in cells) for label, cells in rows]


def _line(comparable: dict[str, Any], name: str) -> int:
    return next((line["amount"] for line in comparable["adjustments"] if line["name"] == name), 0)
