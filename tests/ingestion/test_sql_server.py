"""The statements put to the legacy database, and how its faults are told."""

import os

import pytest
import sqlglot
from django.db import connection
from mssql.operations import DatabaseOperations

from ingestion.connectors.legacy.catalogue import LiveTables, faults_of_query
from ingestion.connectors.legacy.sql_statements import Dialect, page
from ingestion.connectors.source import UnreadableSource
from ingestion.connectors.sql_server import LegacyQuery
from ingestion.legacy.pacs import NEVER_READ, catalogue
from ingestion.transforms.mapper import Dataset, read_mapping
from ingestion.transforms.queries import Query

MSSQL = Dialect(DatabaseOperations(None).quote_name, has_top=True)
PLAIN = Dialect(lambda name: f'"{name}"', has_top=False)


@pytest.fixture
def benton(settings):
    return read_mapping(settings.COUNTY_CONFIGS_DIR / "benton" / "mappings.yaml")


def test_a_page_is_asked_for_as_sql_server_wants_it():
    query = Query.model_validate(
        {
            "table": "owner",
            "as": "o",
            "key": ["o.prop_id", "o.owner_id"],
            "joins": [{"table": "account", "as": "ac", "how": "left", "on": {"acct_id": "o.owner_id"}}],
            "where": [{"column": "o.owner_tax_yr", "equals": "$tax_year"}, {"column": "ac.web", "in": ["T", "F"]}],
        }
    )

    statement = page(query, ["o.prop_id", "ac.file_as_name"], MSSQL, {"tax_year": 2026}, after=[7, 9], rows=100)

    assert statement.sql == (
        "SELECT TOP (100) [o].[prop_id] AS [c0], [ac].[file_as_name] AS [c1], [o].[prop_id] AS [k0], "
        "[o].[owner_id] AS [k1] FROM [owner] AS [o] LEFT JOIN [account] AS [ac] ON [ac].[acct_id] = [o].[owner_id] "
        "WHERE [o].[owner_tax_yr] = %s AND RTRIM([ac].[web]) IN (%s, %s) "
        "AND [o].[prop_id] >= %s AND (([o].[prop_id] > %s) OR ([o].[prop_id] = %s AND [o].[owner_id] > %s)) "
        "ORDER BY [o].[prop_id], [o].[owner_id]"
    )
    assert statement.parameters == (2026, "T", "F", 7, 7, 7, 9)


def test_rows_of_one_parcel_are_taken_together_in_a_subquery():
    query = Query.model_validate(
        {
            "table": "psa",
            "key": ["psa.prop_id"],
            "joins": [
                {
                    "table": "imprv_detail",
                    "as": "b",
                    "how": "left",
                    "on": {"prop_id": "psa.prop_id", "sale_id": 0, "imprv_det_type_cd": "BSMT"},
                    "totals": {"area": "sum"},
                }
            ],
        }
    )

    statement = page(query, ["b.area"], MSSQL, {}, rows=5)

    assert statement.sql == (
        "SELECT TOP (5) (SELECT SUM([b].[area]) FROM [imprv_detail] AS [b] WHERE [b].[prop_id] = [psa].[prop_id] "
        "AND [b].[sale_id] = %s AND RTRIM([b].[imprv_det_type_cd]) = %s) AS [c0], [psa].[prop_id] AS [k0] "
        "FROM [psa] AS [psa] ORDER BY [psa].[prop_id]"
    )
    assert statement.parameters == (0, "BSMT")


def test_every_query_of_benton_is_transact_sql(benton):
    queries = benton.of_source("pacs")
    assert len(queries) == 5
    for dataset in queries.values():
        after = [1] * len(dataset.database_query.key)
        statement = page(dataset.database_query, dataset.source_columns(), MSSQL, benton.variables, after)

        sqlglot.transpile(statement.sql.replace("%s", "1"), read="tsql", error_level=sqlglot.ErrorLevel.RAISE)
        assert "LIMIT" not in statement.sql
        assert statement.sql.count("%s") == len(statement.parameters)
        assert "2026" not in statement.sql


def test_every_name_of_bentons_mapping_is_in_the_catalogue_of_pacs(benton):
    for dataset in benton.of_source("pacs").values():
        assert faults_of_query(dataset, catalogue()) == []
        assert not {name.split(".")[1] for name in dataset.source_columns()} & NEVER_READ


