"""The address of a legacy database: what it may say, and that no sentence about it holds a part of the password."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from mssql_python.connection_string_parser import _ConnectionStringParser

from terrafusion.settings.legacy import read_legacy, sql_server

pytestmark = pytest.mark.database_free


def connection_string(url):
    """As the back end makes it and the driver takes it apart."""
    pytest.importorskip("pyodbc", reason="libodbc2 is not installed", exc_type=ImportError)
    from mssql.base import DatabaseWrapper

    made = sql_server(url)
    written = DatabaseWrapper._build_connection_string(object.__new__(DatabaseWrapper), made, "")
    return _ConnectionStringParser(validate_keywords=True)._parse(written)


def test_an_address_with_everything_in_it():
    made = connection_string(
        "mssql://re%40der:s%23c%2Fr%3B%7Dt@sql.county.gov:1444/pacs_oltp?TrustServerCertificate=yes"
    )

    assert made["server"] == "sql.county.gov,1444"
    assert (made["uid"], made["pwd"], made["database"]) == ("re@der", "s#c/r;}t", "pacs_oltp")
    assert (made["encrypt"], made["trustservercertificate"]) == ("yes", "yes")
    assert made["applicationintent"] == "ReadOnly"


def test_without_being_asked_the_certificate_is_checked_and_the_port_is_1433():
    made = connection_string("mssql://reader:secret@sql/pacs_oltp")

    assert (made["server"], made["encrypt"], made["trustservercertificate"]) == ("sql,1433", "yes", "no")


def test_a_certificate_of_the_countys_own_is_named_by_file_and_host():
    made = connection_string(
        "mssql://reader:secret@10.1.2.3/pacs_oltp?servercertificate=/etc/ssl/pacs server;x.pem"
        "&HostNameInCertificate=sql.county.gov&Encrypt=strict"
    )

    assert made["servercertificate"] == "/etc/ssl/pacs server;x.pem"
    assert (made["hostnameincertificate"], made["encrypt"]) == ("sql.county.gov", "strict")


def test_without_user_and_password_it_is_the_windows_login_of_the_process():
    made = connection_string("mssql://sql.county.gov/pacs_oltp")

    assert made["trusted_connection"] == "yes"
    assert "uid" not in made
    assert "pwd" not in made


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mssql://reader:hunter2#x@sql/pacs", "write # as %23"),
        ("mssql://reader:hunter2/x@sql/pacs", "write / as %2F"),
        ("mssql://reader:hunter2?x@sql/pacs", "write ? as %3F"),
        ("mssql://reader:hunter2@x@sql/pacs", "write @ as %40"),
        ("mssql://reader:hunter2[x@sql/pacs", "write [ as %5B"),
        ("mssql://reader:hunter2@sql:14x33/pacs", "the port is no number"),
        ("mssql://reader:hunter2@sql:99999/pacs", "the port is no number"),
        ("mssql://reader:hunter2@sql", "name one database after the host"),
        ("mssql://reader@sql/pacs", "a user is named and no password"),
        ("mssql://COUNTY%5Creader:hunter2@sql/pacs", "a Windows login takes no password"),
        ("mssql://reader:hunter2@sql%5CPACS/pacs", "no named instance on Linux"),
        ("mssql://reader:hunter2@sql\\PACS/pacs", "no named instance on Linux"),
        ("mssql://reader:hunter2@sql/pacs?Driver=x", "unknown option; known: Encrypt, TrustServerCertificate"),
        ("mssql://reader:hunter2@sql/pacs?TrustServerCertificate=maybe", "TrustServerCertificate must be yes or no"),
        ("mssql://reader:hunter2@sql/pacs?Encrypt=no", "Encrypt must be yes or strict"),
        ("postgres://reader:hunter2#x@sql/pacs", "write # as %23"),
        ("postgres://reader:hunter2@sql:hunter2/pacs", "the address cannot be taken apart"),
        ("nonsense", "the address"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_a_part_of_it(url, said):
    found, faults = read_legacy({"BENTON_PACS_URL": url, "OTHER": "x"})

    assert found == {}
    assert faults["benton_pacs"].startswith("BENTON_PACS_URL: ")
    assert said in faults["benton_pacs"]
    assert "hunter2" not in faults["benton_pacs"]


def test_the_fault_behind_the_sentence_holds_no_password_either():
    with pytest.raises(ImproperlyConfigured) as raised:
        sql_server("mssql://reader:x@sql:hunter2/pacs")

    assert raised.value.__cause__ is None
    assert "hunter2" not in str(raised.value)


def test_a_bad_address_stops_no_other_command():
    environment = os.environ | {
        "BENTON_PACS_URL": "mssql://reader:hunter2#x@sql/pacs",
        "DJANGO_SETTINGS_MODULE": "terrafusion.settings.test",
    }
    code = "import django; django.setup(); from ingestion.legacy import *; print(fault_of_alias('benton_pacs'))"

    made = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert made.stdout.startswith("The legacy database benton_pacs cannot be asked. BENTON_PACS_URL: user and password")
    assert "hunter2" not in made.stdout + made.stderr
