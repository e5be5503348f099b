"""Who gets what from every API route: generated from the URL map, so that a new route without an entry fails.

Every route x {nobody, each role, another county's administrator, superuser} x {own, foreign, missing}.
"""

import re
import uuid
from dataclasses import dataclass

import pytest
from django.urls import URLPattern, get_resolver

from accounts.roles import ROLES
from terrafusion.jobs.models import Job, JobArtifact
from terrafusion.jobs.registry import registered_kinds
from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.roll.models import Property, Sale

from .factories import UserFactory, a_county, a_user, client_of
from .jobs.examples import EXAMPLES

pytestmark = pytest.mark.django_db

OPEN, LIST, OBJECT, BODY = "open", "list", "object", "body"


@dataclass(frozen=True)
class Entry:
    """What a route asks for: method, the permission on the county, the answer when all is well."""

    kind: str
    method: str = "get"
    permission: str | None = None
    success: int = 200


ENTRIES = {
    "home": Entry(OPEN, success=302),
    "schema": Entry(OPEN),
    "docs": Entry(OPEN),
    "healthz-live": Entry(OPEN),
    "healthz-ready": Entry(OPEN),
    "metrics": Entry(OPEN, success=401),  # has a token of its own
    "login": Entry(OPEN, "post", success=400),
    "refresh": Entry(OPEN, "post", success=400),
    "logout": Entry(OPEN, "post", success=400),
    "me": Entry(LIST),
    "county-list": Entry(LIST),
    "property-list": Entry(LIST),
    "sale-list": Entry(LIST),
    "county-detail": Entry(OBJECT, permission="view_county"),
    "property-detail": Entry(OBJECT, permission="view_county"),
    "sale-detail": Entry(OBJECT, permission="view_county"),
}
for _name in (
    "gis_export-formats", "gis_export-defaults", "ogc-landing", "ogc-conformance", "ogc-collections",
    "ogc-collection", "ogc-items", "ogc-item",
):  # fmt: skip
    ENTRIES[_name] = Entry(OBJECT, permission="view_county")
ENTRIES["district-lookup"] = Entry(OBJECT, permission="view_county", success=400)  # of no place
for _name in ("gis_export-map", "gis_export-tile"):
    ENTRIES[_name] = Entry(OBJECT, permission="view_gis_export_results", success=404)  # the probe draws no map
for _kind in registered_kinds():
    ENTRIES |= {
        f"{_kind.name}-run": Entry(BODY, "post", f"execute_{_kind.name}", 202),
        f"{_kind.name}-jobs": Entry(LIST),
        f"{_kind.name}-status": Entry(OBJECT, "get", f"view_{_kind.name}_status"),
        f"{_kind.name}-results": Entry(OBJECT, "get", f"view_{_kind.name}_results"),
        f"{_kind.name}-log": Entry(OBJECT, "get", f"view_{_kind.name}_status"),
        f"{_kind.name}-artifact": Entry(OBJECT, "get", f"view_{_kind.name}_results"),
        f"{_kind.name}-cancel": Entry(OBJECT, "post", f"execute_{_kind.name}", 409),  # it has ended
        f"{_kind.name}-retry": Entry(OBJECT, "post", f"execute_{_kind.name}", 202),
    }


