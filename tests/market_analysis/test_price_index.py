"""The price indices: worked examples, the textbook formulas, and the market planted in the demo county."""

from dataclasses import replace

import numpy as np
import pytest

from market_analysis.indices.hedonic import hedonic_index
from market_analysis.indices.index_sales import CHARACTERISTICS, IndexSales
from market_analysis.indices.log_index import LogIndex, revision_percent, smoothed, volatility_percent
from market_analysis.indices.price_index import HEDONIC, REPEAT_SALES, median_index, price_indices
from market_analysis.indices.repeat_sales import Pairs, repeat_sales_index, sale_pairs

from .demo_sales import demo_index_sales

YEAR = 365


def sales_of(rows, periods=None):
    """rows: (property, period, day, price)."""
    key, period, day, price = (np.array(column) for column in zip(*rows, strict=True))
    return IndexSales(
        period.astype(np.int64), 8000, periods or int(period.max()) + 1, day.astype(np.int64), price.astype(float),
        key.astype(float), {},
    )  # fmt: skip


def pairs_of(rows):
    """rows: (first period, second period, ratio of the prices)."""
    first, second, ratio = (np.array(column) for column in zip(*rows, strict=True))
    return Pairs(first, second, (second - first) * 91, np.log(ratio))


def test_a_pair_is_a_sale_and_the_one_before_it_of_the_same_property():
    sales = sales_of(
        [
            (1, 0, 0, 100),
            (2, 0, 5, 300),
            (1, 4, YEAR, 110),
            (1, 8, 2 * YEAR, 121),
            (np.nan, 1, 90, 1),
            (np.nan, 5, 460, 9),
        ]
    )

    pairs = sale_pairs(sales)

    assert pairs.first_period.tolist() == [0, 4]
    assert pairs.second_period.tolist() == [4, 8]
    assert np.exp(pairs.log_ratio) == pytest.approx([1.1, 1.1])


def test_a_flip_is_no_pair():
    sales = sales_of([(1, 0, 0, 100), (1, 2, 182, 150), (2, 0, 0, 100), (2, 2, 183, 104)])

    assert np.exp(sale_pairs(sales).log_ratio) == pytest.approx([1.04])


def test_two_pairs_that_agree_give_the_index_on_paper():
    """One house went 100 to 110 over the first step, another 200 to 242 over both: levels 1, 1.1, 1.21."""
    index = repeat_sales_index(pairs_of([(0, 1, 1.1), (0, 2, 1.21), (1, 2, 1.1)]), 3)

    assert np.exp(index.levels) == pytest.approx([1.0, 1.1, 1.21])


def test_with_equal_weights_the_repeat_sales_index_is_least_squares():
    """Against numpy's dense solution of Bailey, Muth and Nourse's regression."""
    pick = np.random.default_rng(3)
    first = pick.integers(0, 9, 400)
    second = first + pick.integers(1, 10 - first)
    ratio = np.exp(0.02 * (second - first) + pick.uniform(-0.01, 0.01, 400))  # within Huber's bound: all weights equal
    pairs = Pairs(first, second, np.full(400, 900), np.log(ratio))
    design = np.zeros((400, 10))
    design[np.arange(400), second] = 1
    design[np.arange(400), first] -= 1
    expected = np.linalg.lstsq(design[:, 1:], pairs.log_ratio, rcond=None)[0]

    index = repeat_sales_index(pairs, 10)

    assert index.levels[1:] == pytest.approx(expected, abs=5e-4)


def test_a_renovated_house_does_not_bend_the_repeat_sales_index():
    pick = np.random.default_rng(4)
    first = pick.integers(0, 6, 600)
    second = first + pick.integers(1, 7 - first)
    honest = pairs_of(
        list(zip(first, second, np.exp(0.03 * (second - first) + pick.normal(0, 0.05, 600)), strict=True))
    )
    renovated = pick.random(600) < 0.05
    spoilt = replace(honest, log_ratio=honest.log_ratio + np.where(renovated, 0.7, 0))

    def error(pairs):
        return np.abs(repeat_sales_index(pairs, 7).levels - 0.03 * np.arange(7)).max()

    assert error(honest) < 0.02
    assert error(spoilt) < 0.02, "least squares is off by 0.07"


