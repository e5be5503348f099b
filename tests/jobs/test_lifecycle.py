"""The life of a job, the same for every registered kind."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from terrafusion.jobs.finish import finish_completed
from terrafusion.jobs.models import Job, JobArtifact
from terrafusion.jobs.outcome import Outcome
from terrafusion.jobs.workers.queue import claim_next, waiting
from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.jobs.workers.sweep import sweep
from tests.factories import a_user, client_of

pytestmark = pytest.mark.django_db


def test_a_job_is_accepted(client, root, body, kind):
    answer = client.post(f"{root}/run", body, format="json")

    assert answer.status_code == 202
    job = answer.json()
    assert job["status"] == "PENDING"
    assert "accepted and queued" in job["message"]
    assert answer["Retry-After"]
    assert client.get(answer["Location"]).json()[kind.identifier] == job[kind.identifier]


def test_a_job_finishes_with_a_result(client, root, submitted):
    job = submitted()
    assert client.get(f"{root}/results/{job.pk}").json()["result"] is None

    run_next_job()

    answer = client.get(f"{root}/results/{job.pk}").json()
    assert (answer["status"], answer["progress"]) == ("COMPLETED", 100), answer["message"]
    assert answer["result"]
    assert answer["completed_at"] >= answer["started_at"] >= answer["created_at"]


def test_a_fault_of_the_data_is_told_in_a_sentence(client, root, submitted):
    job = submitted(probe="refuse")

    run_next_job()

    answer = client.get(f"{root}/status/{job.pk}").json()
    assert (answer["status"], answer["failure_reason"]) == ("FAILED", "bad_data")
    assert answer["message"] == "Neighborhood 1040 has 3 valid sales; at least 5 are needed."


def test_a_fault_of_ours_says_nothing_of_the_inside(client, root, submitted):
    job = submitted(probe="crash")

    run_next_job()

    answer = client.get(f"{root}/status/{job.pk}").json()
    assert (answer["status"], answer["failure_reason"]) == ("FAILED", "processing_exception")
    assert "secret" not in client.get(f"{root}/jobs/{job.pk}/log").content.decode()
    assert "secret" not in answer["message"]


def test_a_kind_this_worker_does_not_know_fails_instead_of_waiting_for_ever(submitted):
    job = submitted(kind="astrology")

    run_next_job()

    job.refresh_from_db()
    assert (job.status, job.failure_reason) == ("FAILED", "processing_exception")


def test_a_full_disk_fails_the_job_with_a_plain_sentence_and_no_file(submitted):
    job = submitted(probe="fill_disk")

    run_next_job()

    job.refresh_from_db()
    assert (job.status, job.failure_reason) == ("FAILED", "storage")
    assert job.message == "The result could not be stored: No space left on device."
    assert not JobArtifact.objects.exists()


def test_a_finished_job_delivers_its_file_whole_and_in_ranges(client, root, submitted):
    job = submitted(probe="complete")

    run_next_job()

    (artifact,) = client.get(f"{root}/results/{job.pk}").json()["result"]["artifacts"]
    whole = client.get(artifact["location"])
    assert b"".join(whole.streaming_content).decode() == f"job {job.pk} attempt 1"
    assert "attachment" in whole["Content-Disposition"]
    part = client.get(artifact["location"], headers={"Range": "bytes=0-2"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, b"job")
    assert client.get(artifact["location"], headers={"Range": "bytes=9999-"}).status_code == 416


def test_an_expired_file_is_gone(client, root, submitted):
    job = submitted(probe="complete")
    run_next_job()
    JobArtifact.objects.update(expires_at=timezone.now() - timedelta(days=1))

    sweep()

    assert client.get(f"{root}/jobs/{job.pk}/artifacts/probe.txt").status_code == 410


@pytest.mark.django_db(transaction=True)
def test_a_job_claimed_by_two_workers_at_once_runs_once(submitted):
    submitted()

    def claim(_):
        try:
            return claim_next()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        claims = [job for job in pool.map(claim, range(8)) if job is not None]

    assert len(claims) == 1
    assert Job.objects.get().attempt == 1


def test_a_late_attempt_changes_nothing(submitted):
    submitted()
    late = claim_next()
    Job.objects.update(status="PENDING")
    claim_next()

    finish_completed(late, Outcome({"by": "the late attempt"}), [])

    job = type(late).objects.get(pk=late.pk)
    assert (job.status, job.attempt, job.progress) == ("RUNNING", 2, 0)
    assert "the late attempt" not in str(vars(job))


def test_an_orphan_is_given_back_and_charged(submitted):
    job = submitted()
    claim_next()
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=31))

    assert sweep() == 1

    job.refresh_from_db()
    assert (job.status, job.charged) == ("PENDING", 1)
    assert waiting().next_job is None, "it waits 10 s before the second attempt"


def test_the_third_lost_worker_fails_the_job(submitted):
    job = submitted()
    for _ in range(3):
        Job.objects.update(run_at=job.created_at)
        claim_next()
        Job.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=31))
        sweep()

    job.refresh_from_db()
    assert (job.status, job.failure_reason, job.attempt) == ("FAILED", "worker_lost", 3)


def test_a_waiting_job_is_cancelled_and_never_starts(client, root, submitted):
    job = submitted()

    first = client.post(f"{root}/jobs/{job.pk}/cancel")
    again = client.post(f"{root}/jobs/{job.pk}/cancel")

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["status"] == "CANCELLED"
    assert claim_next() is None


def test_a_job_cancelled_while_it_runs_stores_nothing(client, root, submitted):
    job = submitted()
    running = claim_next()
    assert client.post(f"{root}/jobs/{job.pk}/cancel").status_code == 202

    finish_completed(running, Outcome({"too": "late"}), [])

    job.refresh_from_db()
    assert job.status == "CANCELLED"


def test_an_ended_job_cannot_be_cancelled(client, root, submitted):
    job = submitted()
    run_next_job()

    assert client.post(f"{root}/jobs/{job.pk}/cancel").status_code == 409


def test_a_retry_is_a_new_job(client, root, submitted, kind):
    job = submitted(probe="refuse")
    assert client.post(f"{root}/jobs/{job.pk}/retry").status_code == 409, "still open"
    run_next_job()

    answer = client.post(f"{root}/jobs/{job.pk}/retry")

    assert answer.status_code == 202
    assert answer.json()["retry_of"] == str(job.pk)
    assert answer.json()[kind.identifier] != str(job.pk)


def test_a_permission_withdrawn_while_it_runs_discards_the_result(submitted, clerk):
    job = submitted()
    clerk.is_active = False
    clerk.save()

    run_next_job()

    job.refresh_from_db()
    assert (job.status, job.failure_reason) == ("FAILED", "permission_withdrawn")


def test_a_job_of_another_county_is_not_found(root, submitted, other_county, kind):
    job = submitted()
    stranger = client_of(a_user("stranger", other_county, f"view_{kind.name}_status"))

    foreign = stranger.get(f"{root}/status/{job.pk}")
    missing = stranger.get(f"{root}/status/{uuid.uuid4()}")

    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content


def test_a_missing_permission_in_the_own_county_is_forbidden(root, submitted, county, body):
    job = submitted()
    visitor = client_of(a_user("visitor", county, "view_county"))

    for answer in (
        visitor.get(f"{root}/status/{job.pk}"),
        visitor.get(f"{root}/results/{job.pk}"),
        visitor.post(f"{root}/jobs/{job.pk}/cancel"),
        visitor.post(f"{root}/run", body, format="json"),
    ):
        assert answer.status_code == 403, answer.content
        assert answer["Content-Type"] == "application/problem+json"


def test_an_unknown_or_foreign_county_in_a_body_is_a_bad_value(client, root, body, other_county):
    for county_id in ("atlantis", other_county.pk):
        answer = client.post(f"{root}/run", body | {"county_id": county_id}, format="json")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "county_id"
        assert "Allowed: benton" in answer.json()["detail"]


def test_an_unknown_field_is_named(client, root, body):
    answer = client.post(f"{root}/run", body | {"colour": "red"}, format="json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "colour"


def test_an_unknown_parameter_is_named(client, root, body):
    answer = client.post(f"{root}/run", body | {"parameters": {"colour": "red"}}, format="json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "parameters.colour"


def test_a_body_that_is_not_json_is_refused(client, root):
    assert client.post(f"{root}/run", "a=1", content_type="text/plain").status_code == 415
    assert client.post(f"{root}/run", "{", content_type="application/json").status_code == 400


def test_a_malformed_id_is_a_bad_value(client, root, kind):
    answer = client.get(f"{root}/status/not-a-uuid")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == kind.identifier


def test_no_token_is_unauthorised(root, db):
    answer = client_of(None).get(f"{root}/status/{uuid.uuid4()}")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_an_idempotency_key_gives_the_first_answer_again(client, root, body):
    headers = {"Idempotency-Key": "roll-2026"}
    first = client.post(f"{root}/run", body, format="json", headers=headers)
    run_next_job()

    replay = client.post(f"{root}/run", body, format="json", headers=headers)
    other_body = client.post(f"{root}/run", body | {"parameters": {}}, format="json", headers=headers)

    assert (replay.status_code, replay.json()) == (202, first.json())
    assert other_body.status_code == 422
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_simultaneous_submits_with_one_key_start_one_job(clerk, root, body, kind):
    def post(_):
        try:
            headers = {"Idempotency-Key": "night-run"}
            return client_of(clerk).post(f"{root}/run", body, format="json", headers=headers)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(post, range(50)))

    assert {answer.status_code for answer in answers} == {202}
    # Compared as JSON: PostgreSQL keeps the members of an object in an order of its own.
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert Job.objects.count() == 1


def test_validate_only_writes_nothing(client, root, body):
    answer = client.post(f"{root}/run?validate_only=true", body, format="json")

    assert answer.status_code == 200
    assert not Job.objects.exists()


def test_a_status_poll_takes_two_queries(root, submitted, clerk, django_assert_num_queries):
    job = submitted()
    client = client_of(None)
    token = client.post(
        "/auth/login", {"username": clerk.username, "password": "a-long-pass-phrase"}, format="json"
    ).json()["access"]

    with django_assert_num_queries(2):
        answer = client.get(f"{root}/status/{job.pk}", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 200


def test_an_unchanged_job_is_not_sent_again(client, root, submitted):
    job = submitted()
    etag = client.get(f"{root}/status/{job.pk}")["ETag"]

    unchanged = client.get(f"{root}/status/{job.pk}", headers={"If-None-Match": etag})
    run_next_job()
    changed = client.get(f"{root}/status/{job.pk}", headers={"If-None-Match": etag})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert changed.status_code == 200


def test_the_list_shows_own_jobs_and_filters(client, root, submitted, kind):
    done = submitted()
    run_next_job()
    submitted()

    everything = client.get(f"{root}/jobs").json()["results"]
    completed = client.get(f"{root}/jobs?status=COMPLETED").json()["results"]

    assert len(everything) == 2
    assert [job[kind.identifier] for job in completed] == [str(done.pk)]
    assert client.get(f"{root}/jobs?status=SLEEPING").status_code == 400


def test_counties_take_turns_within_their_limit(submitted, county, other_county, kind):
    for _ in range(3):
        submitted()
    job = submitted()
    Job.objects.filter(pk=job.pk).update(county=other_county)
    type(county).objects.filter(pk=county.pk).update(max_running_jobs=2)

    turns = [claim_next() for _ in range(4)]

    assert [turn and turn.county_id for turn in turns] == ["benton", "king", "benton", None]
