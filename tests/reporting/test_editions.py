"""The editions of the standard: their intervals against published examples and the oracle, and the verdicts that flip.

The oracle is ratio-study 1.0.1 (GPL-3). It is not installed here: its figures were computed once, apart, and
stand below.
"""

import json

import numpy as np
import pytest
from scipy.special import bdtr
from scipy.stats import kruskal

from reporting.ratio_study.edition_comparison import flips_between_editions
from reporting.ratio_study.study import JUDGED, study_ratios
from reporting.statistics.editions import DRAFT_2026, EDITIONS, STANDARD_2013, STANDARD_2026
from reporting.statistics.intervals import bonett_seier_interval, clapp_median_interval, median_interval
from reporting.statistics.ratio_statistics import Interval, NotEnoughSales, UnusableSales, coefficient_of_dispersion
from reporting.statistics.sales_chasing import SoldUnsold
from reporting.statistics.vertical_equity import quantile_group, value_proxy, vertical_equity_indicator

from .sales import BANDS, believable, sales_of, settings_of
from .test_ratio_statistics import REFERENCE

# Interval of the COD in percent at 90 % and 95 %, by the oracle, for the published tables.
ORACLE_COD = {
    "iaao_draft_54": ((21.878029308803015, 28.61781892819384), (20.615784054744846, 30.60860227896854)),
    "quintos_sample": ((7.46537480516451, 12.58177860945268), (7.156275058886954, 13.12522118871361)),
    "iaao_table_1_1": ((23.978938944181394, 37.21663894227203), (23.524773389711848, 37.93513748764386)),
    "iaao_table_d_1": ((6.2073999950784775, 10.306032373178028), (5.920391149332307, 10.787418704520704)),
}
# Interval of the median of up to 30 sales; the oracle reads the weights from a table of four decimals.
ORACLE_MEDIAN = {
    "quintos_sample": ((0.8814180666109537, 0.9552313972080354), (0.8806805128558137, 0.9553819164635056)),
    "iaao_table_d_1": ((0.8471993887462228, 0.9342236612094889), (0.8450141203239415, 0.9378666715669897)),
}
# Kruskal-Wallis over the four value groups of the draft's 54 sales.
ORACLE_KRUSKAL_P = 0.0017325007950922172
SEVENTEEN = [
    0.629, 0.641, 0.658, 0.693, 0.695, 0.717, 0.787, 0.789, 0.820, 0.848, 0.880, 0.895, 0.933, 0.947, 1.028, 1.035,
    1.067,
]  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    if not REFERENCE.exists():
        pytest.skip("The reference figures are not beside the project.")
    return json.loads(REFERENCE.read_text())["fixtures"]


def ratios_of(table):
    return np.array(table["estimate"], dtype=float) / np.array(table["sale_price"], dtype=float)


# --- Intervals of the edition of 2026 ---


@pytest.mark.parametrize("name", ORACLE_COD)
def test_bonett_and_seier_agree_with_the_oracle(tables, name):
    for confidence, expected in zip((0.90, 0.95), ORACLE_COD[name], strict=True):
        ours = bonett_seier_interval(ratios_of(tables[name]), confidence)
        assert (ours.low, ours.high) == pytest.approx(expected, rel=1e-9)
        assert ours.low < coefficient_of_dispersion(ratios_of(tables[name])) < ours.high


@pytest.mark.parametrize("name", ORACLE_MEDIAN)
def test_clapp_agrees_with_the_oracles_table(tables, name):
    for confidence, expected in zip((0.90, 0.95), ORACLE_MEDIAN[name], strict=True):
        ours = clapp_median_interval(ratios_of(tables[name]), confidence)
        assert (ours.low, ours.high) == pytest.approx(expected, abs=2e-6)


def test_clapps_seventeen_sales_come_out_as_printed():
    ours = clapp_median_interval(SEVENTEEN, 0.95)

    assert (round(ours.low, 4), round(ours.high, 4)) == (0.6952, 0.9326)


