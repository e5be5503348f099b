"""The measures against published tables, the reference figures, the oracle, and numbers checked on paper."""

import json
import threading
from functools import partial
from itertools import accumulate

import assesspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.statistics import intervals
from reporting.statistics.intervals import bootstrap_intervals, bootstrap_replicates, median_interval
from reporting.statistics.ratio_statistics import (
    NotEnoughSales,
    UnusableSales,
    coefficient_of_dispersion,
    coefficient_of_variation,
    mean_ratio,
    median_ratio,
    price_related_differential,
    sale_ratios,
    weighted_mean_ratio,
)
from reporting.statistics.sales_chasing import compare_sold_with_unsold, ratios_bunch_at_one
from reporting.statistics.trimming import TRIM_RULES, trim
from reporting.statistics.vertical_equity import (
    PERCENTILE_R6,
    PERCENTILE_R7,
    ROUND_HALF_UP,
    gini_in_price_order,
    kakwani_index,
    modified_kakwani_index,
    price_quantile_medians,
    price_related_bias,
    value_proxy,
    vertical_equity_indicator,
)

from ..conftest import SHARED_DATA

REFERENCE = SHARED_DATA.parent / "research" / "assesspy_reference.json"
TABLES = ("iaao_table_1_1", "iaao_table_1_4", "iaao_table_d_1", "iaao_table_d_2", "quintos_sample", "iaao_draft_54")
SAMPLES = ("all", "trimmed_iqr3", "Evanston", "New Trier")


def exactly(value):
    return pytest.approx(value, rel=1e-12)


def close(value):
    return pytest.approx(value, rel=1e-9)


@pytest.fixture(scope="module")
def reference():
    if not REFERENCE.exists():
        pytest.skip("The reference figures are not beside the project.")
    return json.loads(REFERENCE.read_text())


@pytest.fixture(scope="module")
def ccao():
    """The oracle's own sample: (assessed values, prices, township)."""
    sample = assesspy.ccao_sample()
    return (
        sample["estimate"].to_numpy(float),
        sample["sale_price"].to_numpy(float),
        sample["township_name"].to_numpy(str),
    )


def of_sample(name, ccao):
    assessed, prices, township = ccao
    chosen = {"all": slice(None), "trimmed_iqr3": trim(assessed / prices, "iqr_3").stays}.get(name, township == name)
    return assessed[chosen], prices[chosen]


def assert_point_statistics(expected, assessed, prices):
    ratios = sale_ratios(assessed, prices)
    assert len(ratios) == expected["n"]
    assert median_ratio(ratios) == close(expected["median_ratio"])
    assert mean_ratio(ratios) == close(expected["mean_ratio"])
    assert weighted_mean_ratio(assessed, prices) == close(expected["weighted_mean_ratio"])
    assert coefficient_of_dispersion(ratios) == close(expected["cod"])
    assert price_related_differential(assessed, prices) == close(expected["prd"])
    assert_kakwani(expected, np.asarray(assessed, dtype=float), np.asarray(prices, dtype=float))
    for confidence in (0.95, 0.90):
        bias = price_related_bias(assessed, prices, confidence)
        assert bias.slope == close(expected["prb"])
        if bounds := expected.get(f"prb_ci_{round(100 * confidence)}_analytic"):
            assert [bias.low, bias.high] == close(bounds)


def assert_kakwani(expected, assessed, prices):
    """The reference takes sales at one price as they happen to stand. The average over all orders is the figure of
    sales that each have the mean value of their price, which no order changes."""
    paid, at_price = np.unique(prices, return_inverse=True)
    shared = (np.bincount(at_price, assessed) / np.bincount(at_price))[at_price]
    assert kakwani_index(assessed, prices) == close(assesspy.ki(shared, prices))
    assert modified_kakwani_index(assessed, prices) == close(assesspy.mki(shared, prices))
    if len(paid) == len(prices):
        assert kakwani_index(assessed, prices) == close(expected["ki"])
        assert modified_kakwani_index(assessed, prices) == close(expected["mki"])
    else:
        rising, falling = (np.lexsort([sign * assessed, prices]) for sign in (1, -1))
        lowest, highest = (assesspy.ki(assessed[order], prices[order]) for order in (falling, rising))
        assert lowest <= kakwani_index(assessed, prices) <= highest
        assert lowest - 1e-12 <= expected["ki"] <= highest + 1e-12


