"""What a job says of itself, word for word, for every registered kind."""

import pytest

from terrafusion.jobs.registry import registered_kinds
from terrafusion.jobs.workers.runner import run_next_job

pytestmark = pytest.mark.django_db

# Of the requests in examples.py.
SUCCESSES = {
    "valuation": "Valuation completed successfully.",
    "reporting": "sales_ratio_study completed successfully.",
    "market_analysis": "price_trend_by_zip completed successfully.",
    "gis_export": "GIS export (GeoJSON) completed successfully.",
    "ingestion": "Ingestion completed successfully.",
}
DRILLS = {
    "valuation": ("property_id", "FAILING_VALUATION_SIM", "simulated_failure", "Simulated valuation failure."),
    "reporting": ("report_type", "FAILING_REPORT_SIM", "simulated_failure", "Simulated report generation failure."),
    "market_analysis": (
        "analysis_type",
        "FAILING_ANALYSIS_SIM",
        "simulated_failure",
        "Simulated market analysis failure.",
    ),
    "gis_export": (
        "export_format",
        "FAIL_FORMAT_SIM",
        "simulated_format_failure",
        "Simulated GIS export failure due to format.",
    ),
}


def test_every_kind_that_has_a_drill_is_drilled_here():
    assert {kind.name for kind in registered_kinds() if kind.request.drill} == set(DRILLS)


def test_a_completed_job_names_what_was_made(client, root, submitted, kind):
    job = submitted()

    run_next_job()

    assert client.get(f"{root}/status/{job.pk}").json()["message"] == SUCCESSES[kind.name]
    assert client.get(f"{root}/jobs/{job.pk}/log").json()[-1]["message"] == SUCCESSES[kind.name]


@pytest.mark.parametrize("kind", list(DRILLS), indirect=True)
def test_a_drill_says_which_kind_failed(client, root, body, kind, settings):
    field, value, reason, sentence = DRILLS[kind.name]
    settings.SIMULATED_FAILURES = True
    accepted = client.post(f"{root}/run", body | {field: value}, format="json")
    assert accepted.status_code == 202, accepted.content

    run_next_job()

    job = client.get(accepted["Location"]).json()
    assert (job["status"], job["failure_reason"], job["message"]) == ("FAILED", reason, sentence)


@pytest.mark.parametrize("kind", list(DRILLS), indirect=True)
def test_a_drill_is_refused_where_none_is_allowed(client, root, body, kind):
    field, value, _, _ = DRILLS[kind.name]

    answer = client.post(f"{root}/run", body | {field: value}, format="json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def sizes_in(answer, name=""):
    """Every member of a JSON answer that says a size in KB."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            yield from sizes_in(value, key)
    elif isinstance(answer, list):
        for value in answer:
            yield from sizes_in(value, name)
    elif name.endswith("size_kb"):
        yield answer


def test_a_file_size_is_whole_kilobytes_rounded_up(client, root, submitted, kind):
    job = submitted()
    run_next_job()

    result = client.get(f"{root}/results/{job.pk}").json()["result"]

    expected = {"reporting", "gis_export"}
    sizes = list(sizes_in(result))
    assert bool(sizes) == (kind.name in expected)
    for size in sizes:
        assert isinstance(size, int)
        assert size == -(-result["artifacts"][0]["size_bytes"] // 1024)
