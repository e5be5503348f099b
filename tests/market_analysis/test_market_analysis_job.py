"""Market analysis through the API: the contract, what each analysis leaves on the roll, and clear refusals."""

import io
import subprocess
import sys
from datetime import date

import pyarrow.parquet as pq
import pytest
from django.db.models import Sum

from county_configs.models import County
from market_analysis.analyses.registry import ANALYSES
from terrafusion.jobs.models import Job
from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.roll.models import LayerFeature, Property, Sale, TimeIndex
from tests.factories import MarketAnalysisJobFactory, a_county, a_user, client_of
from tests.valuation.roll import a_market

from .asking import ROOT, ask, download, run

pytestmark = pytest.mark.django_db


def test_price_trend_by_zip_answers_as_the_contract_has_it(analyst):
    zip_code = Property.objects.exclude(zip_code="").first().zip_code
    job = run(analyst, "price_trend_by_zip", start_date="2023-01-01", end_date="2023-12-31", zip_codes=[zip_code])

    assert (job["status"], job["analysis_type"]) == ("COMPLETED", "price_trend_by_zip"), job["message"]
    result = job["result"]
    assert result["result_data_location"] == f"{ROOT}/jobs/{job['job_id']}/artifacts/{job['job_id']}.parquet"
    assert {"key_finding", "data_points_analyzed"} <= set(result["result_summary"])
    sold = Sale.objects.valid().of_one_parcel().filter(sale_date__year=2023, parcels__roll_property__zip_code=zip_code)
    assert result["result_summary"]["data_points_analyzed"] == sold.count() > 0
    assert [point["period"] for point in result["trends"]] == ["2023-Q1", "2023-Q2", "2023-Q3", "2023-Q4"]
    for quarter, point in enumerate(result["trends"], 1):
        of_quarter = sold.filter(sale_date__month__gt=3 * quarter - 3, sale_date__month__lte=3 * quarter)
        assert point["zip_code"] == zip_code
        assert point["sales_volume"] == of_quarter.count()
        total = of_quarter.aggregate(total=Sum("sale_price"))["total"]
        assert point["average_price"] == round(total / point["sales_volume"])
        assert (point["too_few_sales"], point["median_price_low"] is None) == (
            point["sales_volume"] < 5,
            point["sales_volume"] < 6,
        )
    stored = pq.read_table(io.BytesIO(download(analyst, result["result_data_location"]))).to_pylist()
    assert [row["median_price"] for row in stored] == [point["median_price"] for point in result["trends"]]


def test_trend_analysis_takes_years_and_the_names_other_systems_use(analyst):
    job = run(analyst, "trend_analysis", start_year=2022, end_year=2023, property_types=["SFR", "CONDO"])

    result = job["result"]
    assert job["parameters"]["property_types"] == ["single_family", "condominium"]
    assert len(result["trends"]) == 8
    assert all("zip_code" not in point for point in result["trends"])
    sold = Sale.objects.valid().of_one_parcel().filter(sale_date__year__in=(2022, 2023))
    houses = sold.filter(parcels__roll_property__property_type__in=("single_family", "condominium"))
    assert result["result_summary"]["data_points_analyzed"] == houses.count()


def test_charts_come_as_picture_drawing_and_specification(analyst):
    job = run(analyst, "trend_analysis")

    files = {
        artifact["name"].split("_", 1)[1]: artifact
        for artifact in job["result"]["artifacts"]
        if "_" in artifact["name"]
    }
    assert {"median_price.svg", "median_price.png", "median_price.vl.json", "sales_volume.svg"} <= set(files)
    assert download(analyst, files["median_price.svg"]["location"]).startswith(b"<svg")
    assert download(analyst, files["median_price.png"]["location"])[1:4] == b"PNG"
    assert b"vega-lite" in download(analyst, files["median_price.vl.json"]["location"])


def test_every_analysis_runs_with_its_defaults(analyst):
    for analysis in ANALYSES:
        # The county is small: one ZIP code, neighborhoods of a few sales.
        fewer = {"minimum_sales": 10, "area": "neighborhood"} if analysis == "comparable_market_area" else {}
        job = run(analyst, analysis, **fewer)

        assert job["status"] == "COMPLETED", job["message"]
        summary = job["result"]["result_summary"]
        assert summary["key_finding"].endswith(".")
        assert summary["data_points_analyzed"] > 100
        assert summary["snapshot_id"]
        assert len(pq.read_table(io.BytesIO(download(analyst, job["result"]["result_data_location"])))) > 0


