"""Every command and request that README.md and docs/ show works on the demo county, or says what it needs first.

The county is made by `make demo` and served by `make run`, as a newcomer would, on SQLite; the REST API and the
commands are tested on both databases elsewhere.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml

from county_configs.county_file import read_county_file
from tests.processes import until

from .documents import ROOT, all_examples, examples_of
from .examples import MAKES_THE_COUNTY, NEEDS, PLACEHOLDERS, SHOWN_ONLY, WRITTEN_OUT

EXAMPLES = all_examples()
# The suite may itself be run by make, whose variables would change what a make started here does and prints.
WITHOUT_MAKE = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
LEFT_OPEN = re.compile(r"…|\.\.\.|<\w+>|\[--|\{\w+\}")
DEEDS = "deed,property,sold,price,code\nnew-1,100428,2025-06-02,310000,valid\nnew-2,100428,2025-02-30,250000,\n"
OUTLINES = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"geoid": "53005", "name": "Benton"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[-119.9, 45.9], [-118.9, 45.9], [-118.9, 46.8], [-119.9, 46.8], [-119.9, 45.9]]],
            },
        }
    ],
}
ROLL = "ParcelNumber,SitusAddress,YearBuilt,TotalValue,TaxYear\n" + "".join(
    f"{number:08d},{number} Main St,{1950 + number},{100_000 + number},2026\n" for number in range(1, 60)
)


def written_out(example):
    text = WRITTEN_OUT.get(example.text, example.text)
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    return text


def runs(kind):
    return [
        example
        for example in EXAMPLES
        if example.kind in kind and example.text not in NEEDS and example.text not in MAKES_THE_COUNTY
    ]


# --- What is listed ---


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.kind != "block"], ids=str)
def test_an_example_can_be_run_or_is_listed_with_what_it_needs(example):
    if example.text in NEEDS or example.text in MAKES_THE_COUNTY:
        return
    if example.kind == "json":
        assert example.text in WRITTEN_OUT, "part of a request: write it out in full in tests/docs/examples.py"
    assert not LEFT_OPEN.search(written_out(example)), "fill it in, or list what it needs, in tests/docs/examples.py"


def test_an_example_is_found_however_it_is_written(tmp_path):
    page = tmp_path / "new.md"
    page.write_text(
        'Type `manage.py fly` or ask `GET /api/v1/wings`, with `{"far": true}`; `manage.py` alone is a name.\n\n'
        "    make wings   # takes a minute\n"
        "    POST /api/v1/fly/run\n"
        '    {"county_id": "demo",\n'
        '     "far": true}\n\n'
        "```\nwings:\n  two: yes\n```\n"
    )
    assert [(example.line, example.kind, example.text) for example in examples_of(page)] == [
        (1, "command", "manage.py fly"),
        (1, "request", "GET /api/v1/wings"),
        (1, "json", '{"far": true}'),
        (3, "command", "make wings"),
        (4, "request", 'POST /api/v1/fly/run {"county_id": "demo", "far": true}'),
        (9, "block", "wings:\n  two: yes"),
    ]


def test_no_list_names_an_example_that_is_gone():
    shown = {example.text for example in EXAMPLES}
    assert {*WRITTEN_OUT, *NEEDS, *MAKES_THE_COUNTY} <= shown
    assert not [begun for begun in SHOWN_ONLY if not any(text.startswith(begun) for text in shown)]


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.text in NEEDS], ids=str)
def test_what_is_not_run_says_what_it_needs_where_it_is_explained(example):
    documents = [example.document] if example.document.parent.name != "decisions" else [ROOT / "README.md"]
    if example.text.startswith("make"):
        documents.append(ROOT / "README.md")
        command = ["make", "-n", *example.text.split()[1:]]
        subprocess.run(command, cwd=ROOT, env=WITHOUT_MAKE, check=True, capture_output=True)
    assert any(NEEDS[example.text] in " ".join(document.read_text().split()) for document in documents)


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.kind == "block"], ids=str)
def test_a_block_that_is_neither_command_nor_request_is_true(example, tmp_path):
    if words := next((SHOWN_ONLY[each] for each in SHOWN_ONLY if example.text.startswith(each)), None):
        assert words in " ".join(example.document.read_text().split())
    elif example.text.startswith("gis_export:"):
        file = tmp_path / "demo" / "county.yaml"
        file.parent.mkdir()
        file.write_text((ROOT / "county_configs" / "demo" / "county.yaml").read_text() + example.text)
        understood = read_county_file(file).gis_export.model_dump(exclude_unset=True)
        assert understood.keys() == yaml.safe_load(example.text)["gis_export"].keys()
    else:  # the tree of the project
        for line in example.text.splitlines():
            assert (ROOT / line.split()[0]).exists(), line


# --- What is run ---


class DemoCounty:
    """The system as `make demo` and `make run` leave it, in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(ROOT / "county_configs", folder / "county_configs")
        self.environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
            "TERRAFUSION_VAR": str(folder / "var"),
            "TERRAFUSION_COUNTY_CONFIGS": str(folder / "county_configs"),
        }
        (folder / "deeds.csv").write_text(DEEDS)
        (folder / "outlines.geojson").write_text(json.dumps(OUTLINES))
        (folder / "roll.csv").write_text(ROLL)
        self.faults = []

    def made_by(self, target, *options, **variables):
        """The command that `make TARGET` runs last, on this Python."""
        assigned = [f"{name}={value}" for name, value in ({"BIN": Path(sys.executable).parent} | variables).items()]
        recipe = subprocess.run(
            ["make", "-n", "--no-print-directory", target, *assigned],
            cwd=ROOT,
            env=WITHOUT_MAKE,
            capture_output=True,
            text=True,
            check=True,
        )
        return [*shlex.split(recipe.stdout.splitlines()[-1]), *options]

    def demonstrate(self):
        """`make demo`; what it printed."""
        command = self.made_by("demo", "--parcels", "1000")
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def command(self, text):
        """Runs a command in the folder; its fault, or an empty text."""
        program, *arguments = shlex.split(text)
        environment = self.environment
        if program == "gunicorn":
            keys = {"TERRAFUSION_SECRET_KEY": "s" * 50, "TERRAFUSION_JWT_KEY": "j" * 50}
            environment = environment | keys | {"DJANGO_SETTINGS_MODULE": "terrafusion.settings.production"}
            command, cwd = [sys.executable, "-m", "gunicorn", *arguments], ROOT
        else:
            command, cwd = [sys.executable, str(ROOT / "manage.py"), *arguments], self.folder
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if "runworkers" in arguments:  # until it is told to stop
            until(lambda: "Supervising" in process.stdout.readline())
            process.send_signal(signal.SIGTERM)
        told, _ = process.communicate()
        return f"exit code {process.returncode}: {told}" if process.returncode else ""


