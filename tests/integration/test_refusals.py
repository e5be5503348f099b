"""Who and what is turned away, over HTTP, by every kind under both prefixes."""

import uuid

import pytest
import requests

PROBLEM = "application/problem+json"


def calls(root, job_id):
    return ("POST", f"{root}/run"), ("GET", f"{root}/status/{job_id}"), ("GET", f"{root}/results/{job_id}")


@pytest.fixture
def job_id(clerk, kind):
    """A job of the kind, whatever became of it."""
    jobs = clerk.get(f"/api/v1/{kind.path}/jobs", params={"page_size": 1}).json()["results"]
    job = jobs[0] if jobs else clerk.post(f"/api/v1/{kind.path}/run", json=kind.request).json()
    return job[kind.identifier]


@pytest.mark.parametrize("token", [None, "Bearer not-a-token", "Bearer a.b.c"])
def test_without_a_good_token_nothing_is_told(system, kind, root, token):
    for method, path in calls(root, uuid.uuid4()):
        headers = {"Authorization": token} if token else {}
        answer = requests.request(method, system.address + path, json=kind.request, headers=headers, timeout=10)
        assert (answer.status_code, answer.headers["Content-Type"]) == (401, PROBLEM), path
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_missing_permission_is_forbidden(visitor, kind, root, job_id):
    for method, path in calls(root, job_id):
        answer = visitor.post(path, json=kind.request) if method == "POST" else visitor.get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (403, PROBLEM), path


def test_another_countys_job_is_as_unknown_as_none(stranger, clerk, root, job_id):
    for call in ("status", "results"):
        answers = [stranger.get(f"{root}/{call}/{name}") for name in (job_id, uuid.uuid4())]
        answers.append(clerk.get(f"{root}/{call}/{uuid.uuid4()}"))
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1


def test_a_body_that_is_not_json_is_refused(clerk, root):
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        answer = clerk.post(f"{root}/run", data="county_id=benton", headers={"Content-Type": content_type})
        assert (answer.status_code, answer.headers["Content-Type"]) == (415, PROBLEM)
    assert clerk.post(f"{root}/run", data="{", headers={"Content-Type": "application/json"}).status_code == 400


def test_a_malformed_id_is_a_bad_value(clerk, kind, root):
    for call in ("status", "results"):
        answer = clerk.get(f"{root}/{call}/not-a-uuid")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, kind.identifier)


def test_an_unknown_county_is_a_bad_value(clerk, kind, root):
    answer = clerk.post(f"{root}/run", json=kind.request | {"county_id": "atlantis"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "county_id")


def test_an_unknown_query_parameter_is_named(clerk, kind, root, job_id):
    for path in (f"{root}/jobs", f"{root}/status/{job_id}", f"{root}/results/{job_id}"):
        answer = clerk.get(path, params={"report_typ": "x"})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "report_typ")
