"""A lost connection, a busy database, a full disk and a faulty statement are four things, each made for real."""

import sqlite3
import threading
from contextlib import closing, contextmanager

import psycopg
import pytest
from django.db import DatabaseError, connection, connections, transaction

from terrafusion.database_faults import Fault, fault_of
from terrafusion.errors import TerraFusionError
from terrafusion.full_disk import is_disk_full
from terrafusion.jobs.models import Job
from terrafusion.jobs.workers import database
from terrafusion.jobs.workers.database import patiently
from terrafusion.jobs.workers.queue import claim_next
from terrafusion.jobs.workers.runner import run_next_job
from tests.probe import behaviours

on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="The fault is SQLite's.")
on_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="The fault is PostgreSQL's.")


# --- The errors, from the drivers ---


@contextmanager
def sqlite_file(path):
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode=WAL")
        yield file


def refusal(step):
    with pytest.raises(Exception) as raised:  # noqa: PT011 - which error it is, is what the tests ask
        step()
    return raised.value


def test_sqlite_tells_a_lock_a_stale_read_a_full_disk_and_a_faulty_statement_apart(tmp_path):
    with sqlite_file(tmp_path / "roll") as first, sqlite_file(tmp_path / "roll") as second:
        first.execute("CREATE TABLE parcel (number INTEGER)")
        first.executemany("INSERT INTO parcel VALUES (?)", [(number,) for number in range(1000)])
        first.execute("BEGIN IMMEDIATE")
        locked = refusal(lambda: second.execute("INSERT INTO parcel VALUES (1)"))
        first.execute("COMMIT")

        reading = second.execute("SELECT number FROM parcel")
        reading.fetchone()
        first.execute("INSERT INTO parcel VALUES (1)")
        stale = refusal(lambda: second.execute("INSERT INTO parcel VALUES (2)"))
        reading.close()

        second.execute(f"PRAGMA max_page_count = {second.execute('PRAGMA page_count').fetchone()[0]}")
        large = "INSERT INTO parcel SELECT number FROM parcel a, (SELECT 1 FROM parcel) b"
        full = refusal(lambda: second.execute(large.replace("SELECT number", "SELECT a.number")))
        faulty = refusal(lambda: second.execute("SELECT colour FROM parcel"))

    assert [fault_of(each) for each in (locked, stale, full, faulty)] == [
        Fault.BUSY,
        Fault.BUSY,
        Fault.FULL,
        Fault.OTHER,
    ]
    assert [is_disk_full(each) for each in (locked, stale, full, faulty)] == [False, False, True, False]


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_postgresql_tells_an_ended_session_a_deadline_for_a_lock_and_a_faulty_statement_apart():
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (session,) = cursor.fetchone()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [session])
            lost = refusal(lambda: other.cursor().execute("SELECT 1"))
            gone = refusal(lambda: other.cursor().execute("SELECT 1"))  # the second time the driver itself refuses
    finally:
        other.close()
    other = connection.copy()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
            other.cursor().execute("SET lock_timeout = '50ms'")
            busy = refusal(lambda: other.cursor().execute("SELECT count(*) FROM jobs"))
    finally:
        other.close()
    faulty = refusal(lambda: connection.cursor().execute("SELECT colour FROM jobs"))

    assert [fault_of(each) for each in (lost, gone, busy, faulty)] == [Fault.LOST, Fault.LOST, Fault.BUSY, Fault.OTHER]


def test_a_server_that_is_not_there_is_a_lost_connection():
    assert fault_of(refusal(lambda: psycopg.connect("host=127.0.0.1 port=9 connect_timeout=2"))) is Fault.LOST


# --- What a job says of them ---


@pytest.fixture
def work(monkeypatch):
    """Gives the next job's work."""

    def is_(step):
        monkeypatch.setitem(behaviours.BEHAVIOURS, "complete", step)

    return is_


def refused(error, cause):
    """As Django wraps a driver's error."""

    def step(job):
        raise error from cause

    return step


def _sqlite(code, words):
    cause = sqlite3.OperationalError(words)
    cause.sqlite_errorcode = code
    return cause


