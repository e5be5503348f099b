from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from valuation.adjustments import AdjustedSale, Adjustment
from valuation.comparables import Candidates, SearchStep
from valuation.reconciliation import judge, value_range, weighted_value, weights_by_gross_adjustment


def test_the_less_adjusted_comparable_counts_more():
    weights = weights_by_gross_adjustment([10.0, 30.0])  # 1/20 against 1/40

    assert weights == (Decimal("0.666667"), Decimal("0.333333"))


@given(st.lists(st.floats(0, 500), min_size=1, max_size=20))
def test_weights_have_six_decimals_and_sum_to_exactly_one(gross):
    weights = weights_by_gross_adjustment(gross)

    assert sum(weights) == 1
    assert all(weight == weight.quantize(Decimal("0.000001")) and weight > 0 for weight in weights)


def test_the_value_is_the_weighted_sum_to_the_dollar():
    sales = [AdjustedSale(100_000, ()), AdjustedSale(100_001, ())]

    assert weighted_value(sales, [Decimal("0.5"), Decimal("0.5")]) == 100_001  # 100,000.50 rounds up


def test_the_range_is_that_of_the_values_own_fifth_of_the_market():
    fitted = np.log(np.repeat([100_000.0, 200_000.0, 300_000.0, 400_000.0, 500_000.0], 100))
    errors = np.repeat([0.30, 0.05, 0.05, 0.05, 0.05], 100)

    assert value_range(100_000, fitted, errors) == (74_082, 134_986)  # x e^-0.3 and e^0.3
    assert value_range(500_000, fitted, errors) == (475_615, 525_636)  # x e^-0.05 and e^0.05


def _sale(adjustment):
    return AdjustedSale(100_000, (Adjustment("a", adjustment, ""),))


def test_alike_comparables_of_the_neighborhood_give_high_confidence():
    found = Candidates(np.arange(5), (SearchStep("Neighborhood 1040", 5),))

    assert judge([_sale(each) for each in (0, 1_000, 2_000, -1_000, 500)], found, 5).level == "high"


def test_each_weakness_is_a_reason_and_two_make_it_low():
    found = Candidates(np.arange(5), (SearchStep("Neighborhood 1040", 2), SearchStep("within 1 miles", 5)))

    widened = judge([_sale(0)] * 5, found, 5)
    widened_and_few = judge([_sale(0)] * 4, found, 5)

    assert (widened.level, len(widened.reasons)) == ("medium", 1)
    assert (widened_and_few.level, len(widened_and_few.reasons)) == ("low", 2)
