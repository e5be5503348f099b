"""What lies at the edge of a window, and which sales belong together: a handful of sales each, checked on paper."""

from datetime import date

import ibis
import pyarrow as pa
import pytest

from market_analysis.analyses.activity import market_activity
from market_analysis.analyses.screening import sales_screening as screening
from market_analysis.answer import Question
from market_analysis.areas.area_statistics import area_statistics
from market_analysis.areas.market_activity import activity_by_period, monthly_volume, resales
from market_analysis.indices.index_sales import index_sales
from market_analysis.indices.repeat_sales import sale_pairs
from market_analysis.screening import sales_screening
from market_analysis.screening.sales_screening import Thresholds, screen
from market_analysis.selection import Selection
from terrafusion.analytics.engine import Market
from terrafusion.analytics.tables import ASSESSED_VALUES, PROPERTIES, SALES

HOUSE = {
    "sale_price": 400_000, "validity_code": "", "coded_valid": True, "left_out": "", "parcel_count": 1,
    "zip_code": "98101", "neighborhood": "N1", "property_type": "single_family", "property_class": "residential",
    "use_code": "11", "tax_code_area": "T1", "situs_city": "Demo City", "living_area_sqft": 1800,
}  # fmt: skip
SCREENING = {"include_invalid": False, "deviations": 3.0, "resale_days": 180, "group_size": 15}


def market_of(*sales, houses=10, first=None, last=None):
    """sales: (property, day, other columns). first, last: the snapshot's days where other sales reach further."""
    backend = ibis.duckdb.connect()
    rows = [
        HOUSE | {"sale_key": key, "sale_id": f"S{key}", "property_key": house, "property_id": str(house)}
        | {"sale_date": date.fromisoformat(day)} | other
        for key, (house, day, other) in enumerate(sales, 1)
    ]  # fmt: skip
    standing = [HOUSE | {"property_key": each, "property_id": str(each), "on_roll": True} for each in range(houses)]
    values = ASSESSED_VALUES.append(pa.field("tax_year", pa.int64()))
    tables = {
        "sales": pa.Table.from_pylist(rows, SALES),
        "properties": pa.Table.from_pylist(standing, PROPERTIES),
        "assessed_values": values.empty_table(),
    }
    days = [row["sale_date"] for row in rows]
    for name, table in tables.items():
        backend.con.register(name, table)
    return Market(backend, *(backend.table(name) for name in tables), first or min(days), last or max(days))


def sold(house, day, **other):
    return house, day, other


def test_a_flip_counts_where_it_ends_though_it_began_before_the_window():
    market = market_of(sold(1, "2023-12-01"), sold(1, "2024-02-01"), sold(2, "2024-02-01"), sold(2, "2025-01-05"))

    (row,) = market.rows(resales(market.sales, Selection(date(2024, 1, 1), date(2024, 12, 31))))

    assert (row["period"], row["n"], row["days_held"]) == (2024 * 4, 1, 62)


def test_a_quick_resale_over_the_edge_of_the_window_is_seen_from_both_sides():
    market = market_of(
        sold(1, "2023-12-01"), sold(1, "2024-02-01", sale_price=500_000), sold(1, "2025-06-01", sale_price=450_000)
    )  # fmt: skip
    late = Selection(date(2024, 1, 1), date(2024, 12, 31))
    early = Selection(None, date(2023, 12, 31))

    (second,) = screen(market, late, Thresholds(), (), False)
    (first,) = screen(market, early, Thresholds(), (), False)

    assert [reason.code for reason in second.reasons] == ["quick_resale"]
    assert [reason.code for reason in first.reasons] == ["sold_again_soon"]


def test_related_names_alone_are_a_reason_however_many_there_are(monkeypatch):
    monkeypatch.setattr(sales_screening, "KEYS_AT_A_TIME", 2)
    market = market_of(*(sold(each, f"2024-03-{1 + each:02}") for each in range(7)))
    within = Selection(date(2024, 3, 2), None)

    found = screen(market, within, Thresholds(), {1, 2, 3, 5, 7, 99}, False)

    assert [each.sale_key for each in found] == [2, 3, 5, 7], "1 lies before the window; 99 is none of its sales"
    assert {reason.code for each in found for reason in each.reasons} == {"related_names"}


def test_a_sale_with_one_reason_twice_counts_once():
    market = market_of(sold(1, "2024-01-01"), sold(1, "2024-02-01"), sold(1, "2024-03-01"))

    summary = screening(Question(market, Selection(), SCREENING)).numbers

    assert summary["reasons"] == {"same_price": 3}


@pytest.mark.parametrize("period", ["month", "quarter", "year"])
def test_the_volume_of_months_is_the_same_whatever_the_period(period):
    days = ["2023-12-31", "2024-01-01", "2024-01-31", "2024-03-05", "2024-12-31"]
    market = market_of(*(sold(each, day) for each, day in enumerate(days)))
    rows = market.rows(activity_by_period(market.sales, Selection(period=period)))

    found = {each["period"] - 2024 * 12: each["n"] for each in monthly_volume(rows, period)}

    assert found == {-1: 1, 0: 2, 2: 1, 11: 1}


def test_turnover_is_a_year_s_whatever_part_of_it_the_data_cover():
    """Ten houses, five sold in the first half of 2024, then nothing more is known: a whole turnover of them a year."""
    sales = [sold(each, f"2024-0{1 + each}-10") for each in range(5)]
    market = market_of(*sales, first=date(2024, 1, 1), last=date(2024, 7, 1))

    answer = market_activity(Question(market, Selection(minimum_sales=3), {"flip_days": 365}))
    (area,) = area_statistics(market, Selection(), "zip_code")
    half = market_activity(Question(market, Selection(None, date(2024, 5, 16)), {"flip_days": 365}))

    assert answer.numbers["turnover_percent_per_year"] == pytest.approx(100, abs=0.5)
    assert area.turnover == pytest.approx(1, abs=0.005)
    assert [trend["too_few_sales"] for trend in answer.trends] == [False, True]
    # 46 of the 91 days of the second quarter, two sales: 16 a year for ten houses.
    assert half.trends[1]["turnover_percent_per_year"] == pytest.approx(100 * 2 * 4 * 91 / 46 / 10, abs=0.01)


def test_a_sale_that_the_roll_leaves_out_is_in_no_index():
    market = market_of(
        sold(1, "2020-05-01", sale_price=90_000, left_out="before_built"), sold(1, "2022-05-01"), sold(2, "2020-05-01")
    )

    assert index_sales(market, Selection()).sale_price.tolist() == [400_000, 400_000]


@pytest.mark.parametrize(
    ("effective_year", "pairs"), [(2019, 1), (2020, 1), (2021, 0), (2022, 0), (2023, 1), (None, 1)]
)
def test_a_house_renewed_between_its_two_sales_is_no_pair(effective_year, pairs):
    described = {"year_built": 1950, "effective_year": effective_year}
    market = market_of(sold(1, "2020-05-01", **described), sold(1, "2022-05-01", **described))

    assert len(sale_pairs(index_sales(market, Selection()))) == pairs
