"""A load is signed, its roll certified, and a certified roll stays as it is."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from county_configs.models import County
from ingestion.certification import NotReady, certify, sign_off
from ingestion.pipelines.requests import LoadRequest, run_load
from terrafusion.roll.models import AssessedValue, CertifiedRoll
from tests.factories import AssessedValueFactory, PropertyFactory, a_user

from .small_roll import HEADER, ROWS, act, another_county

pytestmark = pytest.mark.django_db


@pytest.fixture
def loaded(configs, tmp_path, supervisor):
    def load(*rows):
        path = tmp_path / "roll.csv"
        path.write_text("\n".join([HEADER, *rows]))
        mapping = tmp_path / "configs" / "demo" / "mappings.yaml"
        return run_load(LoadRequest(county=configs, source=str(path), mapping=mapping)).run

    return load


def test_a_roll_is_certified_only_after_its_totals_were_signed(loaded, supervisor):
    run = loaded(*ROWS[:2])

    with pytest.raises(NotReady, match="must be signed off first"):
        certify(run, 2026, supervisor)
    sign_off(run, supervisor)
    with pytest.raises(NotReady, match="signed off already"):
        sign_off(run, supervisor)

    closed = certify(run, 2026, supervisor)

    assert (closed.supplement, closed.values_certified) == (0, 2)
    assert closed.control_totals == run.control_totals
    with pytest.raises(NotReady, match="certified up to supplement 0"):
        certify(run, 2026, supervisor)


def test_an_older_load_cannot_be_certified(loaded, supervisor):
    old = loaded(*ROWS[:2])
    sign_off(old, supervisor)
    loaded(ROWS[0].replace("100,200,300", "100,201,301"), ROWS[1])

    with pytest.raises(NotReady, match="not the latest"):
        certify(old, 2026, supervisor)


def test_the_admin_signs_and_an_administrator_certifies(loaded, browser, configs):
    run = loaded(*ROWS[:2])

    assert act(browser, "ingestionrun", "certify_selected", run) == [
        f"{run}: your role lacks the permission manage_county."
    ]
    assert act(browser, "ingestionrun", "sign_selected", run) == [f"{run}: signed off."]
    boss = Client()
    boss.force_login(a_user("boss", configs, role="administrator", is_staff=True))
    assert act(boss, "ingestionrun", "certify_selected", run) == [f"{run}: certified."]
    assert CertifiedRoll.objects.get().tax_year == 2026


@pytest.fixture
def certified(loaded, supervisor):
    run = loaded(*ROWS[:2])
    sign_off(run, supervisor)
    certify(run, 2026, supervisor)
    return AssessedValue.objects.get(roll_property__property_id="A-1")


TABLE, ROLL = "roll_assessedvalue", "roll_certifiedroll"
WRITES = {
    "save": lambda value: value.save(),
    "save of another total": lambda value: _changed(value).save(),
    "update": lambda value: AssessedValue.objects.update(taxable_value=1),
    "update of one": lambda value: AssessedValue.objects.filter(pk=value.pk).update(exempt_value=5),
    "update of the status": lambda value: AssessedValue.objects.update(status="preliminary"),
    "bulk update": lambda value: AssessedValue.objects.bulk_update([_changed(value)], ["market_land", "market_total"]),
    "delete": lambda value: value.delete(),
    "delete of all": lambda value: AssessedValue.objects.all().delete(),
    "raw delete": lambda value: AssessedValue.objects.all()._raw_delete("default"),
    "delete of the property": lambda value: value.roll_property.delete(),
    "a new value": lambda value: _another(value).save(),
    "a new value, in bulk": lambda value: AssessedValue.objects.bulk_create([_another(value)]),
    "update or create": lambda value: AssessedValue.objects.update_or_create(
        pk=value.pk, defaults={"taxable_value": 1}
    ),
    "upsert": lambda value: AssessedValue.objects.bulk_create(
        [_another(value, roll_property=value.roll_property)], update_conflicts=True, update_fields=["taxable_value"],
        unique_fields=["roll_property", "tax_year", "supplement"],
    ),
    "raw update": lambda value: _sql(f"UPDATE {TABLE} SET market_land = market_land"),
    "raw update of the year": lambda value: _sql(f"UPDATE {TABLE} SET tax_year = 2025"),
    "raw delete by sql": lambda value: _sql(f"DELETE FROM {TABLE}"),
    "update of the certificate": lambda value: CertifiedRoll.objects.update(supplement=0),
    "delete of the certificate": lambda value: CertifiedRoll.objects.all().delete(),
    "raw delete of the certificate": lambda value: _sql(f"DELETE FROM {ROLL}"),
    "a value moved into the year": lambda value: _moved_in(value),
}  # fmt: skip


def _changed(value):
    value.market_land, value.market_total = value.market_land + 1, value.market_total + 1
    return value


def _another(value, **fields):
    """A value of the same year, not saved."""
    if "roll_property" not in fields:
        fields["roll_property"] = PropertyFactory(county=value.roll_property.county)
    return AssessedValueFactory.build(**fields)


def _moved_in(value):
    row = _another(value, tax_year=2025)
    row.save()
    AssessedValue.objects.filter(pk=row.pk).update(tax_year=2026)


def _sql(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("how", WRITES)
def test_no_way_of_writing_changes_a_certified_year(certified, how):
    before = list(AssessedValue.objects.order_by("pk").values())

    with pytest.raises(DatabaseError, match="certified roll cannot be changed"), transaction.atomic():
        WRITES[how](certified)

    assert list(AssessedValue.objects.order_by("pk").values()) == before
    assert CertifiedRoll.objects.count() == 1


def test_there_are_20_ways_of_writing():
    assert len(WRITES) >= 20


def test_a_load_that_would_change_a_certified_value_has_that_row_rejected(certified, loaded):
    run = loaded(ROWS[0].replace("100,200,300", "101,200,301"), ROWS[1])

    row = run.rejected_rows.get()
    assert (row.line, row.rule) == (2, "R-CERTIFIED")
    assert "send a correction as a later supplement" in row.reason
    certified.refresh_from_db()
    assert certified.market_total == 300
    assert run.control_totals["main"]["assessed_values"]["headline"]["rejected"]["market_total"] == 301


def test_a_correction_is_a_new_version_and_both_are_seen(certified, loaded, supervisor):
    run = loaded(ROWS[0].replace("2026,0,100,200,300", "2026,1,101,200,301"))

    versions = AssessedValue.objects.filter(roll_property__property_id="A-1").order_by("supplement")
    assert [(version.supplement, version.market_total, version.status) for version in versions] == [
        (0, 300, "certified"),
        (1, 301, "preliminary"),
    ]
    sign_off(run, supervisor)
    assert certify(run, 2026, supervisor).supplement == 1


def test_another_county_may_go_on(certified):
    king = another_county()
    house = PropertyFactory(county=king)

    AssessedValueFactory(roll_property=house)
    AssessedValue.objects.filter(roll_property=house).update(taxable_value=2)

    assert AssessedValue.objects.get(roll_property=house).taxable_value == Decimal(2)
    assert County.objects.count() == 2