@pytest.mark.parametrize("name", TABLES)
def test_published_tables_come_out_to_a_billionth(reference, name):
    table = reference["fixtures"][name]

    assert_point_statistics(table, table["estimate"], table["sale_price"])


@pytest.mark.parametrize("name", [name for name in TABLES if name != "iaao_draft_54"])
def test_published_roundings_come_out(reference, name):
    table = reference["fixtures"][name]
    assessed, prices = table["estimate"], table["sale_price"]
    ours = {
        "cod": coefficient_of_dispersion(sale_ratios(assessed, prices)),
        "prd": price_related_differential(assessed, prices),
        "prb": price_related_bias(assessed, prices).slope,
        "ki": kakwani_index(assessed, prices),
        "mki": modified_kakwani_index(assessed, prices),
    }
    for measure, published in table["published_rounded"].items():
        digits = len(str(published).partition(".")[2])
        # One unit of the last digit: the standard prints PRB 0.135 where the full figure is 0.13549.
        assert ours[measure] == pytest.approx(published, abs=10**-digits), measure


@pytest.mark.parametrize("name", SAMPLES)
def test_the_sample_of_cook_county_comes_out_to_a_billionth(reference, ccao, name):
    expected, (assessed, prices) = reference[name], of_sample(name, ccao)

    assert_point_statistics(expected, assessed, prices)
    ratios = assessed / prices
    assert trim(ratios, "iqr_3").trimmed == expected["n_outliers_iqr3"]
    assert trim(ratios, "iqr_1_5").trimmed == expected["n_outliers_iqr1.5"]
    assert trim(ratios, "percentile_5_95").trimmed == expected["n_outliers_quantile_5_95"]
    jump, bunched = ratios_bunch_at_one(ratios)
    assert (jump, bunched) == (expected["sales_chased_cdf"], expected["sales_chased_dist"])
    assert (jump and bunched) == expected["sales_chased_both"]


@pytest.mark.parametrize("name", SAMPLES)
def test_bootstrap_intervals_agree_within_monte_carlo_error(reference, ccao, name):
    """The quantile of 1,000 replicates wanders by about 5 % of the width; both sides do, so three times that."""
    assessed, prices = of_sample(name, ccao)
    ours = bootstrap_intervals(assessed, prices, replicates=10_000, seed=1)
    for measure in ("cod", "prd"):
        low, high = reference[name][f"{measure}_ci_95_boot1000_seed0"]
        assert ours[measure].low == pytest.approx(low, abs=0.15 * (high - low))
        assert ours[measure].high == pytest.approx(high, abs=0.15 * (high - low))


def assert_vei(expected, assessed, prices, grouping=PERCENTILE_R7):
    ours = vertical_equity_indicator(assessed, prices, grouping)
    assert ours.method.endswith(grouping)
    assert ours.vei == close(expected["vei"])
    assert ours.significance == close(expected["significance"])
    assert len(ours.groups) == expected["k"]
    for group, wanted in zip(ours.groups, expected["groups"], strict=True):
        assert group.sales == wanted["n"]
        assert group.median_value == close(wanted["median_proxy"])
        assert group.median_ratio == close(wanted["median"])
        bounds = [wanted["lo90"], wanted["hi90"]]
        if group.sales == 97:  # the reference took ranks 41 and 57, which enclose the median 89.6 % of the time
            assert (group.interval.low_rank, group.interval.high_rank) == (40, 58)
            assert group.interval.low <= bounds[0] < bounds[1] <= group.interval.high
        else:
            assert [group.interval.low, group.interval.high] == close(bounds)


