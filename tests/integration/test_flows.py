"""What every client does, over HTTP with real workers: POST run, poll status, GET results, download."""

import hashlib
from datetime import datetime
from urllib.parse import unquote

import pytest
import requests

from tests.factories import PASSWORD
from tests.processes import until

from .conftest import HOSTILE_KEY, METRICS_TOKEN, PREFIXES

RESULTS = {
    "valuation": {"market_value", "market_value_low", "market_value_high", "confidence", "comparables"},
    "reporting": {"result_location", "result_metadata"},
    "market_analysis": {"result_summary", "trends", "result_data_location"},
    "gis_export": {"result_file_location", "result_file_size_kb", "result_record_count"},
    "ingestion": {"control_totals"},
}
LOCATION = {
    "reporting": "result_location",
    "market_analysis": "result_data_location",
    "gis_export": "result_file_location",
}
COMPLETED = {
    "valuation": "Valuation completed successfully.",
    "reporting": "sales_ratio_study completed successfully.",
    "market_analysis": "price_trend_by_zip completed successfully.",
    "gis_export": "GIS export (GeoJSON) completed successfully.",
    "ingestion": "Ingestion completed successfully.",
}
DRILLS = {
    "valuation": ("property_id", "FAILING_VALUATION_SIM", "Simulated valuation failure."),
    "reporting": ("report_type", "FAILING_REPORT_SIM", "Simulated report generation failure."),
    "market_analysis": ("analysis_type", "FAILING_ANALYSIS_SIM", "Simulated market analysis failure."),
    "gis_export": ("export_format", "FAIL_FORMAT_SIM", "Simulated GIS export failure due to format."),
}


@pytest.fixture(scope="package")
def accepted(system, clerk):
    """One job of every kind through each prefix, posted at once so that the workers are kept busy."""
    return {
        (kind.name, prefix): clerk.post(f"{prefix}/{kind.path}/run", json=kind.request)
        for prefix in PREFIXES
        for kind in system.kinds.values()
    }


def test_a_job_runs_from_request_to_download(clerk, accepted, kind, prefix, root, ended):
    answer = accepted[kind.name, prefix]
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["status"], job["progress"], job["county_id"]) == ("PENDING", 0, "benton")
    assert job["message"].endswith("accepted and queued.")
    assert answer.headers["Location"].endswith(f"/status/{job[kind.identifier]}")

    done = ended(job[kind.identifier])

    assert (done["status"], done["progress"], done["message"]) == ("COMPLETED", 100, COMPLETED[kind.name])
    moments = [datetime.fromisoformat(done[name]) for name in ("created_at", "started_at", "completed_at")]
    assert moments == sorted(moments)
    finished = clerk.get(f"{root}/results/{job[kind.identifier]}").json()
    result = finished.pop("result")
    assert finished == done
    assert set(result) >= RESULTS[kind.name]
    _check_files(clerk, kind, result)


def _check_files(clerk, kind, result):
    contents = {file["location"]: clerk.get(file["location"]).content for file in result.get("artifacts", ())}
    for file in result.get("artifacts", ()):
        assert hashlib.sha256(contents[file["location"]]).hexdigest() == file["sha256"]
    if kind.name in LOCATION:
        content = contents[result[LOCATION[kind.name]]]
        sizes = {"gis_export": result.get("result_file_size_kb")}
        sizes["reporting"] = result.get("result_metadata", {}).get("file_size_kb")
        if kind.name in sizes:
            assert sizes[kind.name] == -(-len(content) // 1024)
        assert content


def test_an_export_echoes_area_and_layers_in_its_parameters(system, accepted):
    request = system.kinds["gis_export"].request
    parameters = accepted["gis_export", "/api/v1"].json()["parameters"]

    assert (parameters["area_of_interest"], parameters["layers"]) == (request["area_of_interest"], request["layers"])


@pytest.mark.parametrize("kind", sorted(DRILLS), indirect=True)
@pytest.mark.parametrize("prefix", ["/api/v1"], indirect=True)
def test_a_drill_fails_as_it_says(clerk, kind, root, ended):
    field, value, sentence = DRILLS[kind.name]
    answer = clerk.post(f"{root}/run", json=kind.request | {field: value})
    assert answer.status_code == 202, answer.text
    job_id = answer.json()[kind.identifier]

    failed = ended(job_id)

    assert (failed["status"], failed["message"]) == ("FAILED", sentence)
    assert failed["failure_reason"].startswith("simulated_")
    assert clerk.get(f"{root}/results/{job_id}").json()["result"] is None


def test_what_ran_is_in_the_metrics(system, accepted, clerk):
    for (name, prefix), answer in accepted.items():
        identifier = system.kinds[name].identifier
        path = f"{prefix}/{system.kinds[name].path}/status/{answer.json()[identifier]}"
        until(lambda path=path: clerk.get(path).json()["status"] not in ("PENDING", "RUNNING"), seconds=90)
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}

    text = requests.get(f"{system.address}/metrics", headers=headers, timeout=10).text

    assert 'valuation_jobs_completed_total{county_id="benton"} 2.0' in text
    assert 'report_jobs_completed_total{county_id="benton",report_type="sales_ratio_study"} 2.0' in text
    assert 'gis_export_processing_duration_seconds_count{county_id="benton",export_format="GeoJSON"} 2.0' in text


def test_a_token_is_given_at_both_login_addresses_and_not_for_a_wrong_password(system):
    for path in ("/auth/login", "/api/v1/auth/login"):
        body = {"username": "clerk", "password": PASSWORD}
        given = requests.post(system.address + path, json=body, timeout=10)
        refused = requests.post(system.address + path, json=body | {"password": "guess"}, timeout=10)
        assert given.json()["token_type"].lower() == "bearer"
        assert refused.status_code == 401


def test_a_property_with_a_hostile_key_is_read_by_its_link(clerk):
    (row,) = clerk.get("/api/v1/properties", params={"county_id": "benton", "property_id": HOSTILE_KEY}).json()[
        "results"
    ]

    found = clerk.get(row["links"]["self"])

    assert (found.status_code, found.json()["property_id"]) == (200, HOSTILE_KEY)
    assert unquote(row["links"]["self"]) == f"/api/v1/properties/benton/{HOSTILE_KEY}"
