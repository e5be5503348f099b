"""Watermarks and keys on their way through JSON and back to the server, in their columns' own types."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from mssql_python.constants import ConstantsDDBC as Odbc
from mssql_python.cursor import Cursor

from ingestion.connectors.legacy.typed_values import (
    BadWatermark,
    bound,
    check_watermark,
    from_json,
    placeholder,
    to_json,
    watermark_text,
    watermark_value,
)

pytestmark = pytest.mark.database_free
PACIFIC = timezone(timedelta(hours=-8))


def moment(text):
    return datetime.fromisoformat(f"2026-01-02 {text}")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("datetime", moment("10:00:00"), "2026-01-02 10:00:00.000"),
        ("datetime", moment("10:00:00.003"), "2026-01-02 10:00:00.003"),
        ("datetime", moment("10:00:00.007"), "2026-01-02 10:00:00.007"),
        ("datetime", moment("10:00:00.997"), "2026-01-02 10:00:00.997"),
        ("smalldatetime", moment("10:01"), "2026-01-02 10:01:00"),
        ("datetime2(0)", moment("10:00:05"), "2026-01-02 10:00:05"),
        ("datetime2(3)", moment("10:00:00.123"), "2026-01-02 10:00:00.123"),
        ("datetime2(7)", moment("10:00:00.123456"), "2026-01-02 10:00:00.123456"),
        ("datetimeoffset(7)", moment("10:00:00.5").replace(tzinfo=PACIFIC), "2026-01-02 18:00:00.500000+00:00"),
        ("timestamp with time zone", moment("10:00:00").replace(tzinfo=UTC), "2026-01-02 10:00:00.000000+00:00"),
        ("date", date(2026, 1, 2), "2026-01-02"),
        ("rowversion", bytes.fromhex("00000000000007d1"), "0x00000000000007D1"),
        ("int", 2026, "00000000000000002026"),
    ],
)
def test_a_watermark_keeps_its_columns_precision_and_comes_back_as_its_type(kind, value, text):
    assert watermark_text(value, kind) == text
    assert watermark_value(text, kind) == value
    assert type(watermark_value(text, kind)) is type(value)


def test_a_later_watermark_is_the_greater_text_whatever_its_zone():
    early, late = datetime(2026, 1, 2, 10, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 1, 2, 1, tzinfo=PACIFIC)

    assert watermark_text(late, "datetimeoffset(7)") > watermark_text(early, "datetimeoffset(7)")
    assert watermark_text(10, "int") > watermark_text(9, "int")


def test_every_tick_of_a_datetime_is_found_again_as_a_datetime_and_not_as_a_datetime2():
    """A DATETIME counts 300ths of a second and says milliseconds: tick 299 is .996666..., said as .997."""
    missed = 0
    for tick in range(300):
        said = datetime(2026, 1, 2, 10, 0, 0, (tick * 10 + 1) // 3 * 1000)  # as the driver reads it
        sent = watermark_value(watermark_text(said, "datetime"), "datetime")
        # CAST(? AS datetime) rounds to the nearest tick: 3.333 ms each
        assert round(sent.microsecond * 300 / 1_000_000) == tick
        missed += tick * 10_000_000 // 3 < sent.microsecond * 1000  # DATETIME as DATETIME2 >= parameter would be false
    assert missed == 100  # every .007: without the CAST the rows of that very moment would be left out
    assert placeholder("datetime", "microsoft") == "CAST(%s AS datetime)"
    assert placeholder("datetime", "postgresql") == placeholder("datetime2(3)", "microsoft") == "%s"


@pytest.mark.parametrize(
    ("kind", "text", "odbc"),
    [
        ("datetime", "2026-01-02 10:00:00.997", Odbc.SQL_TYPE_TIMESTAMP),
        ("datetime2(7)", "2026-01-02 10:00:00.123456", Odbc.SQL_TYPE_TIMESTAMP),
        ("datetimeoffset(7)", "2026-01-02 10:00:00-08:00", Odbc.SQL_DATETIMEOFFSET),
        ("date", "2026-01-02", Odbc.SQL_TYPE_DATE),
        ("rowversion", "0x00000000000007D1", Odbc.SQL_VARBINARY),
        ("int", "00000000000000000300", Odbc.SQL_SMALLINT),
    ],
)
def test_the_driver_binds_a_watermark_by_its_type_and_never_as_a_text(kind, text, odbc):
    value = bound(watermark_value(text, kind), "microsoft")

    assert Cursor._map_sql_type(object.__new__(Cursor), value, [value], 0)[0] == odbc.value


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("datetime", "garbage", "'garbage' is not a moment; write for example 2026-01-31"),
        ("datetime", "2026-01-02T10:00:00-08:00", "names a zone, which a datetime has not"),
        ("datetime", "1700-01-01", "is before 1753"),
        ("datetimeoffset(7)", "2026-01-02", "names no zone"),
        ("rowversion", "2026-01-02", "is not a rowversion; write for example 0x"),
        ("int", "2026-01-02", "is not a whole number"),
    ],
)
def test_a_watermark_the_column_cannot_hold_is_told(kind, text, reason):
    with pytest.raises(BadWatermark, match=reason.replace("0x", "0x")):
        watermark_value(text, kind)


@pytest.mark.parametrize("text", ["garbage", "", "yesterday", "2026-13-01", "31.01.2026", "0xZZ"])
def test_what_is_no_watermark_of_any_kind_is_told_before_a_database_is_asked(text):
    with pytest.raises(BadWatermark, match=r"is not a moment; write for example 2026-01-31 or"):
        check_watermark(text)


@pytest.mark.parametrize(
    "value",
    [7, "AB  ", None, True, 1.5, Decimal("12.50"), b"\x00\x07", date(2026, 1, 2), moment("10:00:00.997"),
     moment("10:00").replace(tzinfo=PACIFIC)],
)  # fmt: skip
def test_a_key_comes_back_from_json_as_it_was(value):
    back = from_json(json.loads(json.dumps(to_json(value))))

    assert (back, type(back)) == (value, type(value))


def test_sqlite_which_has_no_moments_gets_them_at_their_shortest():
    assert bound(moment("10:00:00"), "sqlite") == "2026-01-02 10:00:00"
    assert bound(moment("10:00:00.997"), "sqlite") == "2026-01-02 10:00:00.997"
    assert bound(date(2026, 1, 2), "sqlite") == "2026-01-02"
