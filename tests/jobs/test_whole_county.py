"""Every kind over a whole county, in real worker processes, while another process writes all the time.

Each report of progress is written here (a job of the usual second reports too seldom to meet the writer), so a write
on a connection that holds an open read fails every time and not now and then.
"""

import csv
import hashlib
import io

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.utils import timezone

from ingestion.models import SourceFile
from terrafusion.jobs.models import Job
from terrafusion.jobs.registry import registered_kinds
from terrafusion.roll.models import Property, Sale
from tests.busy_writer import writing_beside
from tests.factories import a_county, a_user, client_of
from tests.processes import environment, running_workers, until

PARCELS = 1_000
SECONDS = 600  # a busy machine may be ten times slower than an idle one

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.workers, pytest.mark.timeout(900)]


def requests_of(county):
    """(plugin, body) of each whole-county job, every kind at least once."""
    parameters = {"year": 2026}
    return [
        ("valuation", {"scope": {"county": True}, "parameters": {"valuation_date": "2026-01-01"}}),
        (
            "reporting",
            {"report_type": "sales_ratio_study", "parameters": parameters | {"stratify_by": ["neighborhood"]}},
        ),
        ("reporting", {"report_type": "assessment_roll", "parameters": parameters}),
        ("reporting", {"report_type": "value_change", "parameters": parameters}),
        ("market-analysis", {"analysis_type": "price_trend_by_zip", "parameters": {}}),
        ("market-analysis", {"analysis_type": "sales_screening", "parameters": {}}),
        ("gis-export", {"export_format": "GeoJSON", "layers": ["parcels", "zoning"]}),
        ("gis-export", {"export_format": "GeoPackage", "layers": ["parcels"]}),
        ("ingestion", {"source": f"upload:{_sales_file(county).pk}", "parameters": {}}),
    ]


def _sales_file(county):
    """All sales of the county once more, as its recorder would send them; the roll has them under other keys."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["deed", "property", "sold", "price", "code"])
    deeds = Sale.objects.in_county(county).filter(parcel_count=1)
    for number, date, price, property_id in deeds.values_list(
        "sale_id", "sale_date", "sale_price", "parcels__roll_property__property_id"
    ):
        writer.writerow([f"again-{number}", property_id, date.isoformat(), price, "valid"])
    content = text.getvalue().encode()
    return SourceFile.objects.create(
        county=county,
        file=ContentFile(content, name="sales.csv"),
        name="sales.csv",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        uploaded_at=timezone.now(),
    )


def test_every_kind_ends_well_at_its_first_attempt_while_another_process_writes():
    county = a_county("demo")
    call_command("demo_county", parcels=PARCELS, verbosity=0)
    deeds = Sale.objects.in_county(county).filter(parcel_count=1).count()
    clerk = a_user("clerk", county, role="supervisor")
    client = client_of(clerk)
    asked = requests_of(county)
    with (
        running_workers(TERRAFUSION_TEST_EAGER_REPORTS="1"),
        writing_beside("demo", environment()) as written,
    ):
        for plugin, body in asked:
            answer = client.post(f"/api/v1/{plugin}/run", {"county_id": "demo"} | body, format="json")
            assert answer.status_code == 202, answer.content
        before = written()
        until(lambda: not clerk.jobs.filter(status__in=Job.OPEN).exists(), SECONDS)
        beside = written() - before

    ends = {job: (job.status, job.attempt) for job in clerk.jobs.all()}
    assert set(ends.values()) == {("COMPLETED", 1)}, [
        f"{job.kind}, attempt {job.attempt}, {job.status}: {job.message}" for job in ends
    ]
    assert len(ends) == len(asked)
    assert {job.kind for job in ends} == {kind.name for kind in registered_kinds()}
    assert beside > 200, "nobody wrote meanwhile, so nothing was shown"
    summary = client.get("/api/v1/valuation/jobs").json()["results"][0]["links"]["results"]
    valued = client.get(summary).json()["result"]
    assert valued["properties_valued"] + valued["properties_refused"] == Property.objects.in_county(county).count()
    assert Sale.objects.in_county(county).filter(sale_id__startswith="again-").count() == deeds
