"""Benton's own mapping against a PACS-shaped database: the five rules, reload, changes, interruptions, readers."""

import threading
from datetime import UTC, datetime
from functools import partial

import pytest
from django.db import connection, transaction
from django.db.models import Count, Sum

from ingestion.connectors.sql_server import LegacyQuery
from ingestion.legacy.pacs import catalogue
from ingestion.models import IngestionRun
from ingestion.pipelines import bulk_load as pipeline
from ingestion.pipelines import requests
from ingestion.pipelines.control.digest import roll_digest
from ingestion.pipelines.reports import LoadRefused
from terrafusion.roll.models import AssessedValue, Improvement, Owner, Property, Sale, SaleParcel

from .pacs import TAX_YEAR

pytestmark = pytest.mark.django_db


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def values():
    return AssessedValue.objects.aggregate(
        land=Sum("market_land"),
        building=Sum("market_improvement"),
        total=Sum("market_total"),
        taxable=Sum("taxable_value"),
    )


def test_the_five_rules_are_kept_to_the_dollar(pacs, load_pacs):
    expected = pacs(400)

    outcome = load_pacs()

    assert Property.objects.count() == expected.parcels  # rules 1 and 2: latest supplement, no year 0, no inactive
    assert AssessedValue.objects.count() == expected.parcels
    assert set(AssessedValue.objects.values_list("tax_year", flat=True)) == {TAX_YEAR}
    assert values() == {
        "land": expected.land,
        "building": expected.improvement,
        "total": expected.market,
        "taxable": expected.taxable,  # summed over owners, once
    }
    assert Improvement.objects.count() == expected.improvements  # rule 3: no frozen copy
    assert Improvement.objects.aggregate(Sum("value"))["value__sum"] == expected.improvement_values
    assert Owner.objects.count() == expected.owners
    assert Sale.objects.count() == expected.sales  # rule 4: one sale, however many parcels
    assert Sale.objects.aggregate(Sum("sale_price"))["sale_price__sum"] == expected.sale_dollars
    assert not Property.objects.filter(property_class__endswith=" ").exists()  # rule 5
    by_area = AssessedValue.objects.values_list("roll_property__tax_code_area").annotate(Sum("market_total"))
    assert dict(by_area) == dict(expected.by_area)
    assert {each.rejected for each in outcome.report.sets.values()} == {0}


def test_the_fields_of_a_parcel_come_from_their_tables(pacs, load_pacs):
    pacs(30)
    load_pacs()

    house = Property.objects.get(property_id="10002")

    assert house.parcel_number == "1-0000-000-0000-002"
    assert house.parcel_number_key == "100000000000002"
    assert house.situs_address == "102 W KEENE AVE"
    assert (house.property_type, house.use_code, house.neighborhood) == ("single_family", "11", "1030")
    assert (house.living_area_sqft, house.year_built, house.basement_sqft, house.garage_sqft) == (1002, 1952, 500, 400)
    assert (house.bedrooms, house.baths, house.condition, house.lot_sqft) == (3, 2, 4, 10_890)
    assert house.attributes["zoning"] == ""
    assert house.legal_description == "LOT 2\tBLOCK 2"
    shared = Property.objects.get(property_id="10003")
    assert sorted(shared.owners.values_list("share", flat=True)) == [0.5, 0.5]


def test_a_deed_of_several_parcels_and_its_dates(pacs, load_pacs):
    pacs(400)
    load_pacs()

    several = Sale.objects.annotate(ties=Count("parcels")).filter(ties__gt=1)
    assert several.exists()
    assert all(each.parcel_count == 2 for each in several)
    without_date = Sale.objects.get(sale_id="9000003")  # the sale says no date, its deed does
    assert without_date.sale_date == datetime(2020, 1, 4, tzinfo=UTC).date()
    assert set(Sale.objects.filter(is_valid=True).values_list("validity_code", flat=True)) == {"100"}


def test_the_control_totals_balance_by_class_and_tax_area(pacs, load_pacs):
    expected = pacs(200)

    totals = load_pacs().run.control_totals["values"]["assessed_values"]

    assert totals["balanced"]
    assert (
        totals["headline"]["source"]["market_total"] == totals["headline"]["loaded"]["market_total"] == expected.market
    )
    assert {area: sides["loaded"]["market_total"] for area, sides in totals["by_tax_area"].items()} == expected.by_area
    assert set(totals["by_class"]) == {"R", "MH"}


