"""The approach as a whole, on markets whose rules the test has set itself."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terrafusion.roll.market_levels import levels_of
from valuation.comparables import (
    CHARACTERISTICS,
    ComparableSalesSettings,
    NotEnoughSales,
    SalesTable,
    Subject,
    find_candidates,
)
from valuation.market_model import fit_market
from valuation.sales_comparison import NamedIndex, SalesComparison, value_by_comparable_sales

DAY = date(2026, 1, 1)
SETTINGS = ComparableSalesSettings()


def a_market(n=300, seed=1, growth=0.06, noise=0.03, neighborhoods=("1040", "1050")):
    """Houses worth 100 x sqft^1 x e^(0.08 quality), rising by `growth` in log a year, with seeded noise."""
    pick = np.random.default_rng(seed)
    area = pick.integers(1_000, 3_000, n).astype(float)
    quality = pick.integers(1, 6, n).astype(float)
    days = pick.integers(1, 730, n)
    x, y = pick.uniform(0, 3_000, (2, n))
    price = 100 * area * np.exp(0.08 * quality - growth * days / 365 + pick.normal(0, noise, n))
    columns = np.full((n, len(CHARACTERISTICS)), np.nan)
    columns[:, CHARACTERISTICS.index("living_area_sqft")] = area
    columns[:, CHARACTERISTICS.index("quality")] = quality
    return SalesTable(
        sale_id=np.array([f"S{i}" for i in range(n)], dtype=object),
        property_id=np.array([f"P{i}" for i in range(n)], dtype=object),
        property_type=np.array(["single_family"] * n, dtype=object),
        neighborhood=pick.choice(np.array(neighborhoods, dtype=object), n),
        sale_date=np.array([DAY - timedelta(days=int(day)) for day in days], dtype="datetime64[D]"),
        sale_price=np.rint(price).astype(np.int64),
        x=x,
        y=y,
        characteristics=columns,
    )


def a_subject(property_id="SUBJECT", neighborhood="1040", area=2_000, quality=3.0, **fields):
    place = {"x": 1_500.0, "y": 1_500.0} | fields
    known = {"living_area_sqft": area, "quality": quality}
    return Subject(property_id, "single_family", neighborhood, place["x"], place["y"], known)


def test_the_value_of_a_known_market_is_found():
    estimate = value_by_comparable_sales(a_subject(), a_market(), DAY, SETTINGS)

    assert estimate.market_value == pytest.approx(100 * 2_000 * np.exp(0.08 * 3), rel=0.04)
    assert estimate.market_value_low < estimate.market_value < estimate.market_value_high


def test_the_markets_rise_is_found():
    estimate = value_by_comparable_sales(a_subject(), a_market(n=2_000), DAY, SETTINGS)

    assert estimate.change_per_year_percent == pytest.approx(100 * np.expm1(0.06), abs=1.0)


def test_the_grid_adds_up():
    estimate = value_by_comparable_sales(a_subject(), a_market(), DAY, SETTINGS).as_json()

    total = Decimal(0)
    for comparable in estimate["comparables"]:
        lines = sum(line["amount"] for line in comparable["adjustments"])
        assert comparable["sale_price"] + lines == comparable["adjusted_sale_price"]
        total += Decimal(comparable["weight"]) * comparable["adjusted_sale_price"]
    assert sum(Decimal(each["weight"]) for each in estimate["comparables"]) == 1
    assert abs(total - estimate["market_value"]) <= Decimal("0.5")


def test_a_sale_on_the_valuation_date_or_later_is_no_comparable():
    sales = a_market(n=60)
    sales.sale_date[:30] = np.datetime64(DAY, "D")

    usable = sales.usable_at(DAY, "single_family", 36)

    assert len(usable) == 30


def test_the_look_back_window_includes_its_first_day():
    sales = a_market(n=2)
    sales.sale_date[:] = np.array(["2024-01-01", "2023-12-31"], dtype="datetime64[D]")

    assert list(sales.usable_at(DAY, "single_family", 24).sale_date) == [np.datetime64("2024-01-01")]


def test_the_subjects_own_sales_neither_compare_nor_take_part_in_the_fit():
    sales = a_market()
    own = a_subject(property_id="P7")
    before = value_by_comparable_sales(own, sales, DAY, SETTINGS)
    sales.sale_price[7] = sales.sale_price[7] * 1.03

    after = value_by_comparable_sales(own, sales, DAY, SETTINGS)

    assert "P7" not in {comparable.property_id for comparable in after.comparables}
    assert after.market_value == before.market_value


def test_leaving_sales_out_gives_what_a_fit_without_them_gives():
    sales = a_market(n=150, noise=0.02)
    market = fit_market(sales)
    rows = np.array([3, 77])
    kept = market.used.copy()
    kept[rows] = False
    penalty = np.linalg.inv(market.inverse) - market.design[market.used].T @ market.design[market.used]
    log_price = market.residuals + market.fitted
    x, y = market.design[kept], log_price[kept]

    again = np.linalg.solve(x.T @ x + penalty, x.T @ y)

    np.testing.assert_allclose(market.coefficients_without(rows), again, atol=1e-9)


def test_the_search_widens_from_the_neighborhood_by_rings_and_says_so():
    sales = a_market(neighborhoods=("1050",))

    found = find_candidates(a_subject(neighborhood="1040"), sales, SETTINGS)

    assert [step.area for step in found.steps][:2] == ["Neighborhood 1040", "within 1 miles"]
    assert found.steps[0].candidates == 0
    assert found.widened


def test_too_few_sales_are_counted_in_a_sentence():
    with pytest.raises(NotEnoughSales, match=r"Neighborhood 1040 has \d valid sales .* at least 5 are needed"):
        value_by_comparable_sales(a_subject(), a_market(n=4), DAY, SETTINGS)


def test_no_sale_at_all_is_a_sentence_too():
    with pytest.raises(NotEnoughSales):
        value_by_comparable_sales(a_subject(), a_market(n=1), date(2020, 1, 1), SETTINGS)


def test_an_unknown_characteristic_is_not_adjusted_and_said():
    subject = a_subject(quality=None)

    estimate = value_by_comparable_sales(subject, a_market(), DAY, SETTINGS)

    for comparable in estimate.comparables:
        (line,) = (adjustment for adjustment in comparable.adjusted.adjustments if adjustment.name == "quality")
        assert line.amount == 0
        assert any("quality" in warning for warning in comparable.warnings)


def test_a_subject_without_a_place_is_valued_and_warned():
    estimate = value_by_comparable_sales(a_subject(x=None, y=None), a_market(), DAY, SETTINGS)

    assert "place is unknown" in estimate.warnings[0]
    assert estimate.comparables[0].distance_miles is None


def test_large_adjustments_are_marked():
    estimate = value_by_comparable_sales(a_subject(area=9_000), a_market(), DAY, SETTINGS)

    assert any("exceeds" in warning for comparable in estimate.comparables for warning in comparable.warnings)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    area=st.integers(600, 5_000),
    quality=st.one_of(st.none(), st.floats(1, 5)),
    own=st.sampled_from(["SUBJECT", "P3"]),
)
def test_one_property_and_a_shared_market_give_the_same_estimate(seed, area, quality, own):
    sales, subject = a_market(n=60, seed=seed), a_subject(property_id=own, area=area, quality=quality)
    shared = SalesComparison(sales, "single_family", DAY, SETTINGS)
    shared.value(a_subject(property_id="P5"))  # another one before it leaves no trace

    assert shared.value(subject) == value_by_comparable_sales(subject, sales, DAY, SETTINGS)


def test_a_named_index_takes_the_place_of_the_trend_and_says_so():
    """The true index brings the market to the same value; one twice as steep moves every price twice as far."""
    sales, subject = a_market(noise=0.01), a_subject()
    truth, steep = (
        NamedIndex("x", levels_of([(DAY - timedelta(days=730), 1.0), (DAY, float(np.exp(2 * growth)))], 0.001))
        for growth in (0.06, 0.12)
    )

    by_index = SalesComparison(sales, "single_family", DAY, SETTINGS, truth).value(subject)
    too_steep = SalesComparison(sales, "single_family", DAY, SETTINGS, steep).value(subject)

    assert by_index.market_value == pytest.approx(100 * 2_000 * np.exp(0.08 * 3), rel=0.01)
    assert by_index.change_per_year_percent == pytest.approx(100 * np.expm1(0.06), abs=0.01)
    lines = {comparable.sale_id: comparable.adjusted.adjustments[0] for comparable in by_index.comparables}
    assert {(line.name, line.source) for line in lines.values()} == {("time", "index x")}
    both = [comparable for comparable in too_steep.comparables if comparable.sale_id in lines]
    assert both
    for each in both:
        assert each.adjusted.adjustments[0].amount == pytest.approx(2 * lines[each.sale_id].amount, rel=0.1)
    assert too_steep.market_value > by_index.market_value
    assert by_index.as_json()["market"]["time_index"] == "x"
    assert by_index.comparables[0].adjusted.adjustments[1].source.startswith("estimated from")


def test_an_index_that_ended_long_ago_is_named():
    old = NamedIndex("old", levels_of([(date(2024, 1, 1), 1.0), (date(2024, 4, 1), 1.01)]))

    estimate = SalesComparison(a_market(), "single_family", DAY, SETTINGS, old).value(a_subject())

    assert any(warning.startswith("No level of the index old in the last") for warning in estimate.warnings)