def test_periods_no_pair_ties_to_the_rest_stay_unknown():
    index = repeat_sales_index(pairs_of([(0, 1, 1.1), (0, 1, 1.1), (1, 2, 1.0), (3, 4, 2.0)]), 5)

    assert index.known.tolist() == [True, True, True, False, False]


@pytest.fixture(scope="module")
def small_county():
    return demo_index_sales(3_000, 2)


def test_the_hedonic_index_is_the_dense_regression_with_a_column_for_every_neighborhood(small_county):
    from market_analysis.indices.hedonic import _describe

    sales, _ = small_county
    weights = np.linspace(0.2, 1.0, len(sales))
    places = sales.characteristics["neighborhood"]
    time = sales.period[:, None] == np.arange(1, sales.periods)
    place = places[:, None] == np.unique(places)
    design = np.column_stack([time, _describe(sales), place]).astype(float)
    root = np.sqrt(weights)
    expected = np.linalg.lstsq(design * root[:, None], np.log(sales.sale_price) * root, rcond=None)[0]

    index = hedonic_index(sales, weights).index

    assert index.levels[1:] == pytest.approx(expected[: sales.periods - 1], abs=1e-5)


def test_wrong_prices_do_not_bend_the_hedonic_index(small_county):
    sales, _ = small_county
    wrong = np.random.default_rng(1).random(len(sales)) < 0.05
    spoilt = replace(sales, sale_price=np.where(wrong, sales.sale_price * 0.2, sales.sale_price))
    newest_only = replace(
        sales, sale_price=np.where(wrong & (sales.period > 10), sales.sale_price * 0.2, sales.sale_price)
    )

    honest = hedonic_index(sales).index
    for bent in (spoilt, newest_only):
        moved = hedonic_index(bent).index.levels - honest.levels
        assert np.abs(moved).max() < 0.03, "least squares moves by 0.08 and more"


def test_the_planted_trend_of_the_demo_county_is_found_within_one_percent():
    """The default county: every quarter with at least 100 sales, 1.0 being the mean of the first year."""
    sales, truth = demo_index_sales(30_000, 53)

    found = price_indices(sales, "quarter")[HEDONIC].index

    errors = 100 * np.expm1(found.levels - (truth - truth[:4].mean()))
    enough = sales.volume >= 100
    assert enough.sum() == 20
    assert np.abs(errors[enough]).max() < 1.0


def test_in_a_larger_county_the_repeat_sales_find_it_too():
    sales, truth = demo_index_sales(100_000, 8)
    planted = truth - truth[:4].mean()

    made = price_indices(sales, "quarter")

    assert 100 * np.abs(np.expm1(made[HEDONIC].index.levels - planted)).max() < 1.0
    repeat = made[REPEAT_SALES].index
    assert 100 * np.abs(np.expm1(repeat.levels - planted)).max() < 2.0
    assert np.abs(repeat.levels - planted)[repeat.known].max() < 4 * np.nanmax(repeat.standard_errors)


def test_the_standard_errors_are_honest():
    """Over eight counties the truth lies within 1.96 standard errors about as often as it should."""
    inside, smaller = [], []
    for seed in range(8):
        sales, truth = demo_index_sales(8_000, seed)
        hedonic = price_indices(sales, "quarter")[HEDONIC]
        errors = hedonic.index.levels - (truth - truth[:4].mean())
        inside.append(np.abs(errors[4:]) < 1.96 * hedonic.index.standard_errors[4:])
        smaller.append(hedonic.index.standard_errors[4:].mean() < hedonic.raw.standard_errors[4:].mean())

    assert 0.93 <= np.mean(inside) <= 0.97
    assert all(smaller), "smoothing must tell that it gained precision"