def test_five_sales_by_clapp_on_paper():
    """Tails 1/32 and 6/32; 5 % lies 0.12 of the way between: 0.88 of the lowest ratio, 0.12 of the next."""
    ours = clapp_median_interval([1.0, 2.0, 3.0, 4.0, 5.0], 0.90)

    assert (ours.low, ours.high) == pytest.approx((1.12, 4.88), rel=1e-12)


@pytest.mark.parametrize("confidence", [0.90, 0.95])
def test_clapp_lies_between_the_interval_that_covers_enough_and_the_next_narrower(confidence):
    for n in range(6, 31):
        ours = clapp_median_interval(np.arange(1.0, n + 1), confidence)
        tails = 2 * bdtr(np.arange(n), n, 0.5)
        enough = int(np.sum(tails <= 1 - confidence))  # the highest rank whose tail is still allowed
        assert enough <= ours.low < enough + 1
        assert ours.low + ours.high == pytest.approx(n + 1)


def test_few_alike_or_worthless_sales_have_no_interval_but_a_sentence():
    with pytest.raises(NotEnoughSales, match="COD needs at least 4 valid sales; there are 3"):
        bonett_seier_interval([0.9, 1.0, 1.1])
    with pytest.raises(UnusableSales, match="alike"):
        bonett_seier_interval([1.0] * 9)
    with pytest.raises(UnusableSales, match="ratio is zero"):
        bonett_seier_interval([0.0, 0.0, 0.0, 1.0, 1.1])
    with pytest.raises(NotEnoughSales, match="at least 5 valid sales at 90 %; there are 4"):
        clapp_median_interval([0.9, 1.0, 1.1, 1.2], 0.90)
    with pytest.raises(UnusableSales, match="up to 30 sales; there are 31"):
        clapp_median_interval(np.linspace(0.8, 1.2, 31))


def test_bonett_and_seier_cover_the_truth_about_as_often_as_they_say():
    """300 studies of 60 ratios, normal about 1 with deviation 0.15: the COD is 15 x sqrt(2 / pi) = 11.97 percent."""
    rng = np.random.default_rng(4)
    truth = 15 * np.sqrt(2 / np.pi)

    intervals = (bonett_seier_interval(rng.normal(1, 0.15, 60), 0.90) for _ in range(300))

    assert 258 <= sum(interval.low <= truth <= interval.high for interval in intervals) <= 285


def test_the_vei_by_its_ends_and_the_test_of_all_groups(tables):
    table = tables["iaao_draft_54"]
    assessed, prices = np.array(table["estimate"], float), np.array(table["sale_price"], float)

    ends = vertical_equity_indicator(assessed, prices, by_ends=True)

    groups = quantile_group(value_proxy(assessed, prices), 4)
    expected = kruskal(*((assessed / prices)[groups == each] for each in range(4))).pvalue
    assert ends.kruskal_wallis_p == pytest.approx(expected, rel=1e-12) == pytest.approx(ORACLE_KRUSKAL_P, rel=1e-9)
    first, last = ends.groups[0].interval, ends.groups[-1].interval
    middle = np.median(assessed / prices)
    assert ends.significance == pytest.approx(100 * (last.low - first.high) / middle)
    assert vertical_equity_indicator(assessed, prices).kruskal_wallis_p is None


def test_a_dip_in_the_middle_fails_the_vei_by_extremes_and_not_by_its_ends():
    """Ratios 1.2 cheap, 1.0 and 0.6 between, 1.02 dear: VEI -18; the extremes are sure to be apart, the ends are not
    where the dearest scatter."""
    n = 50
    prices = np.concatenate([np.linspace(low, 1.4 * low, n) for low in (1e5, 2e5, 4e5, 8e5)])
    scatter = np.concatenate([np.linspace(-spread, spread, n) for spread in (0.02, 0.02, 0.02, 0.7)])
    ratios = np.repeat([1.2, 1.0, 0.6, 1.02], n) + scatter
    sales = sales_of(ratios * prices, prices)

    by_extremes = study_ratios(sales, settings_of()).overall.measures["vei"].verdict.word
    by_ends = study_ratios(sales, settings_of(edition=STANDARD_2026)).overall.measures["vei"].verdict.word

    assert (by_extremes, by_ends) == ("does not meet", "cannot tell with n = 200")


