"""The roll's own rules: latest supplement, current rows, owners as they may be shown, the tax year that is open."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.utils import timezone

from terrafusion.roll.current import current_sql
from terrafusion.roll.models import (
    AssessedValue,
    CertifiedRoll,
    Improvement,
    LayerFeature,
    Owner,
    Property,
    Sale,
    SaleParcel,
)
from terrafusion.roll.statements import compiled, stored_rows
from terrafusion.roll.tax_years import TaxYear
from tests.factories import (
    TAX_YEAR,
    AssessedValueFactory,
    ImprovementFactory,
    LayerFeatureFactory,
    OwnerFactory,
    PropertyFactory,
    SaleParcelFactory,
    UserFactory,
    a_county,
    a_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def county(db):
    return a_county("benton")


@pytest.fixture
def house(county):
    return PropertyFactory(county=county, number=1)


# --- Values ---


def test_the_value_of_a_year_is_that_of_its_latest_supplement(county, house):
    other = PropertyFactory(county=county, number=2)
    for of_house, tax_year, supplement in ((house, 2026, 0), (house, 2026, 2), (house, 2025, 7), (other, 2026, 1)):
        AssessedValueFactory(roll_property=of_house, tax_year=tax_year, supplement=supplement)

    of_year = AssessedValue.objects.of_year(2026).values_list("roll_property__property_id", "supplement")
    of_all_years = AssessedValue.objects.of_latest_supplements().filter(roll_property=house)

    assert sorted(of_year) == [("1", 2), ("2", 1)]
    assert sorted(of_all_years.values_list("tax_year", "supplement")) == [(2025, 7), (2026, 2)]


def test_a_filter_on_a_value_never_brings_back_what_a_supplement_superseded(house):
    AssessedValueFactory(roll_property=house, tax_year=2026, market_land=500_000)
    AssessedValueFactory(roll_property=house, tax_year=2026, supplement=1, market_land=100_000)

    assert not AssessedValue.objects.filter(market_land__gt=400_000).of_year(2026).exists()


def test_the_newest_tax_year_is_that_of_the_county_alone(county, house):
    AssessedValueFactory(roll_property=house, tax_year=2025)
    AssessedValueFactory(roll_property=PropertyFactory(county=a_county("king"), number=1), tax_year=2031)

    assert TaxYear.latest(county) == 2025
    assert TaxYear.latest(a_county("demo")) is None


@pytest.mark.parametrize(
    ("tax_year", "certified", "on_roll"),
    [(2026, None, ["1"]), (2026, 2026, ["1", "2"]), (2026, 2025, ["1"]), (2025, None, ["1", "2"]), (2027, None, [])],
)
def test_an_open_roll_holds_current_properties_and_a_closed_one_those_it_had(
    county, house, tax_year, certified, on_roll
):
    gone = PropertyFactory(county=county, number=2, retired_at=timezone.now())
    for of_house in (house, gone):
        for year in (2025, 2026):
            AssessedValueFactory(roll_property=of_house, tax_year=year)
    if certified:
        CertifiedRoll.objects.create(
            county=county, tax_year=certified, supplement=0, values_certified=2, control_totals={},
            certified_by=UserFactory(), certified_at=timezone.now(),
        )  # fmt: skip
    roll = TaxYear(county, tax_year)

    assert sorted(roll.values().values_list("roll_property__property_id", flat=True)) == on_roll
    valued = roll.properties().filter(assessed_values__tax_year=tax_year)
    assert sorted(valued.values_list("property_id", flat=True)) == on_roll


# --- Current rows ---


@pytest.mark.parametrize("model", [Property, Improvement, Owner, Sale, LayerFeature], ids=lambda model: model.__name__)
def test_the_condition_written_in_sql_chooses_the_same_current_rows(county, model):
    for retired_at in (None, timezone.now()):
        parcel = SaleParcelFactory(roll_property__county=county, sale__retired_at=retired_at)
        Property.objects.filter(pk=parcel.roll_property_id).update(retired_at=retired_at)
        ImprovementFactory(roll_property=parcel.roll_property, retired_at=retired_at)
        OwnerFactory(roll_property=parcel.roll_property, retired_at=retired_at)
        LayerFeatureFactory(county=county, retired_at=retired_at)

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT t.id FROM {model._meta.db_table} t WHERE {current_sql('t')}")
        in_sql = sorted(key for (key,) in cursor.fetchall())

    assert in_sql == sorted(model.objects.current().values_list("pk", flat=True))
    assert len(in_sql) == 1


# --- Owners ---


def test_the_latest_owners_are_the_current_ones_of_the_newest_year_that_has_any(county, house):
    OwnerFactory(roll_property=house, name="BEFORE", tax_year=2024)
    OwnerFactory(roll_property=house, name="SMALL SHARE", tax_year=2025, share="0.25")
    OwnerFactory(roll_property=house, name="LARGE SHARE", tax_year=2025, share="0.75")
    OwnerFactory(roll_property=house, name="TAKEN BACK", tax_year=2026, retired_at=timezone.now())
    OwnerFactory(roll_property=PropertyFactory(county=county, number=2), name="NEIGHBOR", tax_year=2027)

    latest = Owner.objects.filter(roll_property=house).of_latest_year().by_share()

    assert [owner.name for owner in latest] == ["LARGE SHARE", "SMALL SHARE"]


@pytest.mark.parametrize(
    ("reader", "shown"),
    [
        ("supervisor", {"OPEN": "PO Box 1", "CONFIDENTIAL": "CONFIDENTIAL"}),
        ("system", {"OPEN": "PO Box 1", "CONFIDENTIAL": "CONFIDENTIAL"}),
        ("superuser", {"OPEN": "PO Box 1", "CONFIDENTIAL": "CONFIDENTIAL"}),
        ("viewer", {None: None}),
        ("supervisor elsewhere", {None: None}),
        ("nobody", {None: None}),
    ],
)
def test_an_owner_is_shown_to_those_who_may_see_names_and_a_confidential_one_to_nobody(county, house, reader, shown):
    readers = {
        "supervisor": a_user("supervisor", county, role="supervisor"),
        "system": None,
        "superuser": UserFactory(is_superuser=True),
        "viewer": a_user("viewer", county, role="viewer"),
        "supervisor elsewhere": a_user("elsewhere", a_county("king"), role="supervisor"),
        "nobody": AnonymousUser(),
    }
    OwnerFactory(roll_property=house, name="OPEN", mailing_address="PO Box 1")
    OwnerFactory(roll_property=house, name="JUDGE", mailing_address="PO Box 2", confidential=True)
    SaleParcelFactory(roll_property=PropertyFactory(county=county, number=2), sale__grantor="OPEN")
    SaleParcelFactory(roll_property=house, sale__grantor="JUDGE")

    owners = Owner.objects.shown_to(readers[reader]).values_list("shown_name", "shown_mailing_address")
    grantors = Sale.objects.parties_shown_to(readers[reader]).values_list("shown_grantor", flat=True)

    assert dict(owners) == shown
    assert set(grantors) == set(shown)


# --- Statements ---


def test_a_compiled_queryset_stands_inside_a_larger_statement(house):
    AssessedValueFactory(roll_property=house, tax_year=TAX_YEAR, market_land=7)
    sql, parameters = compiled(AssessedValue.objects.of_year(TAX_YEAR).values("roll_property_id", "market_land"))

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT v.market_land FROM ({sql}) v WHERE v.roll_property_id = %s", [*parameters, house.pk])

        assert cursor.fetchall() == [(7,)]


def test_sales_divided_as_stored_are_the_same_sales(county, house):
    SaleParcelFactory(roll_property=house, sale__sale_date="2024-08-01")
    SaleParcelFactory(roll_property=house, sale__is_valid=False)
    fields = ("sale__sale_date", "sale__sale_price", "roll_property__quality")

    by_django, of_django = SaleParcel.objects.divided(*fields)
    as_stored, of_stored = SaleParcel.objects.divided(*fields, as_stored=True)

    assert [tuple(map(str, row)) for row in as_stored] == [tuple(map(str, row)) for row in by_django]
    assert of_stored == of_django == {"not_arms_length": 1}
    assert len(stored_rows(SaleParcel.objects.values_list("pk"))) == 2
