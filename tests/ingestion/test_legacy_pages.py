"""Pages of a legacy database: every row once, at whatever key a page ends; the catalogue asked once."""

import re
from datetime import datetime
from decimal import Decimal

import pytest
import sqlglot
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ingestion.connectors.legacy.sql_statements import Dialect, Since, page, totals
from ingestion.connectors.source import UnreadableSource
from ingestion.connectors.sql_server import LegacyQuery
from ingestion.transforms.mapper import Dataset
from ingestion.transforms.queries import Query
from terrafusion.roll.models import Property

from .fake_server import fake_server
from .test_sql_server import MSSQL

pytestmark = pytest.mark.django_db


def dataset(key=("p.prop_id",), watermark=None, **query):
    return Dataset.model_validate(
        {
            "source": "pacs",
            "watermark": watermark,
            "query": {"table": "parcel", "as": "p", "key": list(key)} | query,
            "properties": {"property_id": {"column": "p.prop_id"}, "parcel_number": {"column": "p.geo_id"}},
        }
    )


def fill(columns, rows):
    """A table of the test's own database. PostgreSQL calls a DATETIME a timestamp."""
    if connection.vendor == "postgresql":
        columns = re.sub(r"\bdatetime\b", "timestamp", columns)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE parcel ({columns})")
        marks = ", ".join(["%s"] * len(rows[0]))
        cells = [[str(cell) if isinstance(cell, datetime | Decimal) else cell for cell in row] for row in rows]
        cursor.executemany(f"INSERT INTO parcel VALUES ({marks})", cells)  # noqa: S608 - marks alone


def read(source):
    return [text for batch in source.batches() for text in batch.rows["p.geo_id"]]


MOMENTS = [datetime(2026, 1, 2, 10, 0, 0, 1000 * milli) for milli in (0, 3, 7, 10, 993, 997)]


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 6, 7])
@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("datetime", MOMENTS),
        ("numeric(14,2)", [Decimal("0.10"), Decimal("0.30"), Decimal("1"), Decimal("1.05"), Decimal("2.50"), 7]),
        ("varchar(9)", ["A", "B", "C10", "C9", "D'x", "E"]),
    ],
)
def test_pages_end_at_keys_of_every_type_without_a_row_lost_or_read_twice(rows, kind, keys):
    fill(f"prop_id {kind}, geo_id varchar(9)", [(key, f"G{at}") for at, key in enumerate(keys)])
    source = LegacyQuery("default", "parcels", dataset(), page_rows=rows)

    batches = list(source.batches())

    assert [text for batch in batches for text in batch.rows["p.geo_id"]] == [f"G{at}" for at in range(6)]
    for place, batch in enumerate(batches):
        rest = [text for later in source.batches(batch.position) for text in later.rows["p.geo_id"]]
        assert rest == [text for later in batches[place + 1 :] for text in later.rows["p.geo_id"]]