class Client:
    """Sends what the documents show: method, path and JSON body in one text."""

    def __init__(self, address):
        self.address, self.session = address, requests.Session()

    def send(self, text):
        method, path, body = [*text.split(" ", 2), ""][:3] if not text.startswith("/") else ("GET", text, "")
        return self.session.request(method, self.address + path, json=json.loads(body) if body else None, timeout=120)

    def log_in(self, text):
        self.session.headers["Authorization"] = f"Bearer {self.send(text).json()['access']}"

    def ended(self, job):
        """The job, when it has ended."""
        return until(lambda: (now := self.send(job["links"]["status"]).json())["status"] in ENDED and now, seconds=300)


ENDED = ("COMPLETED", "FAILED", "CANCELLED")


def faults_of_requests(client):
    """Sends all, then waits for the jobs they started."""
    faults, jobs = [], []
    for example in runs(("request", "path", "json")):
        answer = client.send(written_out(example))
        if not answer.ok:
            faults.append(f"{example}: {answer.status_code} {answer.text[:500]}")
        elif answer.status_code == 202:
            jobs.append((example, answer.json()))
    for example, job in jobs:
        ended = client.ended(job)
        if ended["status"] != "COMPLETED":
            faults.append(f"{example}: {ended['status']} {ended['message']}")
        elif not client.send(job["links"]["results"]).ok:
            faults.append(f"{example}: no results")
    assert len(jobs) >= 5
    return faults


def faults_of_commands(county):
    """Runs each once, though several documents show it."""
    commands = {written_out(example): example for example in runs(("command",))}
    told = {example: county.command(text) for text, example in commands.items()}
    assert len(told) >= 10
    return [f"{example}: {fault}" for example, fault in told.items() if fault]


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A county made by `make demo` and served by `make run`, a client that is signed in, and what the demo printed."""
    county = DemoCounty(tmp_path)
    printed = county.demonstrate()
    monkeypatch.setitem(PLACEHOLDERS, "{job_id}", re.search(r"gis-export/jobs/([^/]+)/map", printed)[1])
    monkeypatch.setitem(PLACEHOLDERS, "{password}", re.search(r"password (\S+)", printed)[1])
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = county.made_by("run", PORT=port)
    with (tmp_path / "serve.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=county.environment, stdout=log, stderr=log)
    try:
        client = Client(f"http://localhost:{port}")
        until(lambda: _answers(client))
        client.log_in(WRITTEN_OUT["POST /api/v1/auth/login"].replace("{password}", PLACEHOLDERS["{password}"]))
        parcel = client.send("/api/v1/properties?county_id=demo&page_size=1").json()["results"][0]
        sale = client.send("/api/v1/sales?county_id=demo&page_size=1").json()["results"][0]
        monkeypatch.setitem(PLACEHOLDERS, "{parcel_number}", parcel["parcel_number"])
        monkeypatch.setitem(PLACEHOLDERS, "{property_id}", parcel["property_id"])
        monkeypatch.setitem(PLACEHOLDERS, "{sale_id}", sale["sale_id"])
        yield county, client, printed
    finally:
        process.terminate()
        process.wait()


@pytest.mark.workers
@pytest.mark.timeout(1200)
def test_every_command_and_request_works_on_the_demo_county(served):
    county, client, printed = served

    curl = printed[printed.index("curl -s") :].strip().replace("http://localhost:8000", client.address)
    answer = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, check=True).stdout
    faults = faults_of_requests(client) + faults_of_commands(county)

    assert json.loads(answer)["status"] == "COMPLETED"
    assert not faults, "\n\n".join(faults)
    assert "2025-02-30" in (county.folder / "found.csv").read_text(), "the bad row of deeds.csv"


def _answers(client):
    try:
        return client.send("/healthz/ready").ok
    except requests.ConnectionError:  # not there yet
        return False
