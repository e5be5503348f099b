"""What an integrator does: generate a client from the OpenAPI document, and work with its types alone."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from uuid import UUID

import pytest

from terrafusion.jobs.workers.runner import run_next_job
from tests.factories import PASSWORD
from tests.openapi import the_document

PACKAGE = "generated_terrafusion_client"
# The model of the example request of each kind, and of its result.
MODELS = {
    "valuation": ("ValuationRequest", "PropertyValuation"),
    "reporting": ("SalesRatioStudyRequest", "ReportResult"),
    "market_analysis": ("PriceTrendByZipRequest", "PriceTrendResult"),
    "gis_export": ("GisExportRequest", "GisExportResult"),
    "ingestion": ("IngestionRequest", "IngestionResult"),
}


@pytest.fixture(scope="session")
def generation(tmp_path_factory):
    """What the generator said, and the client it made, ready to be imported."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_text(json.dumps(the_document()))
    (folder / "config.yaml").write_text("post_hooks: []\n")  # nobody reads it, so nothing tidies it
    options = ["--path", "openapi.json", "--meta", "none", "--config", "config.yaml", "--output-path", PACKAGE]
    generator = str(Path(sys.executable).with_name("openapi-python-client"))
    told = subprocess.run([generator, "generate", *options], cwd=folder, capture_output=True, text=True, check=False)
    sys.path.insert(0, str(folder))
    yield told
    sys.path.remove(str(folder))


@pytest.fixture
def models(generation):
    return import_module(f"{PACKAGE}.models")


@pytest.fixture
def call(generation, live_server, clerk, models):
    """Calls an operation as the signed-in clerk: call("valuation", "valuation_run", body=...)."""
    client = import_module(f"{PACKAGE}.client")
    login = import_module(f"{PACKAGE}.api.auth.login")
    anonymous = client.Client(base_url=live_server.url)
    tokens = login.sync(client=anonymous, body=models.Login(username="clerk", password=PASSWORD))
    assert isinstance(tokens, models.LoginAnswer), tokens
    signed_in = client.AuthenticatedClient(base_url=live_server.url, token=tokens.access, timeout=60)

    def operation(tag, name, *path, **options):
        return import_module(f"{PACKAGE}.api.{tag}.{name}").sync_detailed(*path, client=signed_in, **options)

    return operation


def _plain(content):
    """UTC is written in two ways."""
    return json.loads(json.dumps(content).replace("+00:00", "Z"))


def test_the_generator_has_nothing_to_skip_and_nothing_to_warn_of(generation):
    assert generation.returncode == 0, generation.stdout + generation.stderr
    assert "warning" not in (generation.stdout + generation.stderr).lower(), generation.stdout + generation.stderr


@pytest.mark.django_db(transaction=True)
def test_a_generated_client_runs_a_job_and_reads_its_result_by_type(call, models, kind, body):
    request, result = (getattr(models, name) for name in MODELS[kind.name])
    job_model = getattr(models, kind.model.__name__)

    def of_kind(name, *path, **options):
        return call(kind.name, f"{kind.name}_{name}", *path, **options)

    accepted = of_kind("run", body=request.from_dict(body))
    assert accepted.status_code == 202, accepted.content
    assert isinstance(accepted.parsed, job_model)
    key = getattr(accepted.parsed, kind.identifier)
    assert isinstance(key, UUID)
    assert of_kind("status", key).parsed.status is models.JobStatus.PENDING
    assert of_kind("results", key).parsed.result is None

    run_next_job()

    finished = of_kind("status", key).parsed
    assert finished.status is models.JobStatus.COMPLETED, finished.message
    found = of_kind("results", key).parsed.result
    assert isinstance(found, result)
    assert _plain(found.to_dict()) == _plain(json.loads(of_kind("results", key).content)["result"])
    assert [each.to_dict() for each in of_kind("jobs", county_id="benton").parsed.results] == [finished.to_dict()]
    assert all(isinstance(line, models.JobLogLine) for line in of_kind("log", key).parsed)
    for artifact in getattr(found, "artifacts", None) or ():
        assert len(of_kind("artifact", key, artifact.name).parsed.payload.read()) == artifact.size_bytes

    again = of_kind("retry", key)
    assert (again.status_code, again.parsed.retry_of) == (202, key)
    cancelled = of_kind("cancel", getattr(again.parsed, kind.identifier))
    assert (cancelled.status_code, cancelled.parsed.status) == (202, models.JobStatus.CANCELLED)
    checked = of_kind("run", body=request.from_dict(body), validate_only=True)
    assert (checked.status_code, checked.parsed.valid) == (200, True)


@pytest.mark.django_db(transaction=True)
def test_a_generated_client_reads_a_refusal_by_type(call, models, kind, body):
    request = getattr(models, MODELS[kind.name][0])

    refused = call(kind.name, f"{kind.name}_run", body=request.from_dict(body | {"county_id": "atlantis"}))

    assert refused.status_code == 400
    assert isinstance(refused.parsed, models.Problem)
    assert refused.parsed.errors[0].field == "county_id"
    assert "Unknown county 'atlantis'" in refused.parsed.detail


@pytest.mark.django_db(transaction=True)
def test_a_generated_client_reads_the_roll_by_type(call, models, clerk, county):
    from guardian.shortcuts import assign_perm

    from tests.valuation.roll import a_market

    a_market(county, sales=3)
    assign_perm("county_configs.view_county", clerk, county)

    sales = call("sales", "sales_list", county_id="benton", page_size=2).parsed
    properties = call("properties", "properties_list", county_id="benton").parsed

    assert isinstance(sales, models.PaginatedSaleList)
    assert len(sales.results) == 2
    assert sales.next_
    assert sales.results[0].grantor is None
    assert {type(result) for result in properties.results} == {models.Property}