CASES = {
    "busy": (_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT, "database is locked"), "PENDING", "", Fault.BUSY.value),
    "lost": (psycopg.OperationalError("the connection is lost"), "PENDING", "", Fault.LOST.value),
    "full": (
        _sqlite(sqlite3.SQLITE_FULL, "database or disk is full"),
        "FAILED",
        "storage",
        "The result could not be stored: No space left on device.",
    ),
    "disk": (_sqlite(sqlite3.SQLITE_IOERR_READ, "disk I/O error"), "FAILED", "storage", Fault.DISK.value),
    "statement": (
        _sqlite(sqlite3.SQLITE_ERROR, "no such column: colour"),
        "FAILED",
        "processing_exception",
        "The job failed unexpectedly; the server's log has the details.",
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["valuation"], indirect=True)
@pytest.mark.parametrize("case", CASES)
def test_each_fault_of_the_work_ends_the_job_in_its_own_words(submitted, work, case, caplog):
    cause, status, reason, sentence = CASES[case]
    work(refused(DatabaseError(str(cause)), cause))
    job = submitted(probe="complete")

    run_next_job()

    job.refresh_from_db()
    assert (job.status, job.failure_reason) == (status, reason)
    assert job.message.startswith(sentence)
    assert ("connection was lost" in job.message) == (case == "lost")
    assert "colour" not in job.message
    assert (str(cause) in caplog.text) == (case in ("statement", "busy", "lost", "disk", "full"))


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["valuation"], indirect=True)
def test_an_oserror_of_the_work_is_not_told_as_a_storage_that_failed(submitted, work):
    def asks_for_a_missing_file(job):
        (job.workspace / "missing.txt").read_text()

    work(asks_for_a_missing_file)
    job = submitted(probe="complete")

    run_next_job()

    job.refresh_from_db()
    assert (job.status, job.failure_reason) == ("FAILED", "processing_exception")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the read kept open is closed too late
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["valuation"], indirect=True)
def test_a_read_left_open_by_failed_work_does_not_hold_up_its_end(submitted, work, caplog, county):
    """SQLite would refuse the end: the read's snapshot is stale once another connection has written."""
    kept = []

    def reads_and_fails(job):
        rows = Job.objects.filter(county=county).iterator(chunk_size=1)
        next(rows)
        kept.append(rows)  # as a traceback would hold it
        _in_another_thread(lambda: Job.objects.filter(status="PENDING").update(priority=7))
        raise TerraFusionError("Neighborhood 1040 has 3 valid sales; at least 5 are needed.")

    work(reads_and_fails)
    job = submitted(probe="complete")
    for _ in range(3):
        submitted(probe="nothing", run_at=job.run_at.replace(year=2999))

    run_next_job()

    job.refresh_from_db()
    assert (job.status, job.failure_reason) == ("FAILED", "bad_data")
    assert "Trying again" not in caplog.text


def _in_another_thread(step):
    def run():
        try:
            step()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


# --- Progress ---


@on_sqlite
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["valuation"], indirect=True)
def test_progress_that_cannot_be_written_now_costs_the_job_nothing(submitted, monkeypatch):
    monkeypatch.setattr(Job, "REPORT_SECONDS", 0.0)
    job = submitted()
    running = claim_next()
    with sqlite_file(connection.settings_dict["NAME"]) as long_writer:
        long_writer.execute("BEGIN IMMEDIATE")
        connection.cursor().execute("PRAGMA busy_timeout = 50")
        running.report(1, 4)
        long_writer.execute("ROLLBACK")
    assert Job.objects.get(pk=job.pk).progress == 0

    running.report(2, 4)

    assert Job.objects.get(pk=job.pk).progress == 50


# --- Patience ---


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_step_waits_for_a_long_writer_and_a_faulty_statement_is_not_tried_again():
    tries = []

    def busy_twice():
        tries.append(1)
        if len(tries) < 3:
            raise DatabaseError("database is locked") from _sqlite(sqlite3.SQLITE_BUSY, "database is locked")
        return "written"

    assert patiently(busy_twice, seconds=0) == "written", "a busy database has a patience of its own"

    def faulty():
        tries.append(1)
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT colour FROM jobs")

    tries.clear()
    assert fault_of(refusal(lambda: patiently(faulty))) is Fault.OTHER
    assert len(tries) == 1
    assert database.BUSY_SECONDS > 60
