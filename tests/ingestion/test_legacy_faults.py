"""What is told of a legacy database that does not answer, or not as hoped: the kind, and the driver's own reason."""

import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections
from mssql_python import exceptions

from ingestion.connectors.legacy.catalogue import LiveTables, type_name
from ingestion.connectors.legacy.faults import LegacyFault, asking
from ingestion.connectors.source import UnreadableSource
from ingestion.connectors.sql_server import LegacyQuery
from ingestion.models import IngestionRun
from ingestion.pipelines import requests
from ingestion.pipelines.control import drift
from ingestion.pipelines.requests import BadRequest
from terrafusion.jobs.finish import finish_failed
from terrafusion.jobs.models import FailureReason
from tests.factories import IngestionJobFactory

from .fake_server import fake_server
from .test_legacy_pages import dataset


def driver_error(sqlstate, text):
    """As the driver raises it: its own words for the SQLSTATE, then the server's message."""
    kind = {"08": exceptions.OperationalError, "28": exceptions.OperationalError}.get(
        sqlstate[:2], exceptions.ProgrammingError
    )
    words = {"08001": "Client unable to establish connection", "28000": "Invalid authorization specification",
             "08S01": "Communication link failure"}  # fmt: skip
    return kind(words.get(sqlstate, "Syntax error or access violation"), f"[Microsoft][SQL Server]{text}")


def told(monkeypatch, error):
    fake_server(monkeypatch, lambda sql, parameters: error, PASSWORD="hunter2", HOST="sql.county.gov")
    with pytest.raises(LegacyFault) as raised:
        LiveTables("fake_pacs").of(["property"])
    return str(raised.value)


@pytest.mark.database_free
@pytest.mark.parametrize(
    ("sqlstate", "text", "kind", "reason"),
    [
        ("28000", "Login failed for user 'reader'.", "the login was refused", "Login failed for user 'reader'"),
        ("42000", 'Cannot open database "pacs" requested by the login. The login failed.',
         "the login may not open this database", "Cannot open database"),
        ("08001", "SSL Provider: [error:0A000086:SSL routines::certificate verify failed:self-signed certificate]",
         "its certificate is not trusted", "self-signed certificate"),
        ("08001", "SSL Provider: [error:0A000086:SSL routines::certificate verify failed:"
         "subject name does not match host name]",
         "its certificate is made out for another host name", "subject name does not match host name"),
        ("08001", "SSL Provider: [error:0A000086:SSL routines::certificate verify failed:Hostname mismatch]",
         "its certificate is made out for another host name", "Hostname mismatch"),
        ("08001", "SSL Provider: [error:0A000086:SSL routines::certificate verify failed:certificate has expired]",
         "its certificate is out of date", "certificate has expired"),
        ("08001", "TCP Provider: Error code 0x2749", "no connection could be made", "TCP Provider: Error code 0x2749"),
        ("08001", "Login timeout expired", "it took too long", "Login timeout expired"),
        ("42000", "The SELECT permission was denied on the object 'property', database 'pacs', schema 'dbo'.",
         "the permission to read is missing", "denied on the object 'property'"),
        ("42000", "Conversion failed when converting the varchar value 'SMITH JOHN' to data type int.",
         "refused the question", "converting the varchar value '...' to data type int"),
        ("42000", "SERVER=sql.county.gov;UID=reader;PWD={hunter2};x", "refused the question", "UID=...;PWD=..."),
        ("42000", "about hunter2 on sql.county.gov", "refused the question", "about ... on (server)"),
    ],
)  # fmt: skip
def test_a_fault_is_told_by_its_kind_and_in_the_drivers_words_without_secrets(
    monkeypatch, sqlstate, text, kind, reason
):
    sentence = told(monkeypatch, driver_error(sqlstate, text))

    assert sentence.startswith("The legacy database fake_pacs ")
    assert kind in sentence
    assert reason in sentence
    for secret in ("hunter2", "sql.county.gov", "SMITH"):
        assert secret not in sentence


@pytest.mark.database_free
def test_a_missing_library_is_told_with_the_package_that_has_it():
    with (
        pytest.raises(UnreadableSource, match=r"\(apt-get install libodbc2 libgssapi-krb5-2\)\.$"),
        asking("x"),
    ):
        raise ImproperlyConfigured(
            "Error loading pyodbc module: libodbc.so.2: cannot open shared object file: No such file or directory"
        )