@pytest.mark.parametrize(
    ("analysis", "parameters", "field", "words"),
    [
        ("astrology", {}, "analysis_type", "Allowed: price_trend_by_zip"),
        ("price_trend_by_zip", {"zip_codes": ["90210"]}, "zip_codes", "no property with zip_code 90210"),
        ("price_trend_by_zip", {"zip_codes": [f"{n:05}" for n in range(10_000)]}, "zip_codes", "At most 200 values"),
        ("price_trend_by_zip", {"zip_codes": []}, "zip_codes", "empty"),
        ("price_trend_by_zip", {"zip_codes": "99336"}, "zip_codes", "list"),
        ("trend_analysis", {"start_date": "2024-01-01", "end_date": "2023-01-01"}, "end_date", "lies before the start"),
        ("trend_analysis", {"start_year": 2024, "end_year": 2023}, "end_year", "lies before the start"),
        ("trend_analysis", {"start_date": "2024-01-01", "start_year": 2023}, "start_year", "either"),
        ("trend_analysis", {"start_date": "0001-01-01"}, "start_date", "1900-01-01"),
        ("trend_analysis", {"start_date": "yesterday"}, "start_date", "YYYY-MM-DD"),
        ("trend_analysis", {"zip_code": "99336"}, "zip_code", "Unknown field. Allowed: start_date"),
        ("trend_analysis", {"area": "zip_code"}, "area", "Unknown field"),
        ("trend_analysis", {"period": "week"}, "period", "not a valid choice"),
        ("trend_analysis", {"property_types": ["CASTLE"]}, "property_types", "Allowed: single_family"),
        ("trend_analysis", {"minimum_sales": 0}, "minimum_sales", "greater than or equal to 1"),
        ("price_index", {"method": "magic"}, "method", "not a valid choice"),
        ("comparable_market_area", {"area_code": "00000"}, "area_code", "no property with zip_code 00000"),
        ("appreciation_surface", {"area_layer": "moon"}, "area_layer", "Unknown layer 'moon'. Known: "),
        ("sales_screening", {"deviations": 0}, "deviations", "1.5"),
    ],
)  # fmt: skip
def test_a_bad_request_is_refused_and_told_what_is_allowed(clerk, analysis, parameters, field, words):
    answer = ask(clerk, analysis, "benton", **parameters)

    assert answer.status_code == 400
    told = answer.content.decode()
    assert field in told
    assert words in told
    assert not Job.objects.exists()


@pytest.mark.parametrize("analysis", sorted(ANALYSES))
def test_a_window_without_sales_fails_in_a_sentence(clerk, analysis):
    job = run(clerk, analysis, "benton", start_year=1990, end_year=1991)

    assert (job["status"], job["failure_reason"]) == ("FAILED", "bad_data")
    assert "1990-01-01" in job["message"]
    if analysis != "sales_screening":
        assert "Its sales run from 202" in job["message"]


def test_a_county_without_any_sale_fails_in_a_sentence(db):
    client = client_of(a_user("analyst", a_county("king"), role="analyst"))

    job = run(client, "trend_analysis", "king")

    assert job["message"] == "The county has no arm's-length sales. It has no sales at all."


def test_a_ratio_study_finds_the_chosen_index_and_a_new_run_replaces_it(analyst, demo):
    first = run(analyst, "price_index", period="year")
    levels = TimeIndex.objects.filter(county=demo, series="hedonic/county/year").order_by("period_start")

    assert [level.period_start for level in levels] == [date(year, 1, 1) for year in range(2021, 2026)]
    assert [level.level for level in levels] == [point["index"] for point in first["result"]["trends"]]
    assert {str(level.job_id) for level in levels} == {first["job_id"]}

    again = run(analyst, "price_index", period="year")

    assert {str(level.job_id) for level in levels.all()} == {again["job_id"]}
    assert levels.count() == 5
    assert set(again["result"]["result_summary"]["methods"]) == {"hedonic", "repeat_sales", "median"}


def test_a_look_at_one_window_leaves_the_official_index_alone(analyst, demo):
    official = run(analyst, "price_index", period="year")

    run(analyst, "price_index", period="year", start_year=2023)

    kept = TimeIndex.objects.filter(county=demo, series="hedonic/county/year")
    assert {str(each.job_id) for each in kept} == {official["job_id"]}
    window = TimeIndex.objects.filter(county=demo, series="hedonic/county/year/from=2023-01-01")
    assert window.count() == 3