def routes(patterns=None, prefix=""):
    """(path pattern, name) of every route outside the admin, which tests/test_admin.py covers."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield path, pattern.name
        elif not path.startswith("admin/"):
            yield from routes(pattern.url_patterns, path)


ROUTES = sorted(routes())


def test_every_route_has_an_entry():
    assert {name for _, name in ROUTES} == set(ENTRIES)


@pytest.fixture
def places(db):
    """Two counties with the same things in them, and ids of nothing."""
    return {"own": _things_of("benton"), "foreign": _things_of("king"), "missing": _nothing()}


def _things_of(county_id):
    county = a_county(county_id)
    bodies, jobs = {}, {}
    worker = UserFactory(username=f"root-{county_id}", is_superuser=True)
    for kind in registered_kinds():
        bodies[kind.name] = EXAMPLES[kind.name](county)
        root = f"/api/v1/{kind.name.replace('_', '-')}"
        answer = client_of(worker).post(f"{root}/run", bodies[kind.name], format="json")
        job = Job.objects.get(pk=answer.json()[kind.identifier])
        Job.objects.filter(pk=job.pk).update(parameters=job.parameters | {"probe": "complete"})
        run_next_job()
        assert JobArtifact.objects.filter(job=job).exists()
        jobs[kind.name] = str(job.pk)
    row = Property.objects.in_county(county).first()
    parcel = Property.objects.in_county(county).filter(geometry__isnull=False).first()
    sale = Sale.objects.in_county(county).first()
    return {
        "county": county,
        "county-detail": county.pk,
        "property-detail": row.property_id,
        "sale-detail": sale.sale_id,
    } | {
        "jobs": jobs,
        "bodies": bodies,
        "parcel": parcel.pk,
    }


def _nothing():
    absent = {kind.name: str(uuid.uuid4()) for kind in registered_kinds()}
    bodies = {kind.name: {"county_id": "atlantis"} for kind in registered_kinds()}
    return {
        "county-detail": "atlantis",
        "property-detail": "no such key",
        "sale-detail": "no such key",
        "parcel": 10**9,
        "jobs": absent,
        "bodies": bodies,
    }


@pytest.fixture
def people(places):
    own, foreign = places["own"]["county"], places["foreign"]["county"]
    return (
        {"nobody": None}
        | {role: a_user(role, own, role=role) for role in ROLES}
        | {"stranger": a_user("stranger", foreign, role="administrator")}
        | {"superuser": UserFactory(username="superuser", is_superuser=True)}
    )


def _path(pattern, name, things):
    plugin = name.rsplit("-", 1)[0]
    path = pattern.replace("<str:job_id>", things["jobs"].get(plugin, "")).replace("<str:name>", "probe.txt")
    path = path.replace("<str:county_id>", things["county-detail"]).replace("<str:collection_id>", "parcels")
    path = path.replace("<int:feature_id>", str(things["parcel"]))
    path = re.sub(r"<int:(zoom|x|y)>", "0", path)
    return "/" + re.sub(r"<\w+:(pk|property_id|sale_id)>", str(things.get(name, "")), path)


def _ask(person, entry, path, body):
    client = client_of(person)
    answer = getattr(client, entry.method)(path, body if entry.method == "post" else None, format="json")
    content = b"" if answer.streaming else answer.content
    return answer.status_code, content


def _expected(person, entry, place):
    if entry.kind == OPEN:
        return entry.success
    if person == "nobody":
        return 401
    if entry.kind == LIST:
        return entry.success
    unseen = 400 if entry.kind == BODY else 404
    if person == "superuser":
        return unseen if place == "missing" else entry.success
    home = "foreign" if person == "stranger" else "own"
    if place != home:
        return unseen
    role = "administrator" if person == "stranger" else person
    return entry.success if entry.permission in ROLES[role] else 403


def test_every_route_answers_everyone_as_it_must(places, people, settings):
    wrong = []
    for pattern, name in ROUTES:
        entry = ENTRIES[name]
        for person, user in people.items():
            for place in ("own", "foreign", "missing") if entry.kind in (OBJECT, BODY) else ("own",):
                things = places[place]
                body = things["bodies"].get(name.rsplit("-", 1)[0], {})
                status, _ = _ask(user, entry, _path(pattern, name, things), body)
                if status != _expected(person, entry, place):
                    wrong.append(
                        f"{person} {entry.method} {name} ({place}): {status}, not {_expected(person, entry, place)}"
                    )

    assert not wrong, "\n".join(wrong)


def test_a_foreign_thing_looks_exactly_like_a_missing_one(places, people):
    for pattern, name in ROUTES:
        entry = ENTRIES[name]
        if entry.kind == OBJECT:
            answers = [
                _ask(people["administrator"], entry, _path(pattern, name, places[place]), {})
                for place in ("foreign", "missing")
            ]
            assert answers[0] == answers[1], name


def test_lists_hold_nothing_of_another_county(places, people):
    for pattern, name in ROUTES:
        if ENTRIES[name].kind == LIST:
            _, content = _ask(people["administrator"], ENTRIES[name], "/" + pattern, {})
            assert b'"king"' not in content, name


def test_a_global_permission_opens_no_county(places):
    from django.contrib.auth.models import Permission

    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="county_configs"))

    answer = client_of(user).get("/api/v1/properties")

    assert answer.json()["results"] == []