def test_the_drafts_own_54_sales_give_its_published_vei(reference):
    table = reference["fixtures"]["iaao_draft_54"]
    assert_vei(table["vei"]["R7"], table["estimate"], table["sale_price"])

    ours = vertical_equity_indicator(table["estimate"], table["sale_price"])
    published = table["vei"]["published_draft_2026_R7"]
    assert round(ours.vei, 2) == published["vei"]
    assert round(ours.significance, 2) == published["significance"]
    assert not ours.is_acceptable


def test_another_grouping_gives_another_vei_and_names_itself(reference):
    table = reference["fixtures"]["iaao_draft_54"]
    assessed, prices = table["estimate"], table["sale_price"]
    assert_vei(table["vei"]["R6"], assessed, prices, PERCENTILE_R6)

    rounded = vertical_equity_indicator(assessed, prices, ROUND_HALF_UP)
    wanted = table["vei"]["round_half_up_groups"]
    assert [group.sales for group in rounded.groups] == wanted["group_sizes"]
    assert rounded.vei == close(wanted["vei"])
    # The draft of 2025 printed it from rounded medians.
    assert rounded.vei == pytest.approx(table["vei"]["published_draft_2025"]["vei"], abs=0.1)


def test_the_vei_proxy_takes_half_of_both(reference, ccao):
    """Without the second half the sign of this sample's VEI turns."""
    assert_vei(reference["all"]["vei_R7"], *of_sample("all", ccao))


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 600))
def test_the_oracle_agrees_on_any_sales(seed, n):
    rng = np.random.default_rng(seed)
    prices = np.round(np.exp(rng.normal(12.5, 0.6, n)), -2)
    assessed = np.round(prices * np.exp(rng.normal(-0.05, 0.2, n)), -2)
    ratios = assessed / prices
    assert coefficient_of_dispersion(ratios) == close(assesspy.cod(assessed, prices))
    assert price_related_differential(assessed, prices) == close(assesspy.prd(assessed, prices))
    assert price_related_bias(assessed, prices).slope == pytest.approx(assesspy.prb(assessed, prices), rel=1e-8)


# --- On paper ---


def test_cod_is_the_average_percent_deviation_from_the_median_ratio():
    assert coefficient_of_dispersion([0.80, 0.90, 1.00, 1.10, 1.20]) == exactly(12.0)  # .20 .10 0 .10 .20


def test_cov_is_the_standard_deviation_in_percent_of_the_mean():
    assert coefficient_of_variation([0.8, 1.0, 1.2]) == exactly(20.0)  # variance (.04 + 0 + .04) / 2


def test_prd_is_the_mean_over_the_weighted_mean():
    # ratios 1.0 and 0.5: mean .75; 200,000 of 300,000: weighted mean .6667
    assert price_related_differential([100_000, 100_000], [100_000, 200_000]) == exactly(1.125)


def test_prb_is_the_fall_of_the_ratio_for_each_doubling_of_value():
    # Prices chosen so that the proxy doubles while the ratio falls by 0.05: ratios 1.05 1.00 0.95.
    ratios = np.array([1.05, 1.00, 0.95])
    prices = 200_000 * np.array([0.5, 1.0, 2.0]) / (0.5 + 0.5 * ratios)

    assert price_related_bias(ratios * prices, prices).slope == exactly(-0.05)


def test_fourteen_sales_at_90_percent_give_ranks_4_and_11():
    interval = median_interval(np.arange(1, 15), 0.90)

    assert (interval.low_rank, interval.high_rank) == (4, 11)
    assert (interval.low, interval.high) == (4, 11)


@pytest.mark.parametrize(("confidence", "fewest"), [(0.90, 5), (0.95, 6), (0.99, 8), (0.5, 2)])
def test_the_interval_of_the_median_is_never_too_narrow(confidence, fewest):
    """Exactly, by counting coin tosses: how often fewer than the low rank of n sales lie below the median."""
    for n in range(fewest, 601):
        interval = median_interval(np.arange(1, n + 1), confidence)
        assert interval.low_rank + interval.high_rank == n + 1
        below = list(accumulate(tosses(n, interval.low_rank + 2)))
        exact = 1 - 2 * below[interval.low_rank - 1] / 2**n
        assert confidence <= exact == pytest.approx(interval.coverage, abs=1e-9), n
        assert 1 - 2 * below[interval.low_rank + 1] / 2**n < confidence, "two ranks less on each side would not do"