def houses_of(period, seed, noise=0.1):
    """Sales in these periods, of houses in five neighborhoods, in a market that rises by 0.02 a period."""
    pick = np.random.default_rng(seed)
    n = len(period)
    area, place, unknown = np.exp(pick.normal(7.4, 0.3, n)), pick.integers(0, 5, n), np.full(n, np.nan)
    described = dict.fromkeys(CHARACTERISTICS, unknown) | {
        "living_area_sqft": area, "year_built": pick.integers(1950, 2000, n).astype(float),
        "longitude": pick.normal(0, 1, n), "latitude": pick.normal(0, 1, n), "waterfront": np.zeros(n, dtype=bool),
        "property_type": np.full(n, "single_family"), "neighborhood": place.astype(str),
    }  # fmt: skip
    log_price = 12 + 0.9 * np.log(area / 1600) + 0.05 * place + 0.02 * period + pick.normal(0, noise, n)
    return IndexSales(
        period, 8000, int(period.max()) + 1, period * 91, np.exp(log_price), np.arange(n, dtype=float), described
    )


def random_pairs(seed, pairs=600, periods=8):
    """Pairs whose noise grows with the holding time, in a market that rises by 0.02 a period."""
    pick = np.random.default_rng(seed)
    first = pick.integers(0, periods - 1, pairs)
    second = first + pick.integers(1, periods - first)
    days = (second - first) * 91
    noise = pick.normal(0, np.sqrt(0.005 + 0.004 * days / YEAR))
    return Pairs(first, second, days, 0.02 * (second - first) + noise)


@pytest.mark.parametrize(
    "index_of",
    [
        lambda seed: repeat_sales_index(random_pairs(seed), 8),
        lambda seed: hedonic_index(houses_of(np.sort(np.arange(800) % 6), seed)).index,
    ],
    ids=["repeat sales", "hedonic"],
)
def test_a_95_percent_interval_holds_the_truth_in_95_of_100_markets(index_of):
    """Before smoothing. Without the correction of Huber and Ronchetti it is 86 to 90."""
    inside = []
    for seed in range(150):
        index = index_of(seed)
        truth = 0.02 * np.arange(len(index.levels))
        inside.append(np.abs(index.levels - truth)[1:] < 1.96 * index.standard_errors[1:])

    assert 0.93 <= np.mean(inside) <= 0.97


def test_a_sale_alone_in_its_period_is_as_unsure_as_any_single_price():
    """Its residual is 0 whatever it brought: the noise of 0.1 must come from the other sales."""
    sales = houses_of(np.sort(np.r_[np.arange(400) % 4, 4]), 1)

    index = hedonic_index(sales).index

    assert index.thin.tolist() == [False, False, False, False, True]
    assert 0.1 < index.standard_errors[4] < 0.15, "a little more, for what is unsure of its own house"
    assert index.standard_errors[3] < 0.03


def test_a_pair_alone_in_its_period_is_as_unsure_as_any_single_pair():
    pairs = random_pairs(1)
    alone = Pairs(*(np.append(column, [last]) for column, last in zip(
        (pairs.first_period, pairs.second_period, pairs.holding_days, pairs.log_ratio), (0, 8, 8 * 91, 0.5), strict=True
    )))  # fmt: skip

    index = repeat_sales_index(alone, 9)

    assert index.thin.tolist() == [False] * 8 + [True]
    assert index.standard_errors[8] == pytest.approx(np.sqrt(0.005 + 0.004 * 2), rel=0.25)
    assert index.standard_errors[7] < 0.03


