"""Which sales may speak for a property: one rule, and every plugin asks it."""

from datetime import date

import pytest
from django.utils import timezone

from terrafusion.roll.models import Property, Sale, SaleParcel, SaleReview
from terrafusion.roll.sale_fitness import LeftOut
from tests.factories import a_county
from tests.valuation.roll import a_subject

pytestmark = pytest.mark.django_db


@pytest.fixture
def county(db):
    return a_county("benton")


@pytest.fixture
def sold(county):
    """A property of the county sold once; gives the SaleParcel."""

    def sell(number, day="2024-08-01", price=400_000, *, on=None, sale_id=None, **fields):
        described = {name: fields.pop(name) for name in ("year_built", "retired_at") if name in fields}
        house, day = on or a_subject(county, number, **{"year_built": 1980} | described), date.fromisoformat(day)
        sale = Sale.objects.create(
            county=county,
            sale_id=sale_id or f"S{number}",
            sale_date=day,
            sale_price=price,
            **fields,
        )
        return SaleParcel.objects.create(sale=sale, roll_property=house)

    return sell


def reason(parcel):
    return SaleParcel.objects.judged().get(pk=parcel.pk).left_out


@pytest.mark.parametrize(
    ("day", "year_built", "left_out"),
    [
        ("2024-08-01", 2025, LeftOut.BEFORE_BUILT),
        ("2024-12-31", 2025, LeftOut.BEFORE_BUILT),
        ("2025-01-01", 2025, ""),
        ("2026-03-01", 2025, ""),
        ("2024-08-01", None, ""),
    ],
)
def test_a_lot_sold_before_its_house_stood_is_no_sale_of_the_house(sold, day, year_built, left_out):
    assert reason(sold(1, day, 95_000, year_built=year_built)) == left_out


def test_the_first_reason_that_holds_is_told_and_each_sale_is_counted_once(sold):
    sold(1)
    sold(2, retired_at=timezone.now())
    sold(3, is_valid=False, parcel_count=2)
    sold(4, parcel_count=2, year_built=2025)
    sold(5, price=0)
    sold(6, year_built=2025)

    speaking, counts = SaleParcel.objects.divided("roll_property__property_id")

    assert speaking == [("1",)]
    assert counts == {
        LeftOut.RETIRED: 1,
        LeftOut.NOT_ARMS_LENGTH: 2,
        LeftOut.SEVERAL_PARCELS: 1,
        LeftOut.BEFORE_BUILT: 1,
    }
    assert SaleParcel.objects.fit().get().roll_property.property_id == "1"


def test_a_retired_sale_of_a_current_property_is_left_out(sold):
    parcel = sold(1)
    Sale.objects.update(retired_at=timezone.now())

    assert reason(parcel) == LeftOut.RETIRED


@pytest.mark.parametrize(
    ("coded_valid", "decision", "left_out"),
    [
        (True, "invalid", LeftOut.NOT_ARMS_LENGTH),
        (False, "valid", ""),
        (True, "undecided", ""),
        (False, "undecided", LeftOut.NOT_ARMS_LENGTH),
        (True, None, ""),
        (False, None, LeftOut.NOT_ARMS_LENGTH),
    ],
)
def test_a_reviewers_decision_stands_over_the_countys_code(sold, coded_valid, decision, left_out):
    parcel = sold(1, is_valid=coded_valid)
    if decision:
        SaleReview.objects.create(sale=parcel.sale, decision=decision)

    assert reason(parcel) == left_out
    assert (parcel.sale in Sale.objects.valid()) == (left_out == "")


def test_of_a_deed_that_came_in_twice_one_sale_speaks(sold):
    first = sold(1)
    again = sold(1, on=first.roll_property, sale_id="S1-again")
    sold(1, on=first.roll_property, sale_id="S1-later", day="2024-08-02")
    sold(2)

    assert [reason(first), reason(again)] == ["", LeftOut.DUPLICATE]
    assert SaleParcel.objects.fit().count() == 3


def test_a_twin_that_cannot_speak_itself_does_not_silence_the_other(sold):
    first = sold(1, is_valid=False)
    again = sold(1, on=first.roll_property, sale_id="S1-again")

    assert [reason(first), reason(again)] == [LeftOut.NOT_ARMS_LENGTH, ""]


def test_a_sale_tells_the_same_as_its_parcels(sold, county):
    sold(1)
    first = sold(2)
    sold(2, on=first.roll_property, sale_id="S2-again")
    sold(3, year_built=2025)
    sold(4, retired_at=timezone.now())
    second = sold(5, parcel_count=2)
    SaleParcel.objects.create(sale=second.sale, roll_property=Property.objects.get(property_id="1"))

    of_parcels = SaleParcel.objects.judged().values_list("sale__sale_id", "roll_property_id", "left_out")
    of_sales = Sale.objects.judged().values_list("sale_id", "parcels__roll_property_id", "left_out")

    assert sorted(of_sales) == sorted(of_parcels)
    assert len(of_sales) == 7


def test_a_sale_of_a_parcel_that_the_roll_does_not_hold_may_speak_for_the_market(county):
    Sale.objects.create(county=county, sale_id="S", sale_date=date(2024, 8, 1), sale_price=1)

    assert Sale.objects.judged().get().left_out == ""
