"""Verdicts come from the interval; both bounds of a band are allowed."""

import numpy as np
import pytest

from reporting.statistics.intervals import median_interval
from reporting.statistics.ratio_statistics import Interval
from reporting.statistics.verdicts import Band, judge

BAND = Band(0.90, 1.10)


def word(low, high, value=None, n=18, band=BAND):
    return judge("median", (low + high) / 2 if value is None else value, Interval(low, high), band, n)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.90, 1.10, "meets"),  # both bounds are allowed
        (0.8999, 1.10, "cannot tell with n = 18"),
        (0.90, 1.1001, "cannot tell with n = 18"),
        (0.80, 0.8999, "does not meet"),
        (0.80, 0.90, "cannot tell with n = 18"),
        (1.1001, 1.2, "does not meet"),
        (1.10, 1.2, "cannot tell with n = 18"),
        (0.5, 1.5, "cannot tell with n = 18"),
    ],
)
def test_the_whole_interval_decides(low, high, expected):
    assert word(low, high).word == expected


def test_it_says_how_many_sales_would_settle_it():
    # 1.00 with +-0.20 at n = 18; the room to the nearer bound is 0.10, so the interval must halve: four times as many.
    assert word(0.80, 1.20).sales_needed == 72


def test_a_point_outside_needs_sales_until_the_interval_leaves_the_band():
    # 0.85 with +-0.10; it must shrink to 0.05: four times.
    assert word(0.75, 0.95).sales_needed == 72


def test_a_point_on_the_bound_is_settled_by_no_number_of_sales():
    assert word(0.80, 1.00, value=0.90).sales_needed is None


def test_a_measure_without_an_interval_settles_nothing():
    enough = median_interval(np.linspace(0.99, 1.01, 30))

    assert judge("median", 1.0, None, BAND, 3).word == "cannot tell with n = 3"
    assert judge("median", 1.0, enough, BAND, 30).word == "meets"


@pytest.mark.parametrize(("value", "low", "high"), [(1.0, np.nan, 1.1), (np.nan, 0.9, 1.1), (1.0, -np.inf, 1.1)])
def test_a_figure_that_is_no_number_settles_nothing_and_promises_nothing(value, low, high):
    verdict = judge("prd", value, Interval(low, high), BAND, 18)

    assert (verdict.word, verdict.sales_needed) == ("cannot tell with n = 18", None)


def test_a_measure_that_could_not_be_computed_is_not_judged():
    assert judge("prb", None, None, BAND, 2).word == "cannot tell with n = 2"
