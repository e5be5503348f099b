"""The driver's Arrow reader beside the cursor: the same texts, keys and watermarks from the same rows."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pytest
from mssql_python import exceptions

from ingestion.connectors.legacy.faults import LegacyFault
from ingestion.connectors.legacy.rows import Reader
from ingestion.connectors.legacy.sql_statements import Statement
from ingestion.connectors.sql_server import LegacyQuery

from .fake_server import fake_server
from .test_legacy_pages import dataset

pytestmark = pytest.mark.database_free
# The types the driver's Arrow reader gives, each with the edges of its column.
TYPES = {
    "tinyint": (pa.uint8(), [0, 255, None]),
    "smallint": (pa.int16(), [-(2**15), 0, None]),
    "int": (pa.int32(), [2**31 - 1, -1, None]),
    "bigint": (pa.int64(), [2**63 - 1, -(2**63), None]),
    "bit": (pa.bool_(), [True, False, None]),
    "money": (pa.decimal128(19, 4), [Decimal("922337203685477.5807"), Decimal("0.5000"), None]),
    "numeric(14)": (pa.decimal128(14, 0), [Decimal(99999999999999), Decimal(-1), None]),
    "decimal(38,10)": (pa.decimal128(38, 10), [Decimal("0.0000000001"), Decimal("1234567890.5000000000"), None]),
    "float": (pa.float64(), [0.1, 1002.0, None]),
    "char(5)": (pa.large_string(), ["R    ", "", None]),
    "nvarchar": (pa.large_string(), ["Ñuñoa\r\n", "\U0001f3e0", None]),
    "datetime": (pa.timestamp("us"), [datetime(2026, 1, 2), datetime(2026, 1, 2, 10, 0, 0, 997_000), None]),
    "datetime2(7)": (pa.timestamp("us"), [datetime(1753, 1, 1), datetime(2026, 1, 2, 10, 0, 0, 123_456), None]),
    "datetimeoffset": (pa.timestamp("us", "+00:00"), [datetime(2026, 1, 2, 7, 59, tzinfo=UTC), None, None]),
    "date": (pa.date32(), [date(1900, 1, 1), date(2026, 12, 31), None]),
    "time": (pa.time64("us"), [time(10, 0, 5), time(0, 0), None]),
    "binary": (pa.large_binary(), [b"\x00\xff", b"", None]),
}
COLUMNS = list(TYPES)


def table():
    columns = {f"c{at}": pa.array(values, kind) for at, (kind, values) in enumerate(TYPES.values())}
    keys = {"k0": pa.array([1, 1, 2]), "k1": pa.array([Decimal("0.10"), Decimal("1.50"), Decimal("2.00")])}
    marks = {"w": pa.array([None, *(datetime(2026, 1, 2, 10, 0, 0, 1000 * milli) for milli in (997, 3))])}
    return pa.table(columns | keys | marks)


def read(monkeypatch, has_arrow, given=None):
    server = fake_server(monkeypatch, lambda sql, parameters: table() if given is None else given, has_arrow=has_arrow)
    reader = Reader("fake_pacs", COLUMNS, keys=2, has_watermark=True)
    return reader.read(Statement("SELECT 1", ())), reader, server


def test_the_arrow_reader_gives_what_the_cursor_gives(monkeypatch):
    by_arrow, reader, _ = read(monkeypatch, has_arrow=True)
    by_row, *_ = read(monkeypatch, has_arrow=False)

    assert reader.has_arrow
    assert by_arrow.texts.to_dict(as_series=False) == by_row.texts.to_dict(as_series=False)
    assert by_arrow.texts["money"].to_list() == ["922337203685477.5807", "0.5000", ""]
    assert by_arrow.texts["datetime"].to_list() == ["2026-01-02", "2026-01-02 10:00:00.997", ""]
    assert [by_arrow.key(at) for at in range(3)] == [by_row.key(at) for at in range(3)]
    assert by_arrow.key(1) == (1, Decimal("1.50"))
    assert by_arrow.latest(3) == by_row.latest(3) == datetime(2026, 1, 2, 10, 0, 0, 997_000)
    assert by_arrow.latest(1) is by_row.latest(1) is None
    assert by_arrow.empty_key is by_row.empty_key is None


@pytest.mark.parametrize("has_arrow", [True, False])
def test_an_empty_answer_and_an_empty_key_are_seen_by_both(monkeypatch, has_arrow):
    answer, *_ = read(monkeypatch, has_arrow, table().slice(0, 0))
    assert (answer.height, answer.texts.columns) == (0, COLUMNS)

    without = table().set_column(len(COLUMNS) + 1, "k1", pa.array([Decimal("0.10"), None, Decimal(1)]))
    assert read(monkeypatch, has_arrow, without)[0].empty_key == 1


def test_a_type_the_arrow_reader_does_not_know_is_read_by_the_cursor_from_then_on(monkeypatch):
    rows = [tuple(row.values()) for row in table().to_pylist()]

    answer, reader, server = read(monkeypatch, has_arrow=True, given=rows)

    assert answer.texts["int"].to_list() == ["2147483647", "-1", ""]
    assert len(server.asked) == 2  # the statement was put again
    reader.read(Statement("SELECT 2", ()))
    assert len(server.asked) == 3


def test_a_server_that_goes_away_while_arrow_reads_is_a_fault_and_no_reason_to_ask_again(monkeypatch):
    lost = exceptions.OperationalError("Communication link failure", "[Microsoft][SQL Server]TCP Provider")

    class Lost(pa.Table):
        def __init__(self):
            pass

        def to_reader(self, size):
            raise lost

    def answer(sql, parameters):
        if "INFORMATION_SCHEMA" in sql:
            return [("parcel", name, "int", None, 10, 0, None, "dbo", "dbo") for name in ("prop_id", "geo_id")]
        return Lost()

    server = fake_server(monkeypatch, answer, has_arrow=True)

    with pytest.raises(LegacyFault, match="does not answer: no connection could be made"):
        next(LegacyQuery("fake_pacs", "parcels", dataset()).batches())
    assert len(server.asked) == 2