# --- What an edition judges ---


@pytest.mark.parametrize(
    ("edition", "not_judged"), [(STANDARD_2013, {"mki", "vei"}), (DRAFT_2026, set()), (STANDARD_2026, {"prd"})]
)
def test_an_edition_judges_its_own_measures_and_shows_the_band_of_the_others(edition, not_judged):
    found = study_ratios(sales_of(*believable(200)), settings_of(edition=edition)).overall

    assert {name for name in JUDGED if found.measures[name].verdict is None} == not_judged
    for name in not_judged:
        band, measure = BANDS[name], found.measures[name]
        where = "inside" if band.holds(measure.value) else "outside"
        assert measure.note == (
            f"Not judged by the edition {edition.name}; {where} the band {band.low:g} to {band.high:g}."
        )


def test_the_edition_of_2026_takes_its_own_intervals_and_says_they_are_unconfirmed():
    few, many = (
        study_ratios(sales_of(*believable(n)), settings_of(edition=STANDARD_2026, confidence=0.90)).overall.measures
        for n in (30, 31)
    )

    assert few["median"].interval_method == "order statistics after Clapp (unconfirmed)"
    assert many["median"].interval_method == "order statistics"
    assert many["median"].interval == median_interval(sales_of(*believable(31)).ratios, 0.90)
    assert few["cod"].interval_method == many["cod"].interval_method == "Bonett-Seier (unconfirmed)"


def test_every_rule_of_the_edition_whose_text_is_not_at_hand_is_marked():
    assert all(rule.unconfirmed for rule in STANDARD_2026.rules)
    assert not any(rule.unconfirmed for edition in (STANDARD_2013, DRAFT_2026) for rule in edition.rules)
    topics = [[rule.topic for rule in edition.rules] for edition in EDITIONS.values()]
    assert topics[0] == topics[1] == topics[2]


def changes(sold, unsold, median_sold, low, high):
    return SoldUnsold(sold, unsold, median_sold, 0.0, median_sold, Interval(low, high), 0.001)


@pytest.mark.parametrize(
    ("found", "in_2013", "in_2026"),
    [
        (changes(100, 100, 8.0, 3.5, 4.5), "signs of chasing", "no sign"),  # 5 points where values moved much
        (changes(100, 100, 4.9, 3.5, 4.5), "signs of chasing", "signs of chasing"),  # 3 where they did not
        (changes(100, 100, 5.0, 3.5, 4.5), "signs of chasing", "no sign"),  # the bound itself is not below 5
        (changes(100, 100, -4.0, -4.5, -3.5), "signs of chasing", "signs of chasing"),
        (changes(29, 100, 9.0, 7.0, 9.0), "signs of chasing", "too few to tell, 30 of each are needed"),
        (changes(100, 29, 9.0, 7.0, 9.0), "signs of chasing", "too few to tell, 30 of each are needed"),
        (changes(30, 30, 9.0, 7.0, 9.0), "signs of chasing", "signs of chasing"),
        (changes(100, 100, 9.0, 2.9, 9.0), "no sign", "no sign"),
    ],
)
def test_chasing_by_the_tolerance_and_the_fewest_properties_of_the_edition(found, in_2013, in_2026):
    assert STANDARD_2013.chasing_verdict(found) == in_2013
    assert STANDARD_2026.chasing_verdict(found) == in_2026


