"""Areas, medians, names: the pure parts against textbook formulas and examples on paper."""

import itertools
import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from shapely import box

from market_analysis.analyses.appreciation import _finding as surface_finding
from market_analysis.analyses.appreciation import surface_attributes, surface_of
from market_analysis.areas.area_statistics import AreaStatistics, change_per_year, shrink
from market_analysis.areas.comparable_areas import NotEnoughAreas, _comparable, comparable_areas
from market_analysis.areas.market_activity import seasonality
from market_analysis.charts import surface_chart
from market_analysis.figures import change_words
from market_analysis.indices.price_trend import TrendPoint, finding, price_trend
from market_analysis.screening.related_names import are_related
from market_analysis.selection import FEWEST_FOR_INTERVAL, Selection, Window, period_label, period_start
from terrafusion.analytics.engine import on_duckdb
from terrafusion.charts.pictures import svg_of
from tests.analytics.synthetic import a_snapshot


@given(st.integers(FEWEST_FOR_INTERVAL, 3000))
def test_the_interval_of_the_median_covers_at_least_95_percent(n):
    """Of n prices the ranks low and n + 1 - low hold the median unless fewer than `low` of them lie on one side."""
    low = max(1, int(np.floor((n + 1) / 2 - 0.98 * np.sqrt(n))))

    assert 1 - 2 * binom.cdf(low - 1, n, 0.5) >= 0.9495


def test_the_trend_is_what_numpy_makes_of_the_same_sales(tmp_path):
    snapshot = a_snapshot(tmp_path, properties=300, sales=900, zips=3)
    with on_duckdb(snapshot) as market:
        points = price_trend(market, Selection(), "zip_code")
        rows = [row for row in market.rows(market.sales) if row["left_out"] == ""]
    for point in points:
        own = sorted(
            row["sale_price"]
            for row in rows
            if row["zip_code"] == point.area
            and row["sale_date"].year * 4 + (row["sale_date"].month - 1) // 3 == point.period_number
        )
        n = len(own)
        low = max(1, int(np.floor((n + 1) / 2 - 0.98 * np.sqrt(n))))
        interval = (own[low - 1], own[n - low]) if n >= 6 else (None, None)
        assert point.sales_volume == n
        assert point.median_price == pytest.approx(np.median(own), abs=0.51)
        assert point.average_price == pytest.approx(np.mean(own), abs=0.51)
        assert (point.median_low, point.median_high) == interval
    assert sum(point.sales_volume for point in points) == len(rows)
    gaps = [b for a, b in itertools.pairwise(points) if b.area == a.area and b.period_number > a.period_number + 1]
    assert gaps, "the example must have a quarter without a sale"
    assert all(point.change_percent is None for point in gaps), "no change against a quarter without a sale"


def test_periods_are_told_as_the_contract_has_them():
    assert [period_label(2023 * 4, "quarter"), period_label(2023 * 12 + 11, "month"), period_label(2023, "year")] == [
        "2023-Q1",
        "2023-12",
        "2023",
    ]
    assert str(period_start(2023 * 4 + 3, "quarter")) == "2023-10-01"


def test_the_change_of_an_area_is_the_regression_on_time_and_living_area():
    pick = np.random.default_rng(5)
    t, s = pick.uniform(-3, 3, 200), pick.normal(0, 0.4, 200)
    y = 0.05 * t + 0.8 * s + pick.normal(0, 0.1, 200)
    sums = {
        "n_described": 200, "sum_t": t.sum(), "sum_s": s.sum(), "sum_y": y.sum(), "sum_tt": t @ t, "sum_ss": s @ s,
        "sum_yy": y @ y, "sum_ts": t @ s, "sum_ty": t @ y, "sum_sy": s @ y,
    }  # fmt: skip
    design = np.column_stack([np.ones(200), t, s])
    solved, residual, *_ = np.linalg.lstsq(design, y, rcond=None)
    error = np.sqrt(residual[0] / 197 * np.linalg.inv(design.T @ design)[1, 1])

    assert change_per_year(sums) == pytest.approx((solved[1], error))
    assert change_per_year(sums | {"n_described": 9}) is None


