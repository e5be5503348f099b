"""No query parameter is silently ignored: generated from the URL map, so that a new route is held to it too."""

import json
import re
from base64 import urlsafe_b64encode

import pytest
from django.urls import get_resolver

from accounts.models import User
from terrafusion.jobs.models import Job
from terrafusion.roll.models import Property

from .factories import PASSWORD, a_county, a_user, client_of
from .jobs.examples import EXAMPLES
from .test_permission_matrix import ROUTES
from .valuation.roll import a_market, a_subject

pytestmark = pytest.mark.django_db

NOT_OF_THE_API = {
    "home": "leads to the documentation",
    "docs": "a page",
    "schema": "drf-spectacular's own, with parameters of its own",
    "metrics": "read by Prometheus, which may add parameters",
    "healthz-live": "asked by load balancers, which may add a parameter against caches",
    "healthz-ready": "the same",
}
API_ROUTES = [(pattern, name) for pattern, name in ROUTES if name not in NOT_OF_THE_API]
NO_SUCH_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def county(db):
    return a_county("benton")


@pytest.fixture
def client(county):
    return client_of(User.objects.create_superuser("root", password=PASSWORD))


def path_of(pattern):
    values = {"job_id": NO_SUCH_ID, "county_id": "benton", "collection_id": "parcels"}
    return "/" + re.sub(r"<\w+:(\w+)>", lambda match: values.get(match[1], "1"), pattern)


def methods_of(pattern):
    view = get_resolver().resolve(path_of(pattern)).func
    if getattr(view, "actions", None):
        return [method for method in view.actions if method in ("get", "post")]
    return [method for method in ("get", "post") if hasattr(view.cls, method)]


def cursor_of(*content):
    return urlsafe_b64encode(json.dumps(content).encode()).decode()


CALLS = [(method, pattern) for pattern, _ in API_ROUTES for method in methods_of(pattern)]


def test_every_call_refuses_a_parameter_it_does_not_know(client):
    accepted = []
    for method, pattern in CALLS:
        answer = getattr(client, method)(f"{path_of(pattern)}?no_such_parameter=x")
        if (
            answer.status_code != 400
            or answer["Content-Type"] != "application/problem+json"
            or answer.json()["errors"][0]["field"] != "no_such_parameter"
        ):
            accepted.append(f"{method} {pattern}: {answer.status_code}")

    assert len(CALLS) > 90
    assert not accepted, "\n".join(accepted)


def test_every_call_refuses_a_parameter_given_twice(client):
    accepted = []
    for method, pattern in CALLS:
        known = getattr(client, method)(f"{path_of(pattern)}?no_such_parameter=x").json()["errors"][0]["message"]
        if "Allowed: " in known:
            name = known.partition("Allowed: ")[2].rstrip(".").split(", ")[0]
            answer = getattr(client, method)(f"{path_of(pattern)}?{name}=json&{name}=json")
            if answer.status_code != 400 or "more than once" not in answer.json()["detail"]:
                accepted.append(f"{method} {pattern}?{name}: {answer.status_code}")

    assert not accepted, "\n".join(accepted)


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("reporting/jobs", "report_type, county_id, status, created_after, created_before, cursor, page_size, format"),
        ("valuation/jobs", "property_id, county_id, status, created_after, created_before, cursor, page_size, format"),
        ("counties", "cursor, page_size, format"),
        ("sales", "is_valid, validity_code, county_id, property_id, sold_since, sold_before, updated_since, cursor, "
                  "page_size, format"),
        ("counties/benton", "format"),
        (f"reporting/status/{NO_SUCH_ID}", "format"),
        ("counties/benton/lookup", "lon, lat, parcel_number, format"),
        ("counties/benton/ogc", "f"),
    ],
)  # fmt: skip
def test_the_known_ones_are_named(client, path, known):
    answer = client.get(f"/api/v1/{path}?report_typ=sales_ratio_study")

    assert answer.json()["errors"] == [
        {"field": "report_typ", "message": f"Unknown query parameter. Allowed: {known}."}
    ]


