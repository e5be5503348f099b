"""The study as a whole: what is measured, divided, left out and judged; without a database."""

from datetime import date
from functools import partial

import numpy as np
import pytest

from reporting.ratio_study.study import MARK, MEASURES, POOL, study_ratios
from reporting.ratio_study.study_sales import in_natural_order, strata_labels
from reporting.statistics.ratio_statistics import NotEnoughSales, coefficient_of_dispersion
from reporting.statistics.time_adjustment import by_index, rate_of_ratios, steady_rate
from terrafusion.demo.assessments import PLANTED_LEVEL, PLANTED_PRB
from terrafusion.demo.county import build_demo_county
from terrafusion.roll.market_levels import levels_of

from .sales import BANDS, believable, sales_of, settings_of, texts

TARGET = date(2026, 1, 1)


def study(sales, time_adjustment=None, **settings):
    return study_ratios(sales, settings_of(**settings), time_adjustment)


# --- Bad input ---


def test_sales_without_a_ratio_are_counted_by_reason_and_never_measured():
    assessed, prices = believable(40)
    prices[[0, 1, 2]] = [0, -5, np.nan]
    assessed[[3, 4, 5]] = [np.nan, 0, -1]

    found = study(sales_of(assessed, prices))

    assert found.overall.n == 34
    assert [(each.reason, each.sales) for each in found.left_out] == [
        ("The sale price is zero, negative or not a number", 3),
        ("The property has no assessed value in the studied year", 1),
        ("The assessed value is zero or negative", 2),
    ]


def test_the_same_sale_recorded_twice_counts_once():
    assessed, prices = believable(30)
    once = sales_of(assessed, prices)
    days = once.sale_date.astype(object).tolist()
    twice = sales_of(np.append(assessed, assessed[7]), np.append(prices, prices[7]), dates=[*days, days[7]])
    twice.property_id[30] = twice.property_id[7]

    found = study(twice)

    assert found.left_out[0].sales == 1
    assert found.overall.value("cod") == study(once).overall.value("cod")


def test_nothing_usable_is_refused_with_the_reasons():
    with pytest.raises(NotEnoughSales, match=r"None of 2 sales can be used .*price is zero.*: 2"):
        study(sales_of([100, 200], [0, -1]))
    with pytest.raises(NotEnoughSales, match="None of 0 sales"):
        study(sales_of([], []))


def test_one_sale_gives_its_ratio_and_says_what_it_cannot_give():
    found = study(sales_of([90_000], [100_000])).overall

    assert (found.n, found.value("median"), found.value("cod"), found.value("prd")) == (1, 0.9, 0.0, 1.0)
    assert found.value("cov") is None
    assert "at least two" in found.measures["cov"].note
    assert "at least three valid sales; there are 1" in found.measures["prb"].note
    assert {measure.verdict.word for measure in found.measures.values() if measure.verdict} == {
        "cannot tell with n = 1"
    }


def test_two_sales_give_all_but_the_regression_and_the_groups():
    found = study(sales_of([90_000, 240_000], [100_000, 200_000])).overall

    assert found.value("median") == pytest.approx(1.05)
    assert found.value("cod") == pytest.approx(100 * 0.15 / 1.05)
    assert found.value("prb") is None
    assert found.value("vei") is None
    assert found.measures["median"].verdict.word == "cannot tell with n = 2"


def test_sales_all_alike_are_a_defined_result():
    found = study(sales_of([95_000] * 30, [100_000] * 30, dates=None)).overall

    assert found.value("cod") == 0.0
    assert found.value("prd") == pytest.approx(1.0)
    assert "all have the same" in found.measures["prb"].note
    assert "all are equal" in found.measures["mki"].note


# --- Strata ---