def test_a_missing_library_is_no_traceback_of_a_load(monkeypatch, benton, load_pacs):
    """The back end is imported when its connection is first asked for."""
    monkeypatch.setitem(sys.modules, "pyodbc", None)
    for name in [name for name in sys.modules if name == "mssql" or name.startswith("mssql.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(connections.databases, "benton_pacs", connections.databases["default"] | {"ENGINE": "mssql"})

    with pytest.raises(UnreadableSource, match=r"cannot be asked\..*libodbc2"):
        load_pacs()


# --- What hides a name ---

COLUMNS = [("property", "prop_id", "int", None, 10, 0, None, "dbo", "reader")]


def faults_of(monkeypatch, answer, **query):
    fake_server(monkeypatch, answer)
    source = LegacyQuery("fake_pacs", "parcels", dataset(**{"table": "property", "as": "p"} | query))
    with pytest.raises(UnreadableSource) as raised:
        source.columns()
    return str(raised.value)


@pytest.mark.database_free
def test_tables_of_dbo_are_found_by_a_login_of_another_schema(monkeypatch):
    fake_server(monkeypatch, lambda sql, parameters: COLUMNS)

    assert LiveTables("fake_pacs").of(["property"]) == {"property": {"prop_id": "int"}}


@pytest.mark.database_free
def test_the_logins_own_schema_goes_before_dbo(monkeypatch):
    own = ("property", "prop_id", "bigint", None, 19, 0, None, "reader", "reader")
    fake_server(monkeypatch, lambda sql, parameters: [*COLUMNS, own])

    assert LiveTables("fake_pacs").of(["property"]) == {"property": {"prop_id": "bigint"}}


@pytest.mark.database_free
def test_a_table_of_another_schema_is_told_as_such(monkeypatch):
    def answer(sql, parameters):
        if "INFORMATION_SCHEMA.TABLES" in sql:
            return [("cama", "property")]
        return [("property", "prop_id", "int", None, 10, 0, None, "cama", "reader")]

    assert (
        "table property stands in schema cama, where this login's names are not looked up; make cama the login's "
        "default schema"
    ) in faults_of(monkeypatch, answer)


@pytest.mark.database_free
def test_a_missing_right_is_no_missing_table_and_no_missing_column(monkeypatch):
    denied = driver_error("42000", "The SELECT permission was denied on the object 'property', schema 'dbo'.")

    def answer(sql, parameters):
        if "TOP (0)" in sql:
            return denied
        return [("dbo", "owner")] if "TABLES" in sql else []

    assert "the login may not read table property; grant it SELECT" in faults_of(monkeypatch, answer)
    of_column = faults_of(monkeypatch, lambda sql, parameters: denied if "TOP (0)" in sql else COLUMNS)
    assert "the login may not read column geo_id of table property; grant it SELECT" in of_column


@pytest.mark.database_free
def test_a_login_that_sees_nothing_is_told_so(monkeypatch):
    nothing = driver_error("42S02", "Invalid object name 'property'.")

    sentence = faults_of(monkeypatch, lambda sql, parameters: nothing if "TOP (0)" in sql else [])

    assert "there is no table property that the login may see: it sees no table at all; grant it SELECT" in sentence


@pytest.mark.database_free
def test_a_table_that_is_not_there_is_told_with_the_near_one(monkeypatch):
    def answer(sql, parameters):
        if "TOP (0)" in sql:
            return driver_error("42S02", "Invalid object name 'propertty'.")
        return [("dbo", "property"), ("dbo", "owner")] if "TABLES" in sql else []

    assert 'there is no table propertty (did you mean "property"?)' in faults_of(monkeypatch, answer, table="propertty")


@pytest.mark.database_free
@pytest.mark.parametrize(
    ("described", "name"),
    [
        (("char", 5, None, None, None), "char(5)"),
        (("varchar", -1, None, None, None), "varchar(max)"),
        (("numeric", None, 14, 0, None), "numeric(14)"),
        (("decimal", None, 14, 2, None), "decimal(14,2)"),
        (("money", None, 19, 4, None), "money"),
        (("int", None, 10, 0, None), "int"),
        (("datetime", None, None, None, 3), "datetime"),
        (("datetime2", None, None, None, 7), "datetime2(7)"),
        (("datetimeoffset", None, None, None, 3), "datetimeoffset(3)"),
        (("timestamp", None, None, None, None), "rowversion"),
    ],
)
def test_types_are_named_as_people_write_them(described, name):
    assert type_name(*described, "microsoft") == name


# --- Drift ---


@pytest.mark.database_free
@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("varchar(50)", "int", ["column p.geo_id held varchar(50), now int"]),
        ("numeric(14)", "numeric(14,2)", ["column p.geo_id held numeric(14), now numeric(14,2)"]),
        ("varchar(50)", "varchar(60)", []),
        ("12", "varchar(50)", []),  # a load before types were kept by name
    ],
)
def test_drift_is_told_by_names_of_types(was, now, said):
    shape = {"columns": ["p.geo_id"], "encoding": "database", "delimiter": None}

    assert drift._compare(shape | {"kinds": {"p.geo_id": was}}, shape | {"kinds": {"p.geo_id": now}}, dataset()) == said


