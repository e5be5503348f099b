"""The analytics snapshot: what is in it, what must not be, and that a reader never sees half of one."""

import errno
import threading
from datetime import UTC, datetime, timedelta
from io import StringIO

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from terrafusion.analytics import clickhouse, engine
from terrafusion.analytics.engine import on_duckdb
from terrafusion.analytics.models import SnapshotJob
from terrafusion.analytics.requests import request_nightly, request_snapshot
from terrafusion.analytics.snapshots import SnapshotStore, snapshot_store
from terrafusion.analytics.tables import TABLES
from terrafusion.analytics.writing import publish_snapshot, snapshot_county, write_snapshot
from terrafusion.jobs.models import Job
from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.jobs.workers.schedules import run_due
from terrafusion.roll.loads import record_load
from terrafusion.roll.models import LastLoad, Property, Sale, SaleReview
from tests.factories import AssessedValueFactory, OwnerFactory, SaleParcelFactory, SaleReviewFactory, a_county, a_user
from tests.valuation.roll import a_market, a_subject

NOW = datetime(2026, 1, 2, 9, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def county(db):
    county = a_county("benton")
    a_market(county, sales=30)
    return county


@pytest.fixture(params=["folder", "bucket"])
def either_store(request):
    """The life of a snapshot is the same in a folder and in a bucket."""
    if request.param == "bucket":
        request.getfixturevalue("analytics_bucket")


def rows_of(snapshot, table):
    with on_duckdb(snapshot) as market:
        return market.rows(getattr(market, table))


def test_every_row_of_the_roll_is_in_it_and_the_manifest_counts_them(county):
    snapshot = snapshot_county(county, NOW)

    assert {row["property_id"] for row in rows_of(snapshot, "properties")} == set(
        Property.objects.values_list("property_id", flat=True)
    )
    sales = rows_of(snapshot, "sales")
    assert {(row["sale_id"], row["sale_date"], row["sale_price"]) for row in sales} == set(
        Sale.objects.values_list("sale_id", "sale_date", "sale_price")
    )
    assert {row["sale_year"] for row in sales} == {row["sale_date"].year for row in sales}
    assert snapshot.manifest.rows == {"properties": 30, "sales": 30, "assessed_values": 0}
    assert snapshot.manifest.first_sale == str(min(row["sale_date"] for row in sales))


def test_a_first_year_with_a_single_sale_is_a_year_like_any_other(county):
    sale = Sale.objects.first()
    Sale.objects.filter(pk=sale.pk).update(sale_date="1999-05-06")

    assert snapshot_county(county, NOW).manifest.first_sale == "1999-05-06"


def test_a_sale_that_a_load_retired_is_not_analysed(county):
    sale = Sale.objects.first()
    Sale.objects.filter(pk=sale.pk).update(retired_at=NOW)

    sales = rows_of(snapshot_county(county, NOW), "sales")

    assert len(sales) == 29
    assert sale.sale_id not in {row["sale_id"] for row in sales}


def test_which_sales_are_left_out_is_what_the_roll_says(county):
    decisions = [SaleReview.Decision.INVALID, SaleReview.Decision.VALID, SaleReview.Decision.UNDECIDED]
    for number, sale in enumerate(Sale.objects.order_by("pk")[:12]):
        Sale.objects.filter(pk=sale.pk).update(is_valid=number % 2 == 0, sale_price=0 if number == 11 else 100_000)
        SaleReviewFactory(sale=sale, decision=decisions[number % 3])

    sales = rows_of(snapshot_county(county, NOW), "sales")

    valid = set(Sale.objects.valid().values_list("sale_id", flat=True))
    assert {row["sale_id"] for row in sales if not row["left_out"]} == valid
    assert 0 < len(valid) < len(sales)


def test_of_several_supplements_the_last_is_the_value(county):
    house = a_subject(county, 1)
    for supplement, land in ((0, 100), (2, 300), (1, 200)):
        AssessedValueFactory(roll_property=house, tax_year=2025, supplement=supplement, market_land=land)

    (value,) = rows_of(snapshot_county(county, NOW), "assessed_values")

    assert (value["tax_year"], value["market_land"], value["property_key"]) == (2025, 300, house.pk)


def test_a_deed_of_two_parcels_has_two_rows_and_one_without_a_parcel_keeps_its_own(county):
    sale = Sale.objects.first()
    Sale.objects.filter(pk=sale.pk).update(parcel_count=2)
    SaleParcelFactory(sale=sale, roll_property=a_subject(county, 1))
    lonely = Sale.objects.last()
    lonely.parcels.all().delete()

    sales = rows_of(snapshot_county(county, NOW), "sales")

    assert sum(row["sale_id"] == sale.sale_id for row in sales) == 2
    (without,) = [row for row in sales if row["sale_id"] == lonely.sale_id]
    assert (without["property_id"], without["zip_code"], without["living_area_sqft"]) == (None, "", None)


def test_no_persons_name_or_address_is_in_any_file(county):
    Sale.objects.update(grantor="CANARY SELLER", grantee="CANARY BUYER")
    Property.objects.update(situs_address="CANARY street", legal_description="CANARY")
    OwnerFactory(roll_property=Property.objects.first(), name="CANARY", mailing_address="CANARY")

    snapshot = snapshot_county(county, NOW)

    for path in snapshot.folder.rglob("*.parquet"):
        assert "CANARY" not in str(pq.read_table(path).to_pylist())
    names = {name for schema in TABLES.values() for name in schema.names}
    assert not names & {"grantor", "grantee", "name", "mailing_address", "situs_address"}


def test_a_county_without_sales_has_a_snapshot_that_can_be_queried(db):
    snapshot = snapshot_county(a_county("king"), NOW)

    for table in TABLES:
        assert rows_of(snapshot, table) == []


def test_another_countys_rows_stay_out(county):
    a_market(a_county("king"), sales=5)

    assert snapshot_county(county, NOW).manifest.rows["sales"] == 30


def test_an_old_snapshot_lives_through_the_readers_grace_and_no_longer(county, settings, either_store):
    settings.ANALYTICS_GRACE_SECONDS = 3600
    first = snapshot_county(county, NOW)
    snapshot_county(county, NOW + timedelta(minutes=10))
    assert first.folder.exists(), "its readers may still be at work"

    newest = snapshot_county(county, NOW + timedelta(minutes=71))

    assert not first.folder.exists()
    assert first.folder.name not in snapshot_store().place.folders("benton")
    assert snapshot_store().current("benton").snapshot_id == newest.snapshot_id


def test_what_a_dead_writer_left_is_removed_after_the_grace(county, settings, either_store):
    settings.ANALYTICS_GRACE_SECONDS = 3600
    left = write_snapshot(county, NOW - timedelta(minutes=1)).folder
    snapshot_county(county, NOW)
    assert left.exists()

    snapshot_county(county, NOW + timedelta(hours=2))

    assert not left.exists()
    assert left.name not in snapshot_store().place.folders("benton")


def test_a_writer_at_work_is_left_alone_however_long_it_takes(county, settings, either_store):
    settings.ANALYTICS_GRACE_SECONDS = 3600
    snapshot_county(county, NOW)
    at_work = write_snapshot(county, NOW + timedelta(minutes=1))
    for hours in (1, 3):
        snapshot_store().purge("benton", NOW + timedelta(hours=hours))

    publish_snapshot(at_work, NOW + timedelta(hours=4))

    assert snapshot_store().current("benton").snapshot_id == at_work.snapshot_id
    assert rows_of(snapshot_store().current("benton"), "sales")


def test_an_older_snapshot_never_replaces_a_newer_one(county, either_store):
    newer = snapshot_county(county, NOW + timedelta(minutes=1))

    snapshot_county(county, NOW)

    assert snapshot_store().current("benton").snapshot_id == newer.snapshot_id


@pytest.mark.parametrize(("number", "flips"), [(4, 6), pytest.param(8, 20, marks=pytest.mark.slow)])
def test_readers_during_flips_see_whole_snapshots_only(county, either_store, tmp_path, number, flips):
    """Each snapshot has one sale more than the last; a torn one would break the count or the manifest."""
    snapshot_county(county, NOW)
    seen, faults, stop = [], [], threading.Event()
    bucket = snapshot_store().bucket
    hosts = [SnapshotStore(tmp_path / name, bucket) for name in ("b", "c")] if bucket else [snapshot_store()]

    def read(store):
        while not stop.wait(0.3 if bucket else 0.02):  # the server is in this process and needs its turn
            try:
                snapshot = store.current("benton")
                with on_duckdb(snapshot) as market:
                    counted = market.sales.aggregate(n=lambda t: t.count(), total=lambda t: t.sale_price.sum())
                    (row,) = market.rows(counted)
                if row["n"] != snapshot.manifest.rows["sales"] or not row["total"]:
                    faults.append((row, snapshot.manifest))
                seen.append(snapshot.snapshot_id)
            except Exception as error:  # a reader's error is what this test is about
                faults.append(error)

    readers = [threading.Thread(target=read, args=(hosts[reader % len(hosts)],)) for reader in range(number)]
    for reader in readers:
        reader.start()
    house = Property.objects.first()
    for flip in range(flips):
        SaleParcelFactory(roll_property=house, sale__sale_id=f"new{flip}")
        snapshot_county(county, NOW + timedelta(seconds=1 + flip))
    stop.set()
    for reader in readers:
        reader.join()

    assert faults == []
    assert len(set(seen)) > flips // 4, "the readers must have met several snapshots"
    assert snapshot_store().current("benton").manifest.rows["sales"] == 30 + flips


def test_the_nightly_schedule_queues_one_snapshot_for_each_county_with_sales(county):
    a_county("king")

    ran = run_due(datetime(2026, 1, 2, 12, tzinfo=UTC))
    run_due(datetime(2026, 1, 2, 12, 5, tzinfo=UTC))

    assert "analytics_snapshot:benton" in ran
    assert [(job.county_id, job.kind) for job in Job.objects.all()] == [("benton", "analytics_snapshot")]
    run_next_job()
    job = SnapshotJob.objects.get()
    assert (job.status, job.message) == ("COMPLETED", "Analytics snapshot completed successfully.")
    assert (job.snapshot_id, job.rows["sales"]) == (snapshot_store().current("benton").snapshot_id, 30)


def test_a_snapshot_that_fails_leaves_the_last_one_current_and_is_counted(county, client, settings, monkeypatch):
    settings.METRICS_OPEN = True
    before = snapshot_county(county, NOW).snapshot_id

    def no_room(self, folder, manifest):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(SnapshotStore, "seal", no_room)
    request_snapshot(county)
    run_next_job()

    assert Job.objects.get().status == "FAILED"
    assert snapshot_store().current("benton").snapshot_id == before
    counted = 'analytics_snapshot_jobs_failed_total{county_id="benton",failure_reason="storage"} 1.0'
    assert counted in client.get("/metrics").content.decode()


def test_staff_who_review_jobs_retry_a_snapshot_from_the_admin_and_others_do_not(county):
    request_snapshot(county)
    run_next_job()
    done = Job.objects.get()

    def retry_as(user):
        browser = Client()
        browser.force_login(user)
        return browser.post("/admin/jobs/job/", {"action": "retry_selected", "_selected_action": [str(done.pk)]})

    assert retry_as(a_user("appraiser", county, role="appraiser", is_staff=True)).status_code == 403
    retry_as(a_user("supervisor", county, role="supervisor", is_staff=True))
    run_next_job()

    again = done.retries.get()
    assert (again.status, again.submitted_by.username) == ("COMPLETED", "supervisor")
    assert SnapshotJob.objects.get(pk=again.pk).snapshot_id > SnapshotJob.objects.get(pk=done.pk).snapshot_id


def test_a_change_of_the_roll_that_is_announced_is_followed_by_a_snapshot(county, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        record_load(county, NOW, changed=False)
    assert not Job.objects.exists()

    with django_capture_on_commit_callbacks(execute=True):
        record_load(county, NOW, changed=True)
    assert [(job.kind, job.county_id) for job in Job.objects.all()] == [("analytics_snapshot", "benton")]


def test_a_request_that_fails_does_not_undo_the_load(county, django_capture_on_commit_callbacks, monkeypatch):
    monkeypatch.setattr("terrafusion.analytics.requests.submit", lambda *_, **__: 1 / 0)

    with django_capture_on_commit_callbacks(execute=True):
        record_load(county, NOW, changed=True)

    assert LastLoad.objects.get().loaded_at == NOW


def test_the_last_load_is_the_latest_though_an_earlier_one_commits_after_it(county):
    for minutes in (5, 0):
        record_load(county, NOW + timedelta(minutes=minutes), changed=False)

    assert LastLoad.objects.get().loaded_at == NOW + timedelta(minutes=5)


def test_a_snapshot_that_waits_is_not_queued_again(county):
    first = request_snapshot(county)
    request_nightly(county)

    assert Job.objects.get().pk == first.pk
    run_next_job()
    assert request_snapshot(county) is not None, "that one has ended; a new load needs a new one"


def test_the_command_tells_what_it_wrote_and_refuses_an_unknown_county(county):
    told = StringIO()
    call_command("snapshot_analytics", "benton", stdout=told)

    assert "30 rows" in told.getvalue()
    assert "is current" in told.getvalue()
    with pytest.raises(CommandError, match=r"Unknown county 'atlantis'\. Known: benton"):
        call_command("snapshot_analytics", "atlantis")


def test_the_command_says_so_when_a_newer_snapshot_is_current(county):
    snapshot_county(county, datetime(2999, 1, 1, tzinfo=UTC))
    told = StringIO()

    call_command("snapshot_analytics", "benton", stdout=told)

    assert "was written, but a newer one is current." in told.getvalue()


def test_a_folder_whose_rows_could_not_be_released_waits_for_the_next_purge(county):
    first = snapshot_county(county, NOW)
    snapshot_county(county, NOW + timedelta(minutes=1))
    late, released = NOW + timedelta(days=1), []

    def refuse(snapshot_id):
        raise OSError(snapshot_id)

    with pytest.raises(OSError, match=first.snapshot_id):
        snapshot_store().purge("benton", late, refuse)
    assert first.folder.exists()

    assert snapshot_store().purge("benton", late, released.append) == [first.snapshot_id] == released
    assert not first.folder.exists()


def test_clickhouse_is_filled_emptied_and_let_go(county, settings, monkeypatch):
    """Every connection is closed, and old rows go before their folder."""
    settings.ANALYTICS_URL, settings.ANALYTICS_GRACE_SECONDS = "clickhouse://nowhere", 3600
    done = []

    class Backend:
        def disconnect(self):
            done.append("disconnected")

    monkeypatch.setattr(engine, "connect_clickhouse", Backend)
    monkeypatch.setattr(clickhouse, "fill", lambda backend, snapshot: done.append("filled"))
    monkeypatch.setattr(clickhouse, "drop_snapshots", lambda *_: done.append(("dropped", first.folder.exists())))

    first = snapshot_county(county, NOW)
    snapshot_county(county, NOW + timedelta(minutes=1))
    done.clear()
    snapshot_county(county, NOW + timedelta(hours=2))

    assert done == ["filled", "disconnected", ("dropped", True), "disconnected"]


@pytest.mark.django_db(transaction=True)
def test_the_whole_snapshot_is_of_one_moment(county):
    """A sale added while the properties are being read must not appear without its property."""
    added = []

    def add_a_sale(table, rows):
        if not added:
            added.append(True)
            thread = threading.Thread(target=_add_sale_of_a_new_house, args=(county,))
            thread.start()
            thread.join()

    snapshot = write_snapshot(county, NOW, add_a_sale)

    assert Sale.objects.filter(sale_id="late").exists()
    assert "late" not in {row["sale_id"] for row in rows_of(snapshot, "sales")}
    assert snapshot.manifest.rows["properties"] == 30


def _add_sale_of_a_new_house(county):
    try:
        house = a_subject(county, 7)
        SaleParcelFactory(roll_property=house, sale__sale_id="late")
    finally:
        connection.close()