def test_the_countys_own_tolerance_holds_in_every_edition():
    found = changes(100, 100, 8.0, 3.5, 4.5)

    assert {each.chasing_verdict(found, 2.0) for each in EDITIONS.values()} == {"signs of chasing"}
    assert {each.chasing_verdict(found, 4.0) for each in EDITIONS.values()} == {"no sign"}


# --- Which verdicts flip ---


def flips_of(sales, chasing=(), edition=DRAFT_2026, **settings):
    study = study_ratios(sales, settings_of(edition=edition, confidence=edition.confidence, **settings))
    return study, flips_between_editions(study, chasing)


def test_a_verdict_that_one_interval_settles_and_the_other_does_not_flips_and_says_by_which():
    """COD about 12.6: the bootstrap ends under 15, the interval of the other edition just above."""
    sales = sales_of(*believable(60, noise=0.14, seed=3))
    study, flips = flips_of(sales)

    (cod,) = (flip for flip in flips if flip.measure == "cod")
    interval = bonett_seier_interval(sales.ratios, 0.90)
    assert cod.verdicts["2013"] == cod.verdicts["draft_2026"] == "meets"
    assert cod.verdicts["2026"] == "cannot tell with n = 60"
    assert f"2026: 90 % interval {interval.low:.2f} to {interval.high:.2f}, Bonett-Seier (unconfirmed)" in cod.why
    drawn = study.overall.measures["cod"].interval
    assert f"2013, draft_2026: 95 % interval {drawn.low:.2f} to {drawn.high:.2f}, bootstrap" in cod.why


def test_a_prd_that_fails_decides_no_more_and_the_others_are_told_too():
    """Dear houses assessed at half their price: PRD far above 1.03."""
    prices = np.linspace(1e5, 9e5, 120)
    ratios = np.where(prices > 5e5, 0.5, 1.0) * np.linspace(0.97, 1.03, 120)[::-1]
    _, flips = flips_of(sales_of(ratios * prices, prices, neighborhood=["1", "2"] * 60), strata=["neighborhood"])

    prd = [flip for flip in flips if flip.measure == "prd"]
    assert [(flip.field, flip.label, flip.n) for flip in prd] == [
        ("All sales", "All sales", 120),
        ("neighborhood", "1", 60),
        ("neighborhood", "2", 60),
    ]
    assert prd[0].verdicts == {"2013": "does not meet", "draft_2026": "does not meet", "2026": "not judged"}
    assert prd[0].why.endswith("2026: not judged.")
    assert {flip.measure for flip in flips if flip.verdicts["2013"] == "not judged"} <= {"mki", "vei"}


def test_the_flips_do_not_depend_on_the_edition_the_study_is_made_by():
    sales = sales_of(*believable(60, noise=0.14, seed=3), neighborhood=["1", "2", "3"] * 20)

    by_each = [flips_of(sales, edition=edition, strata=["neighborhood"])[1] for edition in EDITIONS.values()]

    assert by_each[0]
    assert by_each[0] == by_each[1] == by_each[2]


def test_a_confidence_of_the_countys_own_holds_in_every_edition():
    sales = sales_of(*believable(60, noise=0.14, seed=3))
    study = study_ratios(sales, settings_of(confidence=0.99))

    flips = flips_between_editions(study, [], confidence=0.99)

    assert all("99 % interval" in flip.why for flip in flips if flip.measure in ("cod", "median", "prb"))
    assert "cod" not in {flip.measure for flip in flips}


def test_chasing_flips_with_the_editions_tolerance():
    chasing = [("All sales", "All sales", changes(100, 100, 8.0, 3.5, 4.5))]

    _, flips = flips_of(sales_of(*believable(40)), chasing)

    (flip,) = (each for each in flips if each.measure == "chasing")
    assert flip.verdicts == {"2013": "signs of chasing", "draft_2026": "signs of chasing", "2026": "no sign"}
    assert flip.why.startswith("100 sold and 100 unsold properties; medians 3.50 to 4.50 points apart.")