def test_an_unsure_change_is_pulled_to_the_countys_and_a_sure_one_is_not():
    changes = [(0.05, 0.002), (0.10, 0.002), (0.00, 0.002), (0.60, 0.5), None]

    pulled = shrink(changes)

    assert pulled[0] == pytest.approx(0.05, abs=0.002)
    assert pulled[1] == pytest.approx(0.10, abs=0.002)
    assert 0.0 < pulled[3] < 0.1
    assert pulled[4] is None


def an_area(area, **figures):
    base = AreaStatistics(area, 100, 400_000, 200.0, 0.05, 0.01, 0.05, 1000, 1800, 8000, 1980, 0.9, 0.05)
    return replace(base, **figures)


def test_the_most_similar_area_comes_first_with_its_reasons():
    areas = [
        an_area("subject"),
        an_area("twin", median_price=405_000, price_per_sqft=202.0),
        an_area("dear", median_price=900_000, price_per_sqft=410.0),
        an_area("old", year_built=1930, median_price=440_000),
        an_area("rising", shrunk_change=0.2, living_area_sqft=2600),
    ]

    found = comparable_areas(areas, "subject", 3)

    assert next(each.statistics.area for each in found) == "twin"
    assert len(found) == 3
    assert found[0].distance < found[1].distance <= found[2].distance
    assert "median price $405,000 against $400,000" in found[0].alike
    with pytest.raises(NotEnoughAreas):
        comparable_areas(areas[:1], "subject", 3)


def test_the_difference_named_is_the_greatest_whatever_its_weight():
    """Two spreads of price count more than 0.6 of lot size, though a lot's weight is a quarter of the price's."""
    twin = an_area("twin", median_price=480_000, lot_sqft=9000)
    spreads_away = np.array([2.0, 0.1, 0.1, 0.1, 0.1, 0.6, 0.1, 0.1])

    found = _comparable(an_area("subject"), twin, 1.0, spreads_away, np.full(8, True))

    assert found.unlike == "median price $480,000 against $400,000"
    assert found.unlike not in found.alike


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ((-0.01, -0.08), "is highest in ZIP code A, -1.0 % a year, and lowest in B, -7.7 %, of 2 areas."),
        ((0.02, 0.0201), "changed by +2.0 % a year in all 2 areas; no difference between them can be told."),
    ],
)
def test_the_surface_tells_what_is_true_of_a_falling_market_and_of_an_even_one(changes, words):
    areas = [an_area(code, shrunk_change=change) for code, change in zip("AB", changes, strict=True)]

    assert surface_finding(areas, "zip_code").endswith(words)


def test_the_interval_of_a_change_never_falls_below_minus_100_percent():
    """A log change of 0.1 with an error of 0.9: exp(0.1 -+ 1.96 x 0.9) - 1."""
    shown = surface_attributes(an_area("A", change=0.1, change_error=0.9))

    assert (shown["change_low"], shown["change_high"]) == (-81.06, 544.95)


def test_an_area_of_unknown_change_is_mapped_without_a_figure_and_one_without_a_shape_is_not():
    """Unknown figures stay unknown, and leave the whole numbers of other areas whole."""
    areas = [
        an_area("A", stock=700, shrunk_change=0.02),
        an_area("B", stock=900, change=None, change_error=None, shrunk_change=None, price_per_sqft=None),
        an_area("C"),
    ]

    surface = surface_of(areas, {"A": box(0, 0, 2, 1)}, "layer zips", {"A": box(0, 0, 9, 9), "B": box(2, 0, 3, 1)})
    spec = surface_chart(surface[surface.geometry.notna()], "zip_code").spec

    assert surface["geometry_source"].tolist() == ["layer zips", "hull of its parcels", None]
    assert [shape.area for shape in surface.geometry[:2]] == [2, 1]
    shaded, written = (layer["data"]["values"] for layer in spec["layer"])
    figures = [area["properties"] for area in shaded]
    assert [(figure["area"], figure["stock"]) for figure in figures] == [("A", 700), ("B", 900)]
    assert all(isinstance(figure["stock"], int) for figure in figures)
    assert (figures[1]["change_percent_per_year"], figures[1]["price_per_sqft"]) == (None, None)
    assert written == [
        {"longitude": 1.0, "latitude": 0.5, "text": "+2.0"},
        {"longitude": 2.5, "latitude": 0.5, "text": ""},
    ]


