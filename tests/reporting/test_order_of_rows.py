"""No figure may depend on the order in which the sales happen to stand, whatever they have in common."""

import math
from itertools import permutations

import assesspy
import numpy as np
import pytest

from reporting.ratio_study.study import study_ratios
from reporting.statistics.intervals import bootstrap_intervals, bootstrap_replicates, median_interval
from reporting.statistics.ratio_statistics import (
    coefficient_of_dispersion,
    coefficient_of_variation,
    mean_ratio,
    median_ratio,
    order_free_sum,
    price_related_differential,
    weighted_mean_ratio,
)
from reporting.statistics.sales_chasing import compare_sold_with_unsold, ratios_bunch_at_one
from reporting.statistics.trimming import TRIM_RULES, trim
from reporting.statistics.vertical_equity import (
    gini_in_price_order,
    kakwani_index,
    modified_kakwani_index,
    price_quantile_medians,
    price_related_bias,
    vertical_equity_indicator,
)

from .sales import believable, sales_of, settings_of


def tied_sales(n, prices=40, seed=5):
    """(assessed values, prices): round prices that many sales share, values in dollars and cents."""
    rng = np.random.default_rng(seed)
    of_sale = rng.integers(10, 10 + prices, n) * 12_500.0
    return np.round(of_sale * np.exp(rng.normal(-0.05, 0.2, n)), 2), of_sale


def every_figure(assessed, prices):
    """All that a study computes of these sales, as text to the last bit."""
    ratios = assessed / prices
    return repr(
        [
            median_ratio(ratios), mean_ratio(ratios), weighted_mean_ratio(assessed, prices),
            coefficient_of_dispersion(ratios), coefficient_of_variation(ratios),
            price_related_differential(assessed, prices), price_related_bias(assessed, prices),
            kakwani_index(assessed, prices), modified_kakwani_index(assessed, prices),
            vertical_equity_indicator(assessed, prices), price_quantile_medians(assessed, prices),
            median_interval(ratios), bootstrap_intervals(assessed, prices, replicates=20, threads=1),
            [trim(ratios, rule).trimmed for rule in TRIM_RULES], ratios_bunch_at_one(ratios),
            compare_sold_with_unsold(ratios, prices, replicates=20),
        ]
    )  # fmt: skip


@pytest.mark.parametrize("sales", [tied_sales(400), believable(301), tied_sales(25, prices=3)])
def test_two_hundred_shuffles_give_one_number(sales):
    assessed, prices = sales
    rng = np.random.default_rng(9)

    orders = (rng.permutation(len(prices)) for _ in range(200))

    assert {every_figure(assessed[order], prices[order]) for order in orders} == {every_figure(assessed, prices)}


def test_a_roll_loaded_in_another_order_gives_the_same_study():
    """Deeds of one day and one price, with keys that say nothing of the order."""
    assessed, prices = tied_sales(120)
    sales = sales_of(assessed, prices, neighborhood=["1", "2", "3"] * 40)
    settings = settings_of(strata=["neighborhood", "value_decile"], trim_rule="iqr_1_5")

    first = study_ratios(sales, settings)
    shuffled = sales.at(np.random.default_rng(2).permutation(120))
    second = study_ratios(shuffled, settings)

    assert repr((first.overall, first.strata, first.sensitivity)) == repr(
        (second.overall, second.strata, second.sensitivity)
    )
    assert shuffled.digest() == sales.digest()


def test_sales_at_one_price_share_their_ranks():
    """On paper: prices 1 2 2 3; values 1 4 2 3. Ranks 1, 2.5, 2.5, 4: 2 x (1 + 2.5 x 6 + 12) / (4 x 10) - 5/4."""
    assessed, prices = np.array([1.0, 4.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0, 3.0])

    assert gini_in_price_order(assessed, prices) == pytest.approx(2 * 28 / 40 - 1.25, rel=1e-15)
    assert gini_in_price_order(prices, prices) == pytest.approx(2 * 23 / 32 - 1.25, rel=1e-15)


@pytest.mark.parametrize("measure", ["ki", "mki"])
def test_where_prices_tie_it_is_the_average_over_every_order_they_could_stand_in(measure):
    assessed, prices = np.array([70.0, 130, 90, 40, 220]), np.array([100.0, 100, 150, 50, 150])
    ours = {"ki": kakwani_index, "mki": modified_kakwani_index}[measure](assessed, prices)
    theirs = getattr(assesspy, measure)

    # The reference keeps the given order among equal prices, so every order of the rows is one order of the ties.
    orders = [theirs(assessed[list(order)], prices[list(order)]) for order in permutations(range(5))]

    assert max(orders) - min(orders) > 0.01
    assert ours == pytest.approx(np.mean(orders), rel=1e-9)


def test_where_nothing_ties_it_is_the_reference():
    rng = np.random.default_rng(1)
    prices = rng.permutation(np.arange(100_000.0, 103_000.0))
    assessed = prices * np.exp(rng.normal(0, 0.2, 3000))

    assert kakwani_index(assessed, prices) == pytest.approx(assesspy.ki(assessed, prices), rel=1e-9)
    assert modified_kakwani_index(assessed, prices) == pytest.approx(assesspy.mki(assessed, prices), rel=1e-9)


def test_a_replicate_of_tied_sales_is_what_the_plain_functions_say():
    """Every resample of three sales, two of them at one price, is known; each replicate must be one of them."""
    assessed, prices = np.array([90_000.0, 120_000.0, 190_000.0]), np.array([100_000.0, 100_000.0, 200_000.0])
    possible = set()
    for picks in np.ndindex(3, 3, 3):
        drawn, paid = assessed[list(picks)], prices[list(picks)]
        possible.add((round(kakwani_index(drawn, paid), 9) + 0.0, round(mean_ratio(drawn / paid), 9)))

    found = bootstrap_replicates(assessed, prices, replicates=300, seed=2)

    assert {(round(row[5], 9) + 0.0, round(row[1], 9)) for row in found} == possible


@pytest.mark.parametrize(
    "numbers",
    [
        [1e16, 1.0, -1e16, 1.0, 0.25],
        [0.1] * 10,
        [0.0, 0.0],
        [],
        [5e-324, 1.0],
        list(np.random.default_rng(0).normal(0, 1e6, 5000)),
    ],
)
def test_a_sum_is_the_same_in_any_order_and_as_exact_as_a_double_can_be(numbers):
    """math.fsum is the exactly rounded sum; ours may differ from it in the last digit alone."""
    rng = np.random.default_rng(3)
    values = np.array(numbers, dtype=np.float64)

    found = {order_free_sum(rng.permutation(values)) for _ in range(50)}

    assert len(found) == 1
    assert found.pop() == pytest.approx(math.fsum(numbers), rel=1e-15, abs=1e-9 if len(numbers) > 10 else 0)