def test_no_query_of_benton_forgets_the_supplement_or_the_frozen_copies(benton):
    """Rules 1 to 3: each query goes through prop_supp_assoc or the deed; imprv* is read at sale_id 0."""
    for name, dataset in benton.of_source("pacs").items():
        query = dataset.database_query
        tables = query.tables()
        assert {"prop_supp_assoc", "chg_of_owner_prop_assoc"} & set(tables.values()), name
        for join in query.joins:
            if join.table.startswith("imprv"):
                assert "sale_id" in join.on, f"{name}.{join.name}"


def dataset(**query):
    return Dataset.model_validate(
        {
            "source": "pacs",
            "query": {"table": "property", "as": "p", "key": ["p.prop_id"]} | query,
            "properties": {"property_id": {"column": "p.prop_id"}, "parcel_number": {"column": "p.geo_id"}},
        }
    )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"table": "propertty"}, 'there is no table propertty (did you mean "property"?)'),
        ({"key": ["p.prop_idd"]}, 'table property has no column prop_idd (did you mean "prop_id"?)'),
        ({"where": [{"column": "p.hood_cd", "equals": "1"}]}, "table property has no column hood_cd"),
        (
            {"joins": [{"table": "situs", "as": "s", "on": {"propid": "p.prop_id"}}]},
            'table situs has no column propid (did you mean "prop_id"?)',
        ),
    ],
)
def test_a_name_the_catalogue_does_not_have_is_told_with_the_near_one(change, fault):
    assert fault in [what for _, what in faults_of_query(dataset(**change), catalogue())]


