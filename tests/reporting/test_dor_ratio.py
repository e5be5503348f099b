"""The Washington ratio report: the rule on paper, then the report on a roll."""

import io
import json
from datetime import date

import pypdf
import pytest
from django.utils import timezone

from reporting.dor_ratio.indicated_ratio import (
    DorSale,
    Strata,
    assessment_year_of,
    county_indicated_ratio,
    indicated_ratio,
    market_value_indicated,
    sale_window,
    sort_sales,
)
from reporting.statistics.ratio_statistics import UnusableSales
from terrafusion.roll.models import AssessedValue, Property
from tests.factories import a_county, a_user, client_of

from .roll import TAX_YEAR, a_sale, an_assessed_market

INSTRUMENTS = ("warranty", "contract")
STRATA = Strata({"Single family": ("11",), "Multi-family": ("12", "13"), "Commercial": ("5",)}, (100_000, 200_000))


def sale(affidavit="1", price=100_000, value=90_000, **fields):
    described = {
        "instrument": "Statutory Warranty Deed", "parcel_numbers": ("1",), "sale_date": date(2025, 6, 1),
        "use_code": "11", "prior_assessed_value": 80_000,
    }  # fmt: skip
    return DorSale(affidavit=affidavit, sale_price=price, assessed_value=value, **described | fields)


def test_the_published_example_comes_out():
    """WAC 458-53-160: three strata; the code prints a sum of 127,871,499, one digit off its own lines."""
    strata = [(21_500_000, 0.773), (23_000_000, 0.528), (50_000_000, 0.885)]

    assert [market_value_indicated(*each) for each in strata] == [27_813_713, 43_560_606, 56_497_175]
    market, ratio = indicated_ratio(strata)
    assert market == 127_871_494
    assert round(100 * ratio, 1) == 73.9


def test_one_percent_comes_off_the_price_to_the_dollar():
    assert sale(price=100_000).adjusted_price == 99_000
    assert sale(price=100_050).adjusted_price == 99_050  # 99,049.50, halves up
    assert sale(price=99_000 * 100 // 99, value=99_000).ratio == 1.0


def test_the_window_runs_from_may_to_april():
    assert assessment_year_of(date(2025, 4, 30)) == 2025
    assert assessment_year_of(date(2025, 5, 1)) == 2026
    whole, dry = sale_window(2026, date(2026, 4, 30)), sale_window(2026, date(2025, 12, 31))
    assert (whole.first, whole.last, whole.is_complete) == (date(2025, 5, 1), date(2026, 4, 30), True)
    assert (dry.last, dry.is_complete) == (date(2025, 12, 31), False)
    with pytest.raises(UnusableSales, match="2025-05-01 to 2026-04-30"):
        sale_window(2026, date(2025, 4, 30))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 0),
        ({"instrument": ""}, 0),
        ({"instrument": "REAL ESTATE CONTRACT"}, 0),
        ({"instrument": "Quit Claim Deed"}, 27),
        ({"invalid_code": 1}, 1),
        ({"price": 0}, 27),
        ({"value": None}, 27),
        ({"value": 0}, 27),
    ],
)
def test_a_valid_sale_needs_a_deed_a_price_and_a_value(fields, code):
    others = [sale(str(each)) for each in range(2, 40)]
    found = sort_sales([sale("1", **fields), *others], INSTRUMENTS)

    assert len(found.valid) == (39 if code == 0 else 38)
    assert [each.invalid_code for each in found.invalid] == ([] if code == 0 else [code])


def test_ratios_out_of_bounds_are_excluded_unless_they_are_over_5_percent():
    fair = [sale(str(each)) for each in range(95)]
    low = [sale(f"low {each}", value=20_000) for each in range(5)]  # 20,000 / 99,000

    few = sort_sales(fair + low, INSTRUMENTS)
    many = sort_sales(fair[:-1] + low, INSTRUMENTS)

    assert [each.invalid_code for each in few.invalid] == [8] * 5
    assert (len(many.valid), len(many.invalid)) == (99, 0)
    assert "more than 5 %" in many.exclusion_note


def test_strata_by_longest_digits_and_included_upper_bounds():
    strata = Strata({"Residential": ("1",), "Apartments": ("13",)}, (100_000,))

    assert [strata.land_use(each) for each in ("11", "13", "59", "")] == ["Residential", "Apartments", "Other", "Other"]
    assert [strata.value_stratum(each) for each in (0, 100_000, 100_001)] == [0, 0, 1]
    assert [strata.value_label(each) for each in (0, 1)] == ["$0 to $100,000", "$100,001 and more"]


def test_a_stratum_without_sales_takes_the_ratio_of_its_land_use_then_of_the_county():
    valid = [sale("1", price=100_000, value=99_000), sale("2", price=200_000, value=99_000, use_code="12")]
    values = {("Single family", 0): 990_000, ("Single family", 2): 500_000, ("Commercial", 1): 300_000}

    found = county_indicated_ratio(valid, values, STRATA)

    by_key = {(each.land_use, each.value_stratum): each for each in found.strata}
    assert by_key["Single family", "$0 to $100,000"].ratio_from == "stratum"
    assert by_key["Single family", "$200,001 and more"].ratio_from == "land use"
    commercial = by_key["Commercial", "$100,001 to $200,000"]
    assert commercial.ratio_from == "county"
    assert commercial.ratio == pytest.approx(198_000 / 297_000)
    assert found.market_value == 990_000 + 500_000 + 450_000
    assert found.ratio == pytest.approx(1_790_000 / 1_940_000)