def test_a_reload_changes_nothing(pacs, load_pacs, benton):
    pacs()
    first = load_pacs()
    digest = roll_digest(benton)
    touched = list(Property.objects.order_by("pk").values_list("pk", "updated_at", "lineage"))

    again = load_pacs()

    assert roll_digest(benton) == digest
    assert again.run.digest == first.run.digest
    assert list(Property.objects.order_by("pk").values_list("pk", "updated_at", "lineage")) == touched
    assert {
        tally.created + tally.updated for each in again.report.sets.values() for tally in each.targets.values()
    } == {0}


def test_an_incremental_load_reads_what_changed_and_nothing_else(pacs, load_pacs):
    pacs()
    load_pacs()
    sql(
        "UPDATE property_val SET hood_cd = '9999', recalc_dt = '2026-06-01 10:00:00' WHERE prop_id = 10002 "
        "AND prop_val_yr = %s",
        TAX_YEAR,
    )

    report = load_pacs(since="last").report

    assert Property.objects.get(property_id="10002").neighborhood == "9999"
    assert report.sets["parcels"].targets["properties"].updated == 1
    assert report.sets["parcels"].read <= 3  # the row, and those of the very moment of the last load
    assert not Property.objects.filter(retired_at__isnull=False).exists()


def test_what_the_source_no_longer_has_is_retired_and_comes_back(pacs, load_pacs):
    pacs()
    load_pacs()
    day = datetime(2026, 5, 1)  # noqa: DTZ001 - a legacy DATETIME has no zone
    sql("UPDATE property_val SET prop_inactive_dt = %s WHERE prop_id = 10002", day)

    report = load_pacs().report

    gone = Property.objects.get(property_id="10002")
    assert gone.retired_at is not None
    assert not Property.objects.current().filter(pk=gone.pk).exists()
    assert gone.improvements.get().retired_at is not None
    assert "parcels: 1 properties retired." in report.notes

    sql("UPDATE property_val SET prop_inactive_dt = NULL WHERE prop_id = 10002")
    load_pacs()
    gone.refresh_from_db()
    assert gone.retired_at is None


@pytest.mark.parametrize("table", ["prop_supp_assoc", "property_val", "owner", "imprv"])
def test_an_emptied_source_never_empties_the_county(pacs, load_pacs, benton, table):
    pacs()
    load_pacs()
    digest = roll_digest(benton)
    sql(f"DELETE FROM {table}")  # noqa: S608 - a name of this test

    with pytest.raises(LoadRefused, match="no usable row; nothing was written"):
        load_pacs()

    assert roll_digest(benton) == digest
    assert IngestionRun.objects.latest("pk").status == IngestionRun.Status.FAILED


def test_a_source_that_lost_a_large_part_is_refused(pacs, load_pacs, benton):
    pacs()
    load_pacs()
    digest = roll_digest(benton)
    sql("DELETE FROM prop_supp_assoc WHERE prop_id < 10040")

    with pytest.raises(Exception, match="missing from the source, more than the 10 % allowed"):
        load_pacs()
    assert roll_digest(benton) == digest


def test_a_later_supplement_is_a_new_version(pacs, load_pacs):
    pacs()
    load_pacs()
    before = AssessedValue.objects.get(roll_property__property_id="10002")
    sql("UPDATE prop_supp_assoc SET sup_num = 5 WHERE prop_id = 10002 AND owner_tax_yr = %s", TAX_YEAR)
    for table in ("property_val", "owner", "imprv", "imprv_detail", "imprv_attr"):
        year = "owner_tax_yr" if table == "owner" else "prop_val_yr"
        sql(f"UPDATE {table} SET sup_num = 5 WHERE prop_id = 10002 AND {year} = %s", TAX_YEAR)  # noqa: S608
    sql("UPDATE wash_prop_owner_val SET sup_num = 5 WHERE prop_id = 10002")
    sql("UPDATE property_tax_area SET sup_num = 5 WHERE prop_id = 10002")

    load_pacs()

    versions = AssessedValue.objects.filter(roll_property__property_id="10002").order_by("supplement")
    assert [(version.supplement, version.market_total) for version in versions] == [
        (0, before.market_total),
        (5, before.market_total),
    ]