@pytest.mark.django_db
def test_the_live_catalogue_is_asked_before_any_query():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE property (prop_id int, geo varchar(50))")
    source = LegacyQuery("default", "parcels", dataset())

    with pytest.raises(UnreadableSource, match=r'property has no column geo_id \(did you mean "geo"\?\)'):
        source.columns()
    assert set(LiveTables("default").of({"property"})["property"]) == {"prop_id", "geo"}


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
def test_pages_of_any_size_give_every_row_once_and_go_on_from_any_of_them(rows):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE property (prop_id int, geo_id varchar(50), kind int)")
        cursor.executemany(
            "INSERT INTO property VALUES (%s, %s, %s)",
            [[number // 3, f"G{number}  ", number % 3] for number in range(20)],
        )
    source = LegacyQuery("default", "parcels", dataset(key=["p.prop_id", "p.kind"]), page_rows=rows)

    batches = list(source.batches())

    read = [text for batch in batches for text in batch.rows["p.geo_id"]]
    assert read == [f"G{number}  " for number in range(20)]
    for place, batch in enumerate(batches):
        rest = [text for each in source.batches(batch.position) for text in each.rows["p.geo_id"]]
        assert rest == [text for each in batches[place + 1 :] for text in each.rows["p.geo_id"]]


NAMES = [
    "p]; DROP TABLE property--",
    "p.geo_id; --",
    'p."x"',
    "p.x y",
    "p.[x]",
    "1=1",
    "p.x/**/",
    "p.x\n",
    "\uff50.x",
    "p..x",
]
PLACES = [
    lambda text: {"table": text},
    lambda text: {"as": text},
    lambda text: {"key": [text]},
    lambda text: {"where": [{"column": text, "equals": 1}]},
    lambda text: {"joins": [{"table": text, "on": {"prop_id": "p.prop_id"}}]},
    lambda text: {"joins": [{"table": "situs", "as": text, "on": {"prop_id": "p.prop_id"}}]},
    lambda text: {"joins": [{"table": "situs", "on": {text: "p.prop_id"}}]},
    lambda text: {
        "joins": [{"table": "situs", "how": "left", "on": {"prop_id": "p.prop_id"}, "totals": {text: "sum"}}]
    },
    lambda text: {"joins": [{"table": "situs", "how": "left", "on": {"prop_id": "p.prop_id"}, "totals": {"x": text}}]},
]
PAYLOADS = [(place, text) for place in range(len(PLACES)) for text in NAMES]


@pytest.mark.parametrize(("place", "text"), PAYLOADS)
def test_sql_in_the_place_of_a_name_is_refused(place, text):
    """90 payloads: wherever the mapping takes a name, nothing but a name passes."""
    with pytest.raises(ValueError, match="validation error"):
        dataset(**PLACES[place](text))


VALUES = ["'; DROP TABLE property; --", "' OR '1'='1", "1); EXEC xp_cmdshell('dir')--", "%s", "\\'", "N'x'",
          "0x414141", "\u2019 OR 1=1"]  # fmt: skip


@pytest.mark.parametrize("text", VALUES)
def test_sql_in_the_place_of_a_value_stays_a_value(text):
    query = dataset(where=[{"column": "p.geo_id", "equals": text}]).database_query

    statement = page(query, ["p.geo_id"], MSSQL, {})

    assert text not in statement.sql.replace("= %s", "")
    assert statement.parameters == (text,)


@pytest.mark.parametrize("text", ["p.geo_id); DROP TABLE x--", "no_table.x", "p.geo_id; x", "geo_id"])
def test_a_field_that_reads_no_column_of_the_query_is_refused_by_the_catalogue(text):
    mapped = Dataset.model_validate(
        {
            "source": "pacs",
            "query": {"table": "property", "as": "p", "key": ["p.prop_id"]},
            "properties": {"property_id": {"column": "p.prop_id"}, "parcel_number": {"column": text}},
        }
    )

    assert faults_of_query(mapped, catalogue())


# --- The real driver ---


def mssql_settings(**changes):
    from terrafusion.settings.legacy import sql_server

    return sql_server("mssql://reader:secret@127.0.0.1:1/pacs_oltp") | changes


def test_the_settings_ask_for_an_encrypted_checked_read_only_connection_that_does_not_wait_long():
    made = mssql_settings()

    assert made["ENGINE"] == "mssql"
    options = made["OPTIONS"]
    assert options["python_driver"] == "mssql_python"
    for word in ("Encrypt=yes", "TrustServerCertificate=no", "ApplicationIntent=ReadOnly"):
        assert word in options["extra_params"]
    assert options["connection_retries"] <= 3
    assert options["connection_timeout"] <= 30
    assert options["query_timeout"] > 0


def test_the_real_driver_against_a_closed_port_gives_a_plain_error(django_db_blocker):
    """Opens Microsoft's driver out of the wheel (Debian's libodbc2 is needed by mssql-django)."""
    pytest.importorskip("pyodbc", reason="libodbc2 is not installed")
    from django.db import connections

    connections.databases["closed_pacs"] = connections.databases["default"] | mssql_settings()
    connections.databases["closed_pacs"]["OPTIONS"] |= {"connection_retries": 0, "connection_timeout": 3}
    try:
        with django_db_blocker.unblock(), pytest.raises(UnreadableSource) as raised:
            LegacyQuery("closed_pacs", "parcels", dataset()).columns()
    finally:
        del connections.databases["closed_pacs"]
        del connections["closed_pacs"]

    assert "The legacy database closed_pacs does not answer: no connection could be made" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "127.0.0.1" not in str(raised.value)


@pytest.fixture
def live_pacs(django_db_blocker):
    """The server of TERRAFUSION_TEST_MSSQL_URL, which no test database is made on."""
    from django.db import connections

    from terrafusion.settings.legacy import sql_server

    made = connections.databases["default"] | sql_server(os.environ["TERRAFUSION_TEST_MSSQL_URL"])
    connections.databases["live_pacs"] = made
    with django_db_blocker.unblock():
        yield "live_pacs"
        connections["live_pacs"].close()
    del connections.databases["live_pacs"], connections["live_pacs"]


@pytest.mark.skipif("TERRAFUSION_TEST_MSSQL_URL" not in os.environ, reason="TERRAFUSION_TEST_MSSQL_URL is not set")
def test_a_live_server_answers_bentons_catalogue_and_first_pages(benton, live_pacs):
    for name, each in benton.of_source("pacs").items():
        source = LegacyQuery(live_pacs, name, each, benton.variables, page_rows=50)
        assert source.columns()
        assert source.shape()["kinds"]
        first = next(source.batches(), None)
        second = next(source.batches(first.position), None) if first else None
        assert second is None or second.position["key"] > first.position["key"]
        if first and first.watermark:
            since = LegacyQuery(live_pacs, name, each, benton.variables, first.watermark, page_rows=50)
            assert next(since.batches()).rows.height
