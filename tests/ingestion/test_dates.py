"""Dates as counties write them: several ways in one column, typed cells beside texts, numbers, zones."""

from datetime import date

import pytest
from pydantic import ValidationError

from ingestion.transforms.mapper import Dataset
from ingestion.transforms.roll_fields import TARGETS
from ingestion.transforms.validators import BadValue, convert

SALE = {"property_id": {"column": "a"}, "sale_id": {"column": "a"}, "sale_price": {"column": "a", "type": "dollars"}}
DAY = date(2024, 6, 5)


def field(**options):
    options = {"column": "a", "type": "date"} | options
    return Dataset.model_validate({"sales": SALE | {"sale_date": options}}).sales["sale_date"]


def read(text, **options):
    return convert(text, field(**options), TARGETS["sales"].fields["sale_date"])


SEVERAL = ["%m/%d/%Y", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M", "%m/%d/%y", "excel_serial"]


@pytest.mark.parametrize(
    "text",
    ["6/5/2024", "06/05/2024 12:00:00 AM", "6/5/2024 0:00", "6/5/24", "45448", "2024-06-05", "2024-06-05 00:00:00"],
)
def test_one_column_may_be_written_in_several_ways(text):
    assert read(text, format=SEVERAL) == DAY


def test_a_text_in_none_of_the_ways_is_refused_and_they_are_named():
    with pytest.raises(BadValue, match=r"not a date written as %m/%d/%Y or excel_serial"):
        read("5 June 2024", format=["%m/%d/%Y", "excel_serial"])


@pytest.mark.parametrize(
    ("text", "year"), [("6/5/24", 2024), ("6/5/29", 2029), ("6/5/30", 1930), ("6/5/68", 1968), ("6/5/72", 1972)]
)
def test_two_digits_of_a_year_are_of_the_hundred_years_from_1930(text, year):
    assert read(text, format="%m/%d/%y").year == year


def test_the_hundred_years_can_be_said():
    assert read("6/5/24", format="%m/%d/%y", two_digit_years_from=1900).year == 1924


@pytest.mark.parametrize(
    ("text", "options", "day"),
    [
        ("1717545600000", {"format": "epoch_milliseconds"}, DAY),  # 2024-06-05 00:00 UTC
        ("1717570800000", {"format": "epoch_milliseconds", "time_zone": "America/Los_Angeles"}, DAY),  # 00:00 there
        ("1717556400000", {"format": "epoch_milliseconds", "time_zone": "America/Los_Angeles"}, date(2024, 6, 4)),
        ("1717545600", {"format": "epoch_seconds"}, DAY),
        ("-86400000", {"format": "epoch_milliseconds"}, date(1969, 12, 31)),
        ("2024-06-05T00:00:00Z", {"time_zone": "America/Los_Angeles"}, DAY),
        ("2024-06-05T03:00:00Z", {"time_zone": "America/Los_Angeles"}, date(2024, 6, 4)),
        ("2024-06-05T03:00:00+00:00", {}, DAY),
        ("2024-06-05T23:30:00.123-07:00", {}, DAY),
        ("2024-06-05 23:30:00 -0700", {"format": "%Y-%m-%d %H:%M:%S %z"}, DAY),
        ("06/05/2024 23:30 -0700", {"format": "%m/%d/%Y %H:%M %z", "time_zone": "America/Los_Angeles"}, DAY),
        ("45448.75", {"format": "excel_serial"}, DAY),
    ],
)
def test_numbers_and_instants_become_the_day_they_were(text, options, day):
    assert read(text, **options) == day


@pytest.mark.parametrize("text", ["", "45448", "2024-06-05T", "2024-06-05x", "2024-13-05T00:00:00Z", "20240605"])
def test_what_is_no_date_is_none(text):
    if text:
        with pytest.raises(BadValue, match="not a date"):
            read(text)
    else:
        assert read(text) is None


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("0001-01-01T01:00:00Z", {}),
        ("9999-12-31T23:59:59-08:00", {}),
        ("12/31/9999 23:00 -0800", {"format": "%m/%d/%Y %H:%M %z"}),
    ],
)
def test_an_instant_beyond_the_calendar_is_no_date(text, options):
    with pytest.raises(BadValue, match="not a date"):
        read(text, time_zone="America/Los_Angeles", **options)


@pytest.mark.parametrize("options", [{"format": ["%m/%d"]}, {"format": ["excel"]}, {"time_zone": "Mars/Olympus"}])
def test_a_way_that_says_no_date_is_refused_in_the_mapping(options):
    with pytest.raises(ValidationError, match=r"does not say year, month and day|is no time zone"):
        field(**options)