class Killed(BaseException):
    """As a process ends that is killed: nothing catches it."""


@pytest.fixture(scope="module")
def unbroken():
    """What an unbroken load gave, kept for the tests of the module: the source is the same in each."""
    return []


@pytest.fixture
def whole(pacs, load_pacs, benton, monkeypatch, unbroken):
    """The digest of an unbroken load, taken back again; and small pages, so that there are many points to die at."""
    monkeypatch.setattr(requests, "LegacyQuery", partial(LegacyQuery, page_rows=25))
    pacs(150)
    if not unbroken:
        with transaction.atomic():
            load_pacs()
            unbroken.append(roll_digest(benton))
            transaction.set_rollback(True)
    return unbroken[0]


def count_parts(load_pacs):
    calls = []
    load_pacs(lambda name, rows: calls.append((name, rows)), dry_run=True)
    return len(calls)


@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_a_load_killed_after_any_part_is_resumed_to_the_same_roll(whole, load_pacs, benton, kills):
    parts = count_parts(load_pacs)
    assert parts >= 20
    before = roll_digest(benton)
    for die_at in range(1, parts, max(1, parts // kills)):
        seen = []

        def die(name, rows, seen=seen, die_at=die_at):
            seen.append(rows)
            if len(seen) == die_at:
                raise Killed

        with pytest.raises(Killed):
            load_pacs(die)
        run = IngestionRun.objects.latest("pk")
        assert roll_digest(benton) == before
        before = whole
        again = []
        resumed = load_pacs(lambda name, rows, again=again: again.append(rows), resume=True)

        assert resumed.run.pk == run.pk
        assert len(again) == parts - die_at  # nothing that was staged is read again
        assert roll_digest(benton) == whole


@pytest.mark.parametrize("place", ["fill", "write", "broken_limits", "record", "control_totals", "tie_parcels"])
def test_a_load_killed_in_the_switch_leaves_the_old_roll_and_is_resumed(whole, load_pacs, benton, monkeypatch, place):
    owner = pipeline.Merge if place in ("fill", "write") else pipeline
    real, calls = getattr(owner, place), []
    before = roll_digest(benton)

    def die(*args, **kwargs):
        calls.append(1)
        if len(calls) == (3 if place in ("fill", "write", "control_totals") else 1):
            raise Killed
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, place, die)
    with pytest.raises(Killed):
        load_pacs()
    assert roll_digest(benton) == before
    monkeypatch.setattr(owner, place, real)

    load_pacs(resume=True)

    assert roll_digest(benton) == whole


def test_there_is_nothing_to_resume_of_another_load(pacs, load_pacs):
    pacs()
    with pytest.raises(Exception, match="no interrupted load"):
        load_pacs(resume=True)


@pytest.mark.django_db(transaction=True)
def test_readers_during_reloads_see_the_old_roll_or_the_new_one(pacs, load_pacs, benton):
    """Every reload changes every parcel's neighborhood and value; a reader never sees two of them at once."""
    pacs(60)
    load_pacs()
    stop, seen, wrong = threading.Event(), set(), []

    def read():
        try:
            while not stop.wait(0.02):
                hoods = list(
                    Property.objects.filter(county="benton", retired_at=None).values_list("neighborhood", flat=True)
                )
                if len(hoods) != total or len(set(hoods)) > 1:
                    wrong.append((len(hoods), set(hoods)))
                seen.update(hoods)
        finally:
            connection.close()

    sql("UPDATE property_val SET hood_cd = 'H0'")
    load_pacs()
    total = Property.objects.filter(retired_at=None).count()
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for number in range(1, 21):
            sql("UPDATE property_val SET hood_cd = %s", f"H{number}")
            load_pacs(dataset="parcels")
    finally:
        stop.set()
        for reader in readers:
            reader.join()
        for table in connection.introspection.table_names():
            if table in catalogue():
                sql(f"DROP TABLE {connection.ops.quote_name(table)}")

    assert not wrong
    assert len(seen) > 2
    assert not SaleParcel.objects.filter(sale=None).exists()