def test_a_median_of_five_sales_has_no_standard_error_and_is_no_base():
    prices = [(each, 0, each, 100 + each) for each in range(5)]
    prices += [(each, 1 + each // 10, 90 + each, 100 + each % 10) for each in range(20)]

    index = median_index(sales_of(prices)).based_on_first(4)

    assert index.thin.tolist() == [True, False, False]
    assert np.isnan(index.standard_errors).tolist() == [True, False, False]
    assert index.levels[1] + index.levels[2] == pytest.approx(0), "1.0 is the mean of the two firm periods"


def test_smoothing_keeps_a_line_and_bridges_a_gap():
    line = np.where(np.arange(9) == 4, np.nan, 0.02 * np.arange(9))
    noise = np.where(np.isnan(line)[:, None] | np.isnan(line), np.nan, np.eye(9) * 1e-4)

    index = smoothed(LogIndex(line, noise, 100))

    assert index.levels == pytest.approx(0.02 * np.arange(9), abs=1e-9)


def test_smoothing_follows_a_market_that_turns_and_takes_out_noise():
    truth = np.concatenate([0.03 * np.arange(12), 0.33 - 0.02 * np.arange(1, 13)])
    before, after = [], []
    for seed in range(6):
        errors = np.random.default_rng(seed).normal(0, 0.006, 24)
        index = smoothed(LogIndex(truth + errors, np.eye(24) * 0.006**2, 1000))
        left = index.levels - truth - (index.levels - truth).mean()
        assert np.abs(left).max() < 3 * 0.006, "also where it turns"
        before.append(np.std(errors))
        after.append(np.std(left))

    assert np.mean(after) < 0.8 * np.mean(before)


def test_an_index_measured_from_another_period_says_the_same():
    levels = np.array([0.0, 0.1, 0.3])
    covariance = np.diag([0.0, 4e-4, 9e-4])
    moved = LogIndex(levels, covariance, 10).based_on(np.array([1]))

    assert moved.levels == pytest.approx([-0.1, 0.0, 0.2])
    # The difference of two independent levels: 0.02 and 0.03 make sqrt(0.0013).
    assert moved.standard_errors == pytest.approx([0.02, 0.0, np.sqrt(13e-4)])


def test_revision_is_how_far_published_levels_move():
    before = LogIndex(np.log([1.0, 1.10, 1.20]), np.eye(3), 10)
    now = LogIndex(np.log([1.0, 1.11, 1.20, 1.3]), np.eye(4), 12)

    # The levels 1.10 and 1.20 moved by 0.909 % and 0: 0.4545 % on average.
    assert revision_percent(now, before) == pytest.approx(0.4545, abs=1e-3)


def test_volatility_is_zero_for_a_steady_market_and_not_for_a_jumpy_one():
    steady = LogIndex(0.01 * np.arange(10), np.eye(10), 100)
    jumpy = LogIndex(0.01 * np.arange(10) + 0.02 * (np.arange(10) % 2), np.eye(10), 100)

    assert volatility_percent(steady) == pytest.approx(0.0, abs=1e-12)
    assert volatility_percent(jumpy) > 2
    assert volatility_percent(LogIndex(np.zeros(3), np.eye(3), 5)) is None


def test_a_gap_is_no_step_of_a_restless_market():
    """A steady market of which the middle is unknown, and resumes higher."""
    levels = np.array([0.0, 0.01, 0.02, 0.03, 0.04, np.nan, 0.5, 0.51, 0.52, 0.53, 0.54])

    assert volatility_percent(LogIndex(levels, np.eye(11), 100)) == pytest.approx(0.0, abs=1e-12)


def test_the_volatility_of_every_method_is_of_its_unsmoothed_levels(small_county):
    for made in price_indices(small_county[0], "quarter").values():
        assert made.volatility == pytest.approx(volatility_percent(made.raw))


def test_the_median_index_is_the_log_of_the_medians():
    sales = sales_of([(1, 0, 0, 100), (2, 0, 0, 200), (3, 0, 0, 400), (4, 2, 200, 300)])

    index = median_index(sales)

    assert np.exp(index.levels) == pytest.approx([200, np.nan, 300], nan_ok=True)