def test_areas_where_prices_fell_are_shaded_from_pale_to_orange():
    """An orange has more red than green and more green than blue. A pale with a hue of its own gave violet and rose."""
    areas = [an_area(str(at), shrunk_change=change) for at, change in enumerate([-0.03, -0.02, -0.01, 0.03])]
    places = {area.area: box(at, 0, at + 1, 1) for at, area in enumerate(areas)}

    picture = svg_of(surface_chart(surface_of(areas, places, "layer zips", {}), "zip_code"))

    fills = re.findall(r'aria-roledescription="geoshape"[^>]*fill="rgb\((\d+), (\d+), (\d+)\)"', picture)
    shades = [tuple(map(int, fill)) for fill in fills]
    assert len(shades) == 4
    assert all(red > green > blue for red, green, blue in shades[:2])
    assert shades[3][0] < shades[3][1] < shades[3][2]


def a_point(period, price, low, high, n=40):
    return TrendPoint("", 2020 * 4 + period, price, price, low, high, None, n, None, False)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (a_point(1, 500, 480, 520), "rose 25.0 % from $400 in 2020-Q1 (40 sales) to $500 in 2020-Q2 (40 sales)."),
        (a_point(1, 420, 400, 440), "; the 95 % intervals of the two medians overlap."),
        (a_point(1, 500, None, None, 5), "(5 sales); there are too few sales for an interval."),
        (a_point(1, 400, 390, 410), "did not change from $400"),
    ],
)
def test_a_trend_says_exactly_what_was_tested(last, words):
    assert words in finding([a_point(0, 400, 390, 410), last], Selection(), None)


def test_a_change_that_rounds_to_nothing_neither_rose_nor_fell():
    assert [change_words(each) for each in (1.24, -0.06, -0.04, 0.0)] == [
        "rose 1.2 %",
        "fell 0.1 %",
        "changed by less than 0.1 %",
        "did not change",
    ]


def test_seasonality_counts_whole_years_only():
    whole = [{"period": 2022 * 12 + month, "n": 20 if month == 5 else 10} for month in range(12)]
    broken = [{"period": 2023 * 12, "n": 500}]
    # Sold in every month, but the window ends on 3 December.
    cut_short = [{"period": 2024 * 12 + month, "n": 1 if month == 11 else 300} for month in range(12)]
    window = Window(date(2022, 1, 3), date(2024, 12, 3))

    # June has 20 of 130 sales: 12 x 20 / 130.
    assert seasonality(whole + broken + cut_short, window)["6"] == pytest.approx(1.846, abs=1e-3)
    assert seasonality(broken + cut_short, window) == {}
    assert seasonality(cut_short, Window(window.first, date(2024, 12, 31))) != {}


def test_a_window_knows_how_much_of_a_period_lies_in_it():
    window = Window(date(2024, 1, 1), date(2024, 11, 15))

    assert window.years == pytest.approx(320 / 365.25)
    assert window.share_of(date(2024, 7, 1), date(2024, 10, 1)) == 1.0
    assert window.share_of(date(2024, 10, 1), date(2025, 1, 1)) == pytest.approx(46 / 92)


@pytest.mark.parametrize(
    ("grantor", "grantee", "related"),
    [
        ("SMITH, JOHN", "SMITH, MARY & PAUL", True),
        ("SMITH JOHN A", "SMITH FAMILY TRUST", True),
        ("John Smith", "Mary Smith", True),
        ("SMITH, JOHN & MARY", "JONES, MARY", False),
        ("SMITH, JOHN", "JOHN, PETER", False),
        ("ACME HOLDINGS LLC", "BETA HOLDINGS LLC", False),
        ("WELLS BANK NATIONAL ASSOCIATION", "FIRST NATIONAL BANK", False),
        ("O'NEIL, PAT", "O'NEIL, SUE", True),
        ("PÉREZ, JUAN", "SUÁREZ, ANA", False),
        ("PÉREZ, JUAN", "Ana Pérez", True),
        ("", "SMITH, JOHN", False),
    ],
)
def test_a_shared_surname_is_seen_and_a_shared_first_name_or_word_is_not(grantor, grantee, related):
    assert are_related(grantor, grantee) is related