def tosses(n, heads):
    """In how many ways n tosses give 0, 1, ... heads; so many numbers."""
    ways = 1
    for k in range(heads):
        yield ways
        ways = ways * (n - k) // (k + 1)


@pytest.mark.parametrize(("confidence", "n", "fewest"), [(0.90, 4, 5), (0.95, 5, 6), (0.99, 7, 8), (0.95, 1, 6)])
def test_where_no_two_sales_enclose_the_median_often_enough_it_says_so(confidence, n, fewest):
    """Lowest and highest of n miss the median with 2 / 2^n: 12.5 % for four, 6.25 % for five."""
    with pytest.raises(NotEnoughSales, match=f"at least {fewest} valid sales at {100 * confidence:g} %; there are {n}"):
        median_interval(np.arange(1, n + 1), confidence)


@pytest.mark.parametrize(("n", "confidence", "ranks"), [(29, 0.90, (10, 20)), (5, 0.90, (1, 5)), (6, 0.95, (1, 6))])
def test_ranks_counted_up_and_down_from_the_middle(n, confidence, ranks):
    """29 sales: 1.645 x 5.385 / 2 = 4.43, so five up and five down from the 15th."""
    interval = median_interval(np.arange(1, n + 1), confidence)

    assert (interval.low_rank, interval.high_rank) == ranks


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("none", [0.2, 0.9, 0.95, 1.0, 1.05, 1.1, 3.0]),
        ("iqr_1_5", [0.9, 0.95, 1.0, 1.05, 1.1]),
        ("iqr_3", [0.9, 0.95, 1.0, 1.05, 1.1]),
    ],
)
def test_fences_cut_once(rule, kept):
    ratios = np.array([0.2, 0.9, 0.95, 1.0, 1.05, 1.1, 3.0])

    assert ratios[trim(ratios, rule).stays].tolist() == kept


def test_the_washington_bounds_stay_in_and_the_rule_yields_when_it_would_drop_over_5_percent():
    hundred = np.concatenate([np.full(96, 1.0), [0.25, 1.75, 0.2499, 1.7501]])
    few = trim(hundred, "washington")
    assert (few.trimmed, few.stays[-2:].tolist(), few.stays[-4:-2].tolist()) == (2, [False, False], [True, True])

    exactly_five = trim(np.concatenate([np.full(95, 1.0), np.full(5, 2.0)]), "washington")
    assert exactly_five.trimmed == 5
    over_five = trim(np.concatenate([np.full(94, 1.0), np.full(6, 2.0)]), "washington")
    assert over_five.trimmed == 0
    assert "more than 5 %" in over_five.note


@settings(deadline=None)
@given(
    st.lists(st.floats(0.05, 5), min_size=1, max_size=60),
    st.sampled_from(["iqr_1_5", "iqr_3", "percentile_5_95", "washington"]),
)
def test_trimming_never_drops_the_median(ratios, rule):
    kept = trim(ratios, rule).stays
    assert kept.any()
    middle = np.median(ratios)
    inside = np.array(ratios)[kept]
    assert inside.min() <= middle <= inside.max()


def test_price_fifths_hold_a_fifth_of_the_sales_each():
    groups = price_quantile_medians(np.arange(1, 101) * 0.9, np.arange(1, 101))

    assert [group.sales for group in groups] == [20] * 5
    assert [group.median_ratio for group in groups] == [pytest.approx(0.9)] * 5


def test_equal_prices_fall_into_one_group():
    assert [median.sales for median in price_quantile_medians(np.full(30, 90), np.full(30, 100))] == [30]


# --- The bootstrap ---


def some_sales(n, seed=3):
    rng = np.random.default_rng(seed)
    prices = np.exp(rng.normal(12.5, 0.6, n))
    return prices * np.exp(rng.normal(-0.05, 0.2, n)), prices


