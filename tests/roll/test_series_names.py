"""The names of price indices: what is written is what is read."""

from datetime import date

import pytest

from market_analysis.keeping import series_name
from market_analysis.models import MarketAnalysisJob
from terrafusion.roll.series_names import COUNTY, LONGEST, SeriesName

DEFAULTS = {
    "method": "repeat_sales",
    "period": "quarter",
    "property_types": ["single_family", "condominium"],
    "shortest_holding_days": 183,
}


def name_of(**asked):
    return series_name(MarketAnalysisJob(parameters=DEFAULTS | asked))


@pytest.mark.parametrize(
    ("asked", "name", "place"),
    [
        ({}, "repeat_sales/county/quarter", COUNTY),
        ({"property_types": ["condominium"]}, "repeat_sales/property_types=condominium/quarter", COUNTY),
        ({"zip_codes": ["98101"], "period": "month"}, "repeat_sales/zip_codes=98101/month", "98101"),
        ({"zip_codes": ["98101", "98102"]}, "repeat_sales/zip_codes=98101+98102/quarter", None),
        ({"neighborhoods": ["A/B+1=%"]}, "repeat_sales/neighborhoods=A%2FB%2B1%3D%25/quarter", "A/B+1=%"),
        ({"start_year": 2025}, "repeat_sales/county/quarter/from=2025-01-01", COUNTY),
        (
            {"start_date": "2020-01-02", "end_year": 2024, "shortest_holding_days": 30},
            "repeat_sales/county/quarter/from=2020-01-02/to=2024-12-31/holding=30",
            COUNTY,
        ),
        ({"method": "hedonic", "shortest_holding_days": 30}, "hedonic/county/quarter", COUNTY),
    ],
)
def test_a_name_says_everything_that_shapes_the_index(asked, name, place):
    assert name_of(**asked) == name

    read = SeriesName.parse(name)

    assert str(read) == name
    assert read.place == place


def test_a_name_too_long_to_keep_is_still_the_same_each_time_and_no_others():
    codes = [str(98_000 + each) for each in range(30)]
    first, again, other = (name_of(zip_codes=each) for each in (codes, codes, codes[:-1]))

    assert first == again != other
    assert len(first) == LONGEST
    assert SeriesName.parse(first) is None


@pytest.mark.parametrize("name", ["", "hedonic", "hedonic/zip/99350", "hedonic/county/quarter/from=soon"])
def test_what_is_no_name_of_ours_is_none(name):
    assert SeriesName.parse(name) is None


def test_an_index_is_read_with_the_length_of_its_periods():
    assert SeriesName("median", "year", first=date(2020, 1, 1)).days_a_period == 365.25
    assert SeriesName.parse("hedonic/county/month").days_a_period == pytest.approx(30.4, abs=0.1)
