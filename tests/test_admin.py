"""The admin as one county's staff see it: nothing of another county anywhere."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client

from terrafusion.admin import CountyScopedAdmin
from terrafusion.jobs.models import Job, JobTally, ScheduledSlot
from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.roll.models import Property, Sale

from .factories import (
    PASSWORD,
    AssessedValueFactory,
    ImprovementFactory,
    IngestionRunFactory,
    LayerFeatureFactory,
    OwnerFactory,
    RejectedRowFactory,
    SaleReviewFactory,
    SourceFileFactory,
    TimeIndexFactory,
    a_county,
    a_user,
    client_of,
)
from .valuation.roll import VALUATION_DATE, a_market, a_subject

CANARY = "ZZQX"
OURS = ("county_configs", "accounts", "roll", "jobs", "analytics", "valuation", "market_analysis", "ingestion")
pytestmark = pytest.mark.django_db


def a_full_county(county_id, mark):
    """A row of every model, with the mark in every text."""
    county = a_county(county_id)
    a_market(county, sales=12)
    house = a_subject(county, 1, situs_address=f"{mark} street")
    Property.objects.filter(pk=house.pk).update(parcel_number=f"{mark}-1")
    Sale.objects.filter(county=county).update(grantor=mark, validity_code=mark[:30])
    Sale.objects.filter(county=county, pk=Sale.objects.filter(county=county).first().pk).update(sale_id=f"{mark}-S")
    OwnerFactory(roll_property=house, name=mark)
    ImprovementFactory(roll_property=house, improvement_type=mark)
    AssessedValueFactory(roll_property=house)
    LayerFeatureFactory(county=county, layer=mark, feature_id=mark, name=mark)
    TimeIndexFactory(county=county, series=mark)
    SaleReviewFactory(sale=Sale.objects.filter(county=county).first(), reason=mark)
    run = IngestionRunFactory(county=county, source=mark)
    RejectedRowFactory(run=run, dataset=mark, raw={mark: mark}, reason=mark)
    SourceFileFactory(county=county, file=mark, name=mark)
    boss = a_user(f"{mark}-boss", county, role="administrator", is_staff=True)
    answer = client_of(boss).post(
        "/api/v1/valuation/run",
        {"county_id": county_id, "property_id": "1", "parameters": {"valuation_date": VALUATION_DATE.isoformat()}},
        format="json",
    )
    assert answer.status_code == 202
    run_next_job()
    return boss


@pytest.fixture
def both(db):
    return a_full_county("benton", "OWN"), a_full_county("king", CANARY)


def browser(user):
    client = Client()
    client.force_login(user)
    return client


def county_admins():
    return [(model, each) for model, each in admin.site._registry.items() if isinstance(each, CountyScopedAdmin)]


def test_every_model_of_ours_is_in_the_admin():
    missing = [
        model
        for label in OURS
        for model in apps.get_app_config(label).get_models()
        if model not in (JobTally, ScheduledSlot)  # the supervisors' own numbers and marks
        and not admin.site.is_registered(model)
    ]
    assert not missing


def test_every_page_of_the_admin_works_for_staff_and_shows_no_other_county(both):
    own, _ = both
    client = browser(own)
    assert CANARY not in client.get("/admin/").content.decode()
    for model, _ in county_admins():
        root = f"/admin/{model._meta.app_label}/{model._meta.model_name}"
        page = client.get(f"{root}/")
        assert page.status_code == 200, root
        assert CANARY not in page.content.decode(), root
        if admin.site._registry[model].search_fields:
            found = client.get(f"{root}/?q={CANARY}")
            assert found.status_code == 200, root
            assert f"{CANARY}-" not in found.content.decode(), root
        for row in model._default_manager.all()[:40]:
            text = client.get(f"{root}/{row.pk}/change/", follow=True).content.decode()
            assert CANARY not in text, f"{root}/{row.pk}"


def test_the_menu_asks_for_each_permission_once(both, django_assert_max_num_queries):
    client = browser(both[0])

    with django_assert_max_num_queries(15):
        assert client.get("/admin/roll/property/").status_code == 200


def test_the_other_countys_staff_do_see_the_canary(both):
    _, other = both

    assert CANARY in browser(other).get("/admin/roll/property/").content.decode()


def test_jobs_cannot_be_changed_added_or_deleted(both):
    own, _ = both
    client = browser(own)
    job = own.jobs.get()

    for root in ("/admin/jobs/job", "/admin/valuation/valuationjob"):
        assert client.get(f"{root}/{job.pk}/change/").status_code == 200
        assert client.post(f"{root}/{job.pk}/change/", {"status": "FAILED"}).status_code == 403
        assert client.get(f"{root}/add/").status_code == 403
        assert client.post(f"{root}/{job.pk}/delete/", {"post": "yes"}).status_code == 403
    job.refresh_from_db()
    assert job.status == "COMPLETED"


def test_jobs_are_cancelled_and_retried_from_the_list(both):
    own, other = both
    client, done = browser(own), own.jobs.get()

    def act(action, *jobs):
        answer = client.post(
            "/admin/jobs/job/", {"action": action, "_selected_action": [str(job.pk) for job in jobs]}, follow=True
        )
        return [str(message) for message in answer.context["messages"]]

    told = act("retry_selected", done, other.jobs.get())  # the other county's id is forged
    again = done.retries.get()
    assert told == ["Jobs queued again as new jobs: 1."]
    assert (again.submitted_by, again.status, Job.objects.count()) == (own, "PENDING", 3)

    assert act("retry_selected", again) == [
        "Jobs left alone: 1. The job is still PENDING; only an ended job can be retried."
    ]
    assert act("cancel_selected", again, done) == [
        "Jobs asked to cancel: 1.",
        "Jobs left alone: 1. Their status does not allow it.",
    ]
    again.refresh_from_db()
    assert again.status == "CANCELLED"


def test_a_reviewer_who_may_not_run_jobs_can_neither_cancel_nor_retry_them(both):
    job = both[0].jobs.get()
    reviewer = a_user("reviewer", job.county, "review_jobs", is_staff=True)

    page = browser(reviewer).post(
        "/admin/jobs/job/", {"action": "retry_selected", "_selected_action": [str(job.pk)]}, follow=True
    )

    assert [str(message) for message in page.context["messages"]] == [
        "Jobs left alone: 1. Your role in benton lacks the permission execute_valuation."
    ]
    assert Job.objects.count() == 2


def test_an_estimate_shows_its_grid(both):
    own, _ = both
    estimate = own.jobs.get().value_estimates.get()

    page = browser(own).get(f"/admin/roll/valueestimate/{estimate.pk}/change/").content.decode()

    for comparable in estimate.grid["comparables"]:
        assert f"${comparable['adjusted_sale_price']:,}" in page
        assert comparable["weight"] in page


def test_staff_without_the_permission_see_no_jobs_and_no_owners(both):
    visitor = a_user("visitor", both[0].jobs.get().county, "view_county", is_staff=True)
    client = browser(visitor)

    assert client.get("/admin/roll/property/").status_code == 200
    assert client.get("/admin/jobs/job/").status_code == 403
    assert client.get("/admin/roll/owner/").status_code == 403


def test_a_user_who_is_not_staff_stays_outside(both):
    clerk = a_user("clerk", both[0].jobs.get().county, role="administrator")

    assert browser(clerk).get("/admin/roll/property/").status_code == 302
    assert PASSWORD not in browser(clerk).get("/admin/", follow=True).content.decode()


def test_no_page_needs_the_internet(both):
    own, _ = both
    client = browser(own)
    for path in ("/admin/", "/admin/roll/property/", "/api/docs", "/api/v1/properties"):
        page = client.get(path, headers={"Accept": "text/html"}).content.decode()
        for outside in ('src="http', "src='http", 'href="https://fonts', "cdn.", "unpkg", "jsdelivr"):
            assert outside not in page, f"{path}: {outside}"