@pytest.mark.parametrize("n", [2, 3, 10, 101, 1000])
def test_the_numbers_do_not_depend_on_the_number_of_threads(n):
    alone = bootstrap_replicates(*some_sales(n), replicates=60, seed=5, threads=1)

    for threads in (2, 5):
        assert np.array_equal(alone, bootstrap_replicates(*some_sales(n), 60, 5, threads), equal_nan=True)
    assert not np.array_equal(alone, bootstrap_replicates(*some_sales(n), 60, 6, 1), equal_nan=True)


@pytest.mark.parametrize("n", [2, 3, 4, 9, 40])
def test_a_replicate_is_what_the_plain_functions_say_of_some_sample(n):
    """Every resample of two or three sales is known, so each replicate must be one of them; larger ones by bounds."""
    assessed, prices = some_sales(n)
    found = bootstrap_replicates(assessed, prices, replicates=200, seed=2)
    if n > 3:
        ratios = assessed / prices
        assert (found[:, 0] >= ratios.min()).all()
        assert (found[:, 0] <= ratios.max()).all()
        assert found[:, 1].mean() == pytest.approx(ratios.mean(), rel=0.05)
        return
    possible = set()
    for picks in np.ndindex(*[n] * n):
        a, p = assessed[list(picks)], prices[list(picks)]
        point = (median_ratio(a / p), mean_ratio(a / p), weighted_mean_ratio(a, p))
        point += (coefficient_of_dispersion(a / p), price_related_differential(a, p), kakwani_index(a, p))
        possible.add(tuple(np.round(point, 9) + 0.0))
    assert {tuple(row) for row in np.round(found[:, :6], 9) + 0.0} == possible


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """200 studies of 150 sales: the true weighted mean is in the 90 % interval in 83 to 96 % of them."""
    rng = np.random.default_rng(8)
    inside = 0
    for study in range(200):
        prices = np.exp(rng.normal(12.5, 0.4, 150))
        assessed = prices * 0.95 * rng.lognormal(-0.02, 0.2, 150)
        interval = bootstrap_intervals(assessed, prices, 0.90, 400, study, 1)["weighted_mean"]
        inside += interval.low <= 0.95 <= interval.high
    assert 166 <= inside <= 192


# --- Bad input ---


@pytest.mark.parametrize(
    ("assessed", "prices", "sentence"),
    [
        ([], [], "at least one valid sale"),
        ([1, 2], [0, 5], "1 of 2 sale prices are zero, negative or not a number"),
        ([1, 2], [-5, 5], "1 of 2 sale prices"),
        ([1, 2], [np.nan, 5], "1 of 2 sale prices"),
        ([1, np.nan], [5, 5], "1 of 2 assessed values are negative or not a number"),
        ([1, -2], [5, 5], "1 of 2 assessed values"),
        ([1, 2, 3], [5, 5], "one length"),
    ],
)
def test_sales_that_make_no_ratio_are_refused_in_a_sentence(assessed, prices, sentence):
    with pytest.raises((NotEnoughSales, UnusableSales), match=sentence):
        sale_ratios(assessed, prices)


RATIOS_ONLY = {
    "median": median_ratio,
    "mean": mean_ratio,
    "COD": coefficient_of_dispersion,
    "COV": coefficient_of_variation,
    "interval": median_interval,
    "bunching": ratios_bunch_at_one,
} | {rule: partial(trim, rule=rule) for rule in TRIM_RULES}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -0.5])
@pytest.mark.parametrize("name", RATIOS_ONLY)
def test_one_ratio_that_is_none_is_refused_and_never_measured(name, bad):
    with pytest.raises(UnusableSales, match="1 of 30 ratios are negative or not a number"):
        RATIOS_ONLY[name]([bad, *np.linspace(0.8, 1.2, 29)])


