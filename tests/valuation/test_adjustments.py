from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.adjustments import AdjustedSale, Adjustment, MarketDifference, adjust, rate_adjustment, whole_dollars


def test_a_smaller_comparable_gains_value_at_the_countys_rate():
    line = rate_adjustment("living_area_sqft", 2000, 1800, Decimal("95.50"))

    assert line.amount == 19_100  # 200 sq ft x $95.50
    assert line.source == "county rate"


def test_half_a_dollar_is_rounded_away_from_zero():
    assert [whole_dollars(each) for each in (0.5, 1.5, -0.5, 2.49)] == [1, 2, -1, 2]


def test_market_differences_become_dollars_that_add_up():
    # 10 % and -5 % in logs together are 5 %: 200,000 x e^0.05 = 210,254.
    sale = adjust(200_000, [MarketDifference("quality", 0.10), MarketDifference("time", -0.05)], {}, "estimated")

    assert [line.amount for line in sale.adjustments] == [20_508, -10_254]
    assert sale.adjusted_sale_price == 210_254


def test_a_county_rate_replaces_only_its_own_line():
    differences = [MarketDifference("baths", 0.02, 2, 1), MarketDifference("quality", 0.10, 5, 4)]

    sale = adjust(100_000, differences, {"baths": Decimal(7500)}, "estimated from 80 sales")

    assert [(line.name, line.source) for line in sale.adjustments] == [
        ("baths", "county rate"),
        ("quality", "estimated from 80 sales"),
    ]
    assert sale.adjustments[0].amount == 7_500
    assert sale.adjustments[1].amount == 10_517  # 100,000 x (e^0.10 - 1)


def test_net_and_gross_are_percent_of_the_sale_price():
    lines = tuple(Adjustment(name, amount, "") for name, amount in (("a", 30_000), ("b", -10_000)))

    sale = AdjustedSale(200_000, lines)

    assert (sale.adjusted_sale_price, sale.net_percent, sale.gross_percent) == (220_000, 10.0, 20.0)


@given(
    price=st.integers(1_000, 50_000_000),
    logs=st.lists(st.floats(-0.6, 0.6), min_size=1, max_size=14),
)
def test_the_adjusted_price_is_the_price_plus_its_lines_and_near_the_models(price, logs):
    sale = adjust(price, [MarketDifference(str(i), log) for i, log in enumerate(logs)], {}, "estimated")

    assert sale.adjusted_sale_price == price + sum(line.amount for line in sale.adjustments)
    exact = price * 2.718281828459045 ** sum(logs)
    assert sale.adjusted_sale_price == pytest.approx(exact, abs=len(logs) / 2 + 1e-6 * exact)