@pytest.mark.parametrize("method", ["hedonic", "median"])
def test_a_period_of_few_sales_is_marked_and_its_standard_error_says_so(db, method):
    county = a_county("benton")
    a_market(county, sales=160)
    client = client_of(a_user("analyst", county, role="analyst"))
    lonely = Sale.objects.order_by("sale_date").last()
    Sale.objects.filter(pk=lonely.pk).update(sale_date=date(2026, 12, 31))

    job = run(client, "price_index", "benton", method=method, minimum_sales=1)

    last = job["result"]["trends"][-1]
    assert (last["period"], last["sales_volume"], last["too_few_sales"]) == ("2026-Q4", 1, True)
    sure = min(trend["standard_error"] or 1 for trend in job["result"]["trends"])
    assert last["standard_error"] is None if method == "median" else last["standard_error"] > 2 * sure
    kept = TimeIndex.objects.get(series=f"{method}/county/quarter", period_start=date(2026, 10, 1))
    assert kept.standard_error == last["standard_error"]
    if method == "median":
        assert "too few sales for a standard error" in job["result"]["result_summary"]["key_finding"]


def test_the_surface_becomes_a_layer_with_the_areas_polygons(analyst, demo):
    job = run(analyst, "appreciation_surface", area="neighborhood")

    layer = LayerFeature.objects.filter(county=demo, layer="appreciation_neighborhood")
    assert layer.count() == job["result"]["result_summary"]["areas"] > 2
    shapes = dict(LayerFeature.objects.filter(layer="neighborhoods").values_list("feature_id", "geometry"))
    for feature in layer:
        assert feature.geometry.equals(shapes[feature.feature_id])
        assert {"median_price", "change_percent_per_year", "change_low", "sales_volume"} <= set(feature.attributes)

    LayerFeature.objects.filter(layer="neighborhoods").delete()
    run(analyst, "appreciation_surface", area="neighborhood")

    drawn = LayerFeature.objects.filter(county=demo, layer="appreciation_neighborhood")
    assert drawn.count() == layer.count()
    assert {each.attributes["geometry_source"] for each in drawn} == {"hull of its parcels"}
    assert all(each.geometry.intersection(shapes[each.feature_id]).area > 0 for each in drawn)


def test_one_sale_makes_no_deciles(db):
    county = a_county("benton")
    a_market(county, sales=1)
    client = client_of(a_user("analyst", county, role="analyst"))

    summary = run(client, "market_activity", "benton")["result"]["result_summary"]

    assert summary["key_finding"].startswith("1 sale; ")
    assert "Eight of ten" not in summary["key_finding"]
    assert summary["price_deciles"] == {}


def test_a_snapshot_the_analytics_database_lacks_is_taken_anew(clerk, monkeypatch):
    """As after ANALYTICS_URL was set: the pointer names a snapshot that is in files only."""
    first = run(clerk, "trend_analysis", "benton")["result"]["result_summary"]["snapshot_id"]
    monkeypatch.setattr("terrafusion.analytics.engine.holds", lambda snapshot: snapshot.snapshot_id != first)

    second = run(clerk, "trend_analysis", "benton")["result"]["result_summary"]["snapshot_id"]

    assert second > first
    assert run(clerk, "trend_analysis", "benton")["result"]["result_summary"]["snapshot_id"] == second


def test_a_snapshot_job_of_an_earlier_release_is_shown_as_it_was_and_cannot_run_again(clerk):
    county = County.objects.get(pk="benton")
    summary = {
        "key_finding": "Snapshot 1 holds 12 properties and 12 sold parcels of benton.",
        "data_points_analyzed": 24,
        "rows": {"properties": 12, "sales": 12, "assessed_values": 0},
        "snapshot_id": "1",
        "snapshot_taken_at": "2026-01-02T09:00:00+00:00",
    }
    old = MarketAnalysisJobFactory(
        county=county, analysis_type="snapshot", parameters={}, completed=True, result_summary=summary, trends=[]
    )
    waiting = MarketAnalysisJobFactory(county=county, analysis_type="snapshot", parameters={})

    listed = clerk.get(f"{ROOT}/jobs").json()["results"]
    answer = clerk.get(f"{ROOT}/results/{old.pk}").json()
    run_next_job()

    assert {job["job_id"] for job in listed} == {str(old.pk), str(waiting.pk)}
    assert answer["result"]["result_summary"] == summary
    again = clerk.post(f"{ROOT}/jobs/{old.pk}/retry").json()["job_id"]
    run_next_job()
    for job_id in (waiting.pk, again):
        job = clerk.get(f"{ROOT}/status/{job_id}").json()
        assert (job["status"], job["failure_reason"]) == ("FAILED", "bad_data")
        assert "a snapshot is no analysis any more" in job["message"].lower()
    assert ask(clerk, "snapshot", "benton").status_code == 400


def test_only_a_worker_that_analyses_pays_for_the_engines():
    """The web, the supervisor and every idle worker start without them: 150 MB and a second each."""
    heavy = {"ibis", "duckdb", "altair", "pandas", "geopandas", "pyogrio", "polars", "scipy.special", "scipy.stats"}
    program = f"import django, sys; django.setup(); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