def test_small_strata_are_pooled_by_name_or_marked_and_none_is_lost():
    assessed, prices = believable(40)
    codes = ["1010"] * 30 + ["1020"] * 3 + ["1030"] * 4 + ["1040"] * 3
    sales = sales_of(assessed, prices, neighborhood=codes)

    pooled = study(sales, strata=["neighborhood"], minimum_stratum=5, small_strata=POOL).strata["neighborhood"]
    marked = study(sales, strata=["neighborhood"], minimum_stratum=5, small_strata=MARK).strata["neighborhood"]

    assert [(each.label, each.n, each.is_small) for each in pooled] == [
        ("1010", 30, False),
        ("3 small strata together", 10, False),
    ]
    assert pooled[1].pooled == ("1020", "1030", "1040")
    assert [(each.label, each.n, each.is_small) for each in marked] == [
        ("1010", 30, False),
        ("1020", 3, True),
        ("1030", 4, True),
        ("1040", 3, True),
    ]


def test_a_stratum_is_measured_as_if_it_were_alone():
    assessed, prices = believable(60)
    codes = np.array(["north", "south"] * 30)
    found = study(sales_of(assessed, prices, zip_code=codes), strata=["zip_code"]).strata["zip_code"]

    for result in found:
        own = codes == result.label
        assert result.value("cod") == pytest.approx(coefficient_of_dispersion(assessed[own] / prices[own]), rel=1e-12)


def test_age_bands_deciles_years_and_quarters():
    assessed, prices = believable(100)
    sales = sales_of(
        assessed, prices, dates=[date(2024, 5, 1)] * 50 + [date(2025, 11, 2)] * 50,
        year_built=[2024] * 10 + [2013] * 30 + [1900] * 50 + [np.nan] * 10,
    )  # fmt: skip

    assert in_natural_order(strata_labels(sales, "age_band")) == [
        "0 to 9 years", "10 to 19 years", "100 years and more", "(not given)",
    ]  # fmt: skip
    assert in_natural_order(strata_labels(sales, "sale_year")) == ["2024", "2025"]
    assert in_natural_order(strata_labels(sales, "sale_quarter")) == ["2024-Q2", "2025-Q4"]
    deciles = strata_labels(sales, "value_decile")
    assert [int(np.sum(deciles == each)) for each in in_natural_order(deciles)] == [10] * 10


def test_a_quantity_is_divided_in_fifths_and_a_code_is_not():
    assessed, prices = believable(50)
    sales = sales_of(assessed, prices, living_area_sqft=range(1000, 1050), bedrooms=[2, 3, 4, None, 5] * 10)

    assert in_natural_order(strata_labels(sales, "living_area_sqft"))[0] == "1: 1,000 to 1,009"
    assert len(set(strata_labels(sales, "living_area_sqft"))) == 5
    assert in_natural_order(strata_labels(sales, "bedrooms")) == ["2", "3", "4", "5", "(not given)"]


def test_a_class_with_bands_of_its_own_is_judged_by_them():
    assessed, prices = believable(200, noise=0.22)  # COD about 17
    wide = {"vacant": BANDS | {"cod": type(BANDS["cod"])(5.0, 25.0)}}

    vacant = study(sales_of(assessed, prices, property_class="VACANT"), class_bands=wide).overall
    other = study(sales_of(assessed, prices), class_bands=wide).overall

    assert vacant.value("cod") == other.value("cod")
    assert (vacant.measures["cod"].verdict.word, other.measures["cod"].verdict.word) == ("meets", "does not meet")


def test_vertical_equity_is_not_judged_within_a_slice_of_value():
    assessed, prices = believable(300)
    found = study(sales_of(assessed, prices), strata=["value_decile"])

    assert found.overall.measures["mki"].verdict is not None
    assert all(each.measures["mki"].verdict is None for each in found.strata["value_decile"])


# --- Trimming, time, order, seed ---


def test_trimmed_sales_are_listed_and_every_rule_stands_side_by_side():
    assessed, prices = believable(100)
    assessed[0] = 9 * prices[0]

    found = study(sales_of(assessed, prices), trim_rule="iqr_3")

    assert found.trimmed.ratios.tolist() == [9.0]
    assert found.overall.n == 99
    by_rule = {each.rule: each for each in found.sensitivity}
    assert (by_rule["none"].n, by_rule["iqr_3"].n) == (100, 99)
    assert by_rule["iqr_3"].measures["cod"] == found.overall.value("cod")
    assert by_rule["none"].measures["cod"] > by_rule["iqr_3"].measures["cod"]