@pytest.mark.parametrize("rows", [3, 4, 5, 6, 7])
def test_rows_of_one_key_stay_on_one_page(rows):
    """A join that finds two rows gives its parcel twice; a page that ended between them lost the second."""
    fill("prop_id int, geo_id varchar(9)", [(at // 3, f"G{at}") for at in range(12)])

    assert sorted(read(LegacyQuery("default", "parcels", dataset(), page_rows=rows))) == sorted(
        f"G{at}" for at in range(12)
    )


def test_keys_the_server_holds_equal_stay_on_one_page(monkeypatch):
    """Its order of texts knows no case: after 'ab' it goes on beyond 'AB' too."""
    keys = ["aa", "ab", "AB ", "\u00e1b", "ac"]
    rows = [(f"{at}", f"G{at}", key) for at, key in enumerate(keys)]

    def as_compared(text):
        return text.casefold().rstrip().replace("\u00e1", "a")

    def answer(sql, parameters):
        if "INFORMATION_SCHEMA" in sql:
            names = ("prop_id", "geo_id")
            return [("parcel", name, "varchar", 9, None, None, None, "dbo", "dbo") for name in names]
        found = [row for row in rows if not parameters or as_compared(row[2]) > as_compared(parameters[0])]
        return found[: int(re.search(r"TOP \((\d+)\)", sql)[1])]

    fake_server(monkeypatch, answer)

    assert read(LegacyQuery("fake_pacs", "parcels", dataset(), page_rows=3)) == [f"G{at}" for at in range(5)]


def test_more_rows_of_one_key_than_a_page_has_are_told_and_not_lost():
    fill("prop_id int, geo_id varchar(9)", [(1, f"G{at}") for at in range(4)])

    with pytest.raises(UnreadableSource, match=r"more than 3 rows have one key, p\.prop_id; name in the mapping"):
        read(LegacyQuery("default", "parcels", dataset(), page_rows=3))


def test_a_key_that_is_empty_in_a_row_is_told_and_the_row_not_lost():
    fill("prop_id int, geo_id varchar(9)", [(1, "G1"), (None, "G2")])

    with pytest.raises(UnreadableSource, match=r"p\.prop_id is empty in a row, so pages by it would lose rows"):
        read(LegacyQuery("default", "parcels", dataset(), page_rows=3))


# --- The watermark ---


@pytest.mark.parametrize("at", range(len(MOMENTS)))
def test_since_a_moment_gives_its_rows_and_later_ones_and_those_that_say_none(at):
    rows = [(number, f"G{number}", moment) for number, moment in enumerate([*MOMENTS, None])]
    fill("prop_id int, geo_id varchar(9), changed datetime", rows)
    mapped = dataset(watermark="p.changed")

    text = next(LegacyQuery("default", "parcels", mapped, page_rows=at + 1).batches()).watermark

    assert read(LegacyQuery("default", "parcels", mapped, since=text)) == [f"G{number}" for number in range(at, 7)]


def test_a_moment_the_column_cannot_hold_is_told_before_anything_is_read():
    fill("prop_id int, geo_id varchar(9), changed datetime", [(1, "G1", MOMENTS[0])])
    source = LegacyQuery("default", "parcels", dataset(watermark="p.changed"), since="2026-01-02T10:00-08:00")

    with pytest.raises(UnreadableSource, match="parcels, changed since: '2026-01-02T10:00-08:00' names a zone"):
        source.columns()


QUERY = Query.model_validate({"table": "parcel", "as": "p", "key": ["p.at", "p.id"]})


def statement(kinds, since, after=None):
    made = page(QUERY, ["p.id"], MSSQL, {}, after, 5, kinds, since)
    sqlglot.transpile(made.sql.replace("%s", "1"), read="tsql", error_level=sqlglot.ErrorLevel.RAISE)
    return made


def test_a_datetime_of_sql_server_is_compared_as_a_datetime():
    made = statement({"p.at": "datetime"}, Since("p.at", MOMENTS[5]), [MOMENTS[2], 7])

    assert "([p].[at] >= CAST(%s AS datetime) OR [p].[at] IS NULL)" in made.sql
    assert "[p].[at] >= CAST(%s AS datetime) AND (([p].[at] > CAST(%s AS datetime))" in made.sql
    assert made.parameters == (MOMENTS[5], MOMENTS[2], MOMENTS[2], MOMENTS[2], 7)


def test_moments_finer_than_pythons_are_keys_as_texts():
    made = statement({"p.at": "datetime2(7)"}, None, ["2026-01-02 10:00:00.1234567", 7])

    assert "CONVERT(nvarchar(34), [p].[at], 121) AS [k0]" in made.sql
    assert "[p].[at] > CAST(%s AS datetime2(7))" in made.sql


def test_a_moment_with_a_zone_is_shown_as_its_own_clock_says():
    made = page(QUERY, ["p.sold"], MSSQL, {}, kinds={"p.sold": "datetimeoffset(7)"})

    assert "CAST([p].[sold] AS datetime2) AS [c0]" in made.sql


def test_the_servers_own_count_and_sums_are_one_statement():
    made = totals(QUERY, ["p.price"], MSSQL, {}, {}, None)

    assert made.sql == (
        "SELECT COUNT_BIG(*), SUM(CAST([q].[c0] AS decimal(38, 4))) FROM "
        "(SELECT [p].[price] AS [c0] FROM [parcel] AS [p]) AS [q]"
    )
    sqlglot.transpile(made.sql, read="tsql", error_level=sqlglot.ErrorLevel.RAISE)
    assert totals(QUERY, [], Dialect(str, has_top=False), {}).sql == "SELECT COUNT(*) FROM parcel AS p"


# --- The catalogue ---


def test_a_load_asks_the_catalogue_once_for_each_new_table_at_most(pacs, load_pacs):
    pacs(30)

    with CaptureQueriesContext(connection) as statements:
        load_pacs()

    asked = [query["sql"] for query in statements if re.search("pragma_table_info|information_schema", query["sql"])]
    tables = [name for statement in asked for name in re.findall(r"'(\w+)'", statement.split(" IN (")[-1])]
    assert Property.objects.exists()
    assert {"property", "imprv", "owner", "wash_prop_owner_val", "sale"} <= set(tables)
    assert len(tables) == len(set(tables))
    assert len(asked) <= 5  # data sets, each for the tables that the earlier ones did not have


# --- The second count and sum ---


def with_prices(since=None):
    mapped = Dataset.model_validate(
        {
            "source": "pacs",
            "watermark": "p.changed",
            "query": {
                "table": "parcel",
                "as": "p",
                "key": ["p.prop_id"],
                "where": [{"column": "p.prop_id", "at_most": 4}],
            },
            "sales": {
                "property_id": {"column": "p.geo_id"},
                "sale_id": {"column": "p.prop_id"},
                "sale_date": {"column": "p.changed", "type": "date"},
                "sale_price": {"column": "p.price", "type": "dollars"},
            },
        }
    )
    return LegacyQuery("default", "sales", mapped, since=since)


def test_the_database_counts_and_sums_the_rows_itself():
    rows = [(at, f"G{at}", moment, Decimal("100.25")) for at, moment in enumerate(MOMENTS)]
    fill("prop_id int, geo_id varchar(9), changed datetime, price numeric(14,2)", rows)

    assert (with_prices().count(), with_prices().sums()) == (5, {"p.price": Decimal("501.25")})
    part = with_prices("2026-01-02 10:00:00.010")
    assert (part.count(), part.sums()) == (2, {"p.price": Decimal("200.50")})


def test_dollars_that_are_read_as_others_than_the_database_sums_stop_the_load(pacs, load_pacs, monkeypatch):
    from ingestion.connectors.legacy import rows as legacy_rows

    pacs(20)
    real = legacy_rows.cell_text
    monkeypatch.setattr(legacy_rows, "cell_text", lambda cell: real(cell).replace("7", "1"))

    with pytest.raises(
        UnreadableSource, match=r"by the database's own sum, but \$[\d,]+ was read; nothing was written"
    ):
        load_pacs(dataset="values")
    assert not Property.objects.exists()