# --- Resuming ---


@pytest.fixture
def breaking(pacs, monkeypatch):
    """The server goes away at a page; the pages before it are staged."""

    def at(page):
        pacs(60)
        real, pages = requests.LegacyQuery, []

        class Breaking(real):
            page_rows = 10

            def batches(self, after=None):
                for batch in super().batches(after):
                    pages.append(1)
                    if len(pages) == page:
                        with asking("default"):
                            raise DatabaseError("Communication link failure")
                    yield batch

        monkeypatch.setattr(requests, "LegacyQuery", Breaking)

    return at


@pytest.mark.django_db
def test_a_load_that_breaks_can_be_resumed_and_says_so(breaking, load_pacs):
    breaking(3)

    with pytest.raises(
        LegacyFault, match=r"Communication link failure\)\. Nothing was written; the load can be resumed\.$"
    ):
        load_pacs()
    assert load_pacs(resume=True).run.status == IngestionRun.Status.LOADED


@pytest.mark.django_db
@pytest.mark.parametrize(("page", "options"), [(3, {"dry_run": True}), (1, {})])
def test_where_nothing_can_be_resumed_nothing_of_it_is_said(breaking, load_pacs, page, options):
    breaking(page)

    with pytest.raises(LegacyFault, match=r"Communication link failure\)\. Nothing was written\.$"):
        load_pacs(**options)
    assert IngestionRun.objects.latest("pk").status == IngestionRun.Status.FAILED
    with pytest.raises(BadRequest, match="no interrupted load"):
        load_pacs(resume=True)


@pytest.mark.django_db
def test_a_job_has_ended_with_its_fault_and_promises_no_resumption(breaking, load_pacs, benton):
    breaking(3)
    job = IngestionJobFactory(county=benton, source="pacs", running=True)

    with pytest.raises(LegacyFault, match=r"Communication link failure\)\. Nothing was written\.$") as fault:
        load_pacs(job=job)
    finish_failed(job, FailureReason.BAD_DATA, str(fault.value))
    assert IngestionRun.objects.latest("pk").status == IngestionRun.Status.FAILED


@pytest.mark.django_db
def test_garbage_after_since_is_told_before_the_database_is_asked(pacs, load_pacs):
    pacs(5)

    with pytest.raises(BadRequest, match=r"^--since 'garbage' is not a moment; write for example 2026-01-31 or"):
        load_pacs(since="garbage")


# --- Setting a county up ---


@pytest.mark.django_db
def test_check_county_says_what_it_did_not_check(benton, capsys):
    call_command("check_county", "benton")

    printed = capsys.readouterr().out
    assert "no fault found" in printed
    assert "Not checked: Names of tables and columns were checked against a list of PACS's names" in printed
    assert "set BENTON_PACS_URL and add --live benton_pacs" in printed
    assert "Not checked: Columns, codes and values of files (county_boundary)" in printed


@pytest.mark.django_db
def test_check_county_of_a_database_that_is_not_configured_is_told(benton, capsys):
    with pytest.raises(CommandError, match="1 faults"):
        call_command("check_county", "benton", live="benton_pacs")

    assert "The legacy database benton_pacs is not configured; set BENTON_PACS_URL" in capsys.readouterr().out