def test_prices_of_a_rising_market_are_brought_to_the_date():
    days = [date(2025, 1, 1)] * 40 + [date(2026, 1, 1)] * 40
    assessed, prices = np.full(80, 100_000.0), np.append(np.full(40, 100_000.0), np.full(40, 110_000.0))
    sales = sales_of(assessed, prices, dates=days)

    steady = study(sales, lambda of: steady_rate(10.0, date(2025, 1, 1), TARGET))
    trend = study(sales, partial(rate_of_ratios, target=TARGET))
    levels = [(date(year, 1, 1), 1.1 ** (year - 2024)) for year in (2024, 2025, 2026)]
    index = study(sales, lambda of: by_index(levels_of(levels), TARGET, "x"))

    for each in (steady, trend, index):
        assert each.sales.sale_price == pytest.approx(np.full(80, 110_000.0), rel=1e-3)
        assert {row.time_adjusted for row in each.sensitivity} == {False, True}
    assert "+10.0" in trend.time_adjustment.description


@pytest.mark.parametrize("days_a_period", [None, 91.3125])
def test_a_periods_mean_level_stands_in_its_middle(days_a_period):
    """A market that rises by 1 % a month: a quarter's mean is the level of its middle, six weeks after its start."""
    starts = [date(2025, month, 1) for month in (1, 4, 7, 10)]
    levels = [(start, 1.01 ** (start.month + 0.5)) for start in starts]

    index = by_index(levels_of(levels, days_a_period), date(2025, 8, 15), "x")
    sales = sales_of(np.full(2, 1e5), np.full(2, 1e5), dates=[date(2025, 2, 15), date(2025, 5, 15)])

    assert index.adjusted(sales) == pytest.approx([1e5 * 1.01**6, 1e5 * 1.01**3], rel=1e-3)
    alone = by_index(levels_of(levels[:1], days_a_period), date(2025, 8, 15), "x")
    assert alone.adjusted(sales) == pytest.approx([1e5, 1e5])


def test_a_trend_needs_sales():
    with pytest.raises(NotEnoughSales, match="at least 30 sales; there are 29"):
        study(sales_of(*believable(29)), partial(rate_of_ratios, target=TARGET))


def test_neither_the_order_of_loading_nor_a_second_run_changes_a_number():
    assessed, prices = believable(150)
    sales = sales_of(assessed, prices)
    first, second = study(sales, seed=4), study(sales.at(np.random.default_rng(1).permutation(150)), seed=4)

    assert first.overall.measures == second.overall.measures
    assert first.sales.digest() == second.sales.digest()
    assert study(sales, seed=5).overall.measures["cod"].interval != first.overall.measures["cod"].interval


def test_every_measure_stands_in_every_stratum():
    found = study(sales_of(*believable(40), neighborhood=["1", "2"] * 20), strata=["neighborhood"])

    for result in (found.overall, *found.strata["neighborhood"]):
        assert list(result.measures) == list(MEASURES)
        assert sum(group.sales for group in result.price_groups) == result.n


def test_the_demo_countys_planted_bias_is_found():
    """PRB of the sign and size that terrafusion/demo/assessments.py plants, on the last two years' dwellings."""
    demo = build_demo_county(12_000, 53)
    roll, deeds = demo.rolls[-1], demo.sales
    chosen = (
        deeds.is_valid & demo.dwellings.is_dwelling[deeds.parcel] & (deeds.sale_date >= np.datetime64("2024-01-01"))
    )
    parcel = deeds.parcel[chosen]
    sales = sales_of(roll.market_total[parcel], deeds.sale_price[chosen], dates=deeds.sale_date[chosen].tolist())
    sales.property_id[:] = texts([str(each) for each in parcel])

    found = study(sales, partial(rate_of_ratios, target=TARGET)).overall

    bias = found.measures["prb"]
    assert found.n > 700
    assert bias.interval.low <= PLANTED_PRB <= bias.interval.high < 0
    assert found.value("median") == pytest.approx(PLANTED_LEVEL, abs=0.03)
    assert found.value("vei") < 0
    assert found.measures["mki"].interval.high < 1