def test_a_misspelt_filter_does_not_give_the_whole_county(client, county):
    client.post("/api/v1/valuation/run", EXAMPLES["valuation"](county), format="json")

    misspelt = client.get("/api/v1/valuation/jobs?propertyid=1")
    spelt = client.get("/api/v1/valuation/jobs?property_id=nowhere&status=PENDING&county_id=benton&page_size=5")

    assert misspelt.status_code == 400
    assert (spelt.status_code, spelt.json()["results"]) == (200, [])


def test_a_misspelt_validate_only_queues_nothing(client, county):
    answer = client.post("/api/v1/valuation/run?validateonly=true", EXAMPLES["valuation"](county), format="json")

    assert answer.status_code == 400
    assert "Allowed: validate_only, format." in answer.json()["detail"]
    assert not Job.objects.exists()


def test_a_filter_of_the_list_is_unknown_to_a_detail(client, county):
    assert client.get("/api/v1/counties/benton?updated_since=2026-01-01T00:00:00Z").status_code == 400


def test_the_links_of_a_page_hold_known_parameters_alone(client, county):
    a_market(county, sales=3)
    page = client.get("/api/v1/properties?county_id=benton&page_size=2&format=json").json()

    assert client.get(page["next"]).status_code == 200


def test_the_browsable_page_is_still_there(client, county):
    a_subject(county)
    for path in ("properties", "sales?format=api", "valuation/jobs", "counties/benton"):
        answer = client.get(f"/api/v1/{path}", headers={"Accept": "text/html"})
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8"), path
    assert Property.objects.exists()


@pytest.mark.parametrize("path", ["properties", "sales", "counties", "valuation/jobs"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page_size", "all"),
        ("page_size", "0"),
        ("page_size", "201"),
        ("page_size", ""),
        ("cursor", ""),
        ("cursor", "page-2"),
        ("cursor", "cD1hYmM="),  # p=abc
        ("cursor", cursor_of("yes", "2026-01-01T00:00:00Z", "1")),
        ("cursor", cursor_of(False)),
        ("cursor", cursor_of(False, "2026-01-01T00:00:00Z", "1", "1")),
        ("cursor", cursor_of(False, "2026-01-01T00:00:00Z", "one")),
        ("cursor", cursor_of(False, "some day", "1")),
        ("cursor", cursor_of(False, "0001-01-01T00:00:00+14:00", NO_SUCH_ID)),
        ("cursor", cursor_of(False, "9999-12-31T23:59:59-14:00", "1")),
        ("cursor", cursor_of(False, ["2026-01-01T00:00:00Z"], {})),
        ("cursor", cursor_of(False, "ben\0ton")),
    ],
)
def test_a_page_that_cannot_be_is_named(client, county, path, name, value):
    answer = client.get(f"/api/v1/{path}?{name}={value}")

    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["field"] == name


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "some day"])
@pytest.mark.parametrize("call", ["properties?updated_since", "sales?updated_since", "valuation/jobs?created_before"])
def test_a_moment_outside_the_calendar_is_named(client, county, call, moment):
    answer = client.get(f"/api/v1/{call}={moment}")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, call.partition("?")[2])


def test_a_visitor_without_a_token_learns_nothing_but_that(db):
    assert client_of(None).get("/api/v1/properties?no_such_parameter=x").status_code == 401


def test_who_may_not_see_a_county_is_told_the_same_of_it_as_of_none(county):
    stranger = client_of(a_user("stranger", a_county("king"), role="viewer"))
    answers = [stranger.get(f"/api/v1/counties/{name}/ogc?x=1").json() for name in ("benton", "atlantis")]
    for answer in answers:
        del answer["error_id"]

    assert answers[0] == answers[1]