# --- On a roll ---


@pytest.mark.django_db
def test_the_report_lists_valid_and_invalid_sales_in_the_prescribed_columns(report, content, county):
    houses = an_assessed_market(county, sales=40)
    a_sale(houses[51], "retired", 1000, is_valid=False, retired_at=timezone.now())
    gift = a_sale(houses[50], "gift", 1000, validity_code="family", is_valid=False, instrument="Quit Claim Deed")

    made = json.loads(content(report("dor_ratio_report", format="json", year=TAX_YEAR, as_of=f"{TAX_YEAR}-04-30")))

    valid, invalid = made["tables"]["valid_sales"], made["tables"]["invalid_sales"]
    assert list(valid[0]) == [
        "affidavit", "instrument", "parcel_numbers", "sale_date", "sale_price", "adjusted_price", "land_use_code",
        "assessed_value", "prior_assessed_value", "ratio",
    ]  # fmt: skip
    assert [each["affidavit"] for each in invalid] == [gift.sale_id]
    assert (invalid[0]["code"], invalid[0]["reason"]) == (27, "Other: family")
    in_window = [each for each in valid if each["sale_date"] < f"{TAX_YEAR - 1}-05-01"]
    assert not in_window
    total = made["tables"]["strata"][-1]
    on_roll = sum(AssessedValue.objects.filter(tax_year=TAX_YEAR).values_list("market_total", flat=True))
    assert total["county_assessed_value"] == on_roll == made["headline"]["assessed_value"]
    assert made["headline"]["indicated_ratio"] == pytest.approx(0.95 / 0.99, abs=0.06)
    assert made["headline"]["dry_run"] is False


@pytest.mark.django_db
def test_a_lot_sold_before_its_house_stood_is_no_valid_sale_of_the_house(report, content, county):
    houses = an_assessed_market(county, sales=40)
    Property.objects.filter(pk=houses[50].pk).update(year_built=TAX_YEAR)
    lot = a_sale(houses[50], "lot", 95_000)

    made = json.loads(content(report("dor_ratio_report", format="json", year=TAX_YEAR, as_of=f"{TAX_YEAR}-04-30")))

    (invalid,) = made["tables"]["invalid_sales"]
    assert (invalid["affidavit"], invalid["code"]) == (lot.sale_id, 27)
    assert invalid["reason"] == "Other: The land was sold before its house stood"


@pytest.mark.django_db
def test_a_dry_run_stops_at_its_day_and_says_so(report, content, county):
    an_assessed_market(county)

    whole = report("dor_ratio_report", format="json", year=TAX_YEAR, as_of=f"{TAX_YEAR}-05-05")["result"]["headline"]
    dry = report("dor_ratio_report", as_of=f"{TAX_YEAR - 1}-09-30")

    assert dry["result"]["headline"]["dry_run"] is True
    assert 0 < dry["result"]["headline"]["valid_sales"] < whole["valid_sales"]
    pdf = pypdf.PdfReader(io.BytesIO(content(dry)))
    assert "the window closes on 2026-04-30" in pdf.pages[0].extract_text().replace("\n", " ")


@pytest.mark.django_db
def test_a_deed_of_several_parcels_counts_with_all_their_values_or_not_at_all(report, content, county):
    houses = an_assessed_market(county, sales=20)
    both = a_sale(houses[50], "both", 600_000, parcel_count=2)
    both.parcels.create(roll_property=houses[51])
    a_sale(houses[52], "half", 300_000, parcel_count=2)

    tables = json.loads(content(report("dor_ratio_report", format="json", as_of=f"{TAX_YEAR}-04-30")))["tables"]

    every = {each["affidavit"]: each for each in (*tables["valid_sales"], *tables["invalid_sales"])}
    values = AssessedValue.objects.filter(tax_year=TAX_YEAR, roll_property__in=houses[50:52])
    assert every["both"]["assessed_value"] == sum(values.values_list("market_total", flat=True))
    assert every["both"]["parcel_numbers"].count(";") == 1
    assert every["half"]["assessed_value"] is None
    assert (every["half"]["code"], every["half"]["reason"]) == (27, "Other: a parcel has no assessed value")


@pytest.mark.django_db
def test_the_rule_is_washingtons(report):
    lucas = a_county("lucas")
    analyst = client_of(a_user("lucas_analyst", lucas, role="analyst"))

    assert "not in Washington" in report("dor_ratio_report", by=analyst, in_county=lucas)["message"]


@pytest.mark.django_db
def test_a_year_without_sales_is_a_sentence(report, county):
    an_assessed_market(county, sales=0)

    assert "has no sale from 2025-05-01 to 2025-06-01" in report("dor_ratio_report", as_of="2025-06-01")["message"]