OF_SALES = {
    "weighted mean": weighted_mean_ratio,
    "PRD": price_related_differential,
    "PRB": price_related_bias,
    "KI": kakwani_index,
    "MKI": modified_kakwani_index,
    "Gini": gini_in_price_order,
    "proxy": value_proxy,
    "VEI": vertical_equity_indicator,
    "fifths": price_quantile_medians,
    "bootstrap": partial(bootstrap_intervals, replicates=5),
}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize("which", ["assessed values", "sale prices"])
@pytest.mark.parametrize("name", OF_SALES)
def test_one_value_or_price_that_is_none_is_refused_and_never_measured(name, which, bad):
    assessed, prices = np.linspace(1e5, 2e5, 40), np.linspace(1e5, 3e5, 40)
    (assessed if which == "assessed values" else prices)[7] = bad

    with pytest.raises(UnusableSales, match=f"1 of 40 {which}"):
        OF_SALES[name](assessed, prices)


@pytest.mark.parametrize("name", ["PRD", "PRB", "KI", "MKI", "Gini", "proxy", "VEI", "bootstrap"])
def test_sales_all_without_value_have_no_figure_but_a_sentence(name):
    with pytest.raises(UnusableSales, match="zero"):
        OF_SALES[name](np.zeros(40), np.linspace(1e5, 3e5, 40))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_change_that_is_none_is_refused(bad):
    with pytest.raises(UnusableSales, match="1 of 20 changes of unsold properties are not a number"):
        compare_sold_with_unsold(np.ones(20), [bad, *np.ones(19)])


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.5, np.nan])
@pytest.mark.parametrize("interval", [median_interval, price_related_bias, bootstrap_intervals])
def test_a_confidence_that_is_none_is_refused(interval, confidence):
    sales = [np.linspace(0.8, 1.2, 30)] if interval is median_interval else some_sales(30)
    with pytest.raises(UnusableSales, match="between 0 and 1"):
        interval(*sales, confidence=confidence)


def test_too_few_sales_are_refused_by_name():
    with pytest.raises(NotEnoughSales, match="PRB needs at least three valid sales; there are 2"):
        price_related_bias([1, 2], [1, 2])
    with pytest.raises(NotEnoughSales, match="VEI needs at least 20 valid sales; there are 19"):
        vertical_equity_indicator(np.arange(1, 20), np.arange(1, 20))
    with pytest.raises(NotEnoughSales, match="at least two"):
        bootstrap_intervals([1], [1])
    with pytest.raises(NotEnoughSales, match="at least two"):
        coefficient_of_variation([1])


def test_sales_all_alike_have_no_slope_and_no_gini_ratio():
    with pytest.raises(UnusableSales, match="different value"):
        price_related_bias([90, 90, 90], [100, 100, 100])
    with pytest.raises(UnusableSales, match="different prices"):
        modified_kakwani_index([90, 90], [100, 100])


# --- Sales chasing ---


def test_sold_property_raised_more_than_unsold_is_found():
    rng = np.random.default_rng(4)
    fair = rng.normal(5, 4, 3000)
    honest = compare_sold_with_unsold(rng.normal(5, 4, 200), fair)
    chased = compare_sold_with_unsold(rng.normal(12, 4, 200), fair)

    assert not honest.is_chased(tolerance=1.0)
    assert chased.is_chased(tolerance=1.0)
    assert chased.difference == pytest.approx(7, abs=1)
    assert chased.interval.low < chased.difference < chased.interval.high


def test_a_handful_of_sold_properties_proves_nothing():
    with pytest.raises(NotEnoughSales, match="9 sold and 20 unsold"):
        compare_sold_with_unsold(np.ones(9), np.ones(20))


def test_ratios_bunched_at_one_are_a_sign():
    rng = np.random.default_rng(1)
    honest = rng.normal(1, 0.15, 1000)
    chased = np.concatenate([rng.normal(1, 0.15, 900), np.full(100, 1.0)])

    assert ratios_bunch_at_one(honest) == (False, False)
    assert ratios_bunch_at_one(chased) == (True, True)


def test_the_bootstrap_of_a_job_stays_in_its_own_thread(monkeypatch):
    threads = set()

    def replicate(*arguments):
        threads.add(threading.get_ident())
        arguments[-1][:] = 1.0

    monkeypatch.setattr(intervals, "_compiled", lambda: replicate)

    bootstrap_intervals(*some_sales(20), replicates=200)

    assert threads == {threading.get_ident()}
