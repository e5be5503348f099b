"""The layers and their packages: what is in them, alone and together."""

import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime
from hashlib import sha256
from xml.etree import ElementTree

import pyogrio
import pytest
import shapely
from django.utils import timezone

from county_configs.models import County
from gis_export.layers.catalogue import ROLL_LAYERS
from gis_export.layers.fields import SHORT_NAME_LENGTH, short_names
from gis_export.layers.layer import LayerRequest
from gis_export.layers.roll_fields import APPRECIATION, AREA, COMPARABLE
from gis_export.layers.roll_layers import as_of
from market_analysis.keeping import series_name
from market_analysis.models import MarketAnalysisJob
from terrafusion.jobs.models import JobArtifact
from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.roll.loads import record_load
from terrafusion.roll.models import Property, Sale
from tests.factories import (
    LayerFeatureFactory,
    SaleParcelFactory,
    SaleReviewFactory,
    TimeIndexFactory,
    a_user,
    client_of,
)
from tests.valuation.roll import VALUATION_DATE, a_market, a_subject

from .reading_back import read_back
from .roll import CONDOMINIUM, TAX_YEAR, a_parcel, key, square

pytestmark = pytest.mark.django_db


def rows_of(path, layer=None):
    features = json.loads(path.read_text())["features"]
    return [feature["properties"] for feature in features if layer is None or feature["properties"]["layer"] == layer]


def by_key(path):
    return {row["property_id"]: row for row in rows_of(path)}


# --- Contents ---


def test_values_are_of_the_latest_supplement_and_of_the_whole_polygon(export):
    _, path = export(export_format="GeoJSON", parameters={"include_assessment_data": True})
    rows = by_key(path)

    assert rows[key(5)]["market_land"] == 500_000, "the supplement of the newest year"
    assert rows[key(6)]["market_total"] == 300_006
    condominium = rows[f"P{CONDOMINIUM:03d}"]  # its own 100,010 and the units' 30,000 and 40,000
    assert (condominium["unit_count"], condominium["market_land"]) == (2, 170_010)
    assert {row["tax_year"] for row in rows.values()} == {TAX_YEAR}


def test_an_earlier_tax_year_can_be_asked_for(export):
    _, path = export(export_format="GeoJSON", parameters={"include_assessment_data": True, "tax_year": TAX_YEAR - 1})
    rows = by_key(path)

    assert (rows[key(5)]["market_land"], rows[key(6)]["market_land"]) == (1, None)


def test_the_assessment_summary_has_every_record_units_too(export):
    _, path = export(export_format="GeoJSON", layers=["assessment_summary"])
    rows, features = by_key(path), json.loads(path.read_text())["features"]

    assert len(rows) == 32
    assert rows[key(100)]["market_land"] == 30_000
    places = {feature["properties"]["property_id"]: feature["geometry"] for feature in features}
    assert places[key(100)] == places[f"P{CONDOMINIUM:03d}"], "a unit stands on its parcel"
    assert places[key(100)]["type"] == "Point"


def test_records_without_a_shape_are_counted(export):
    job, _ = export(export_format="GeoJSON", layers=["parcels"])

    assert job["result"]["without_geometry"] == {"parcels": 1}


def test_a_unit_whose_parcel_has_no_outline_is_counted_as_without_a_shape(export, county):
    Property.objects.filter(property_id=key(100)).update(parent_parcel_number="9-9999")
    Property.objects.filter(property_id=key(101)).update(parent_parcel_number="1-0200")  # which has no polygon

    job, path = export(export_format="GeoJSON")

    assert job["result"]["without_geometry"] == {"parcels": 3}
    assert by_key(path)[key(CONDOMINIUM)]["unit_count"] == 0


def test_units_are_added_to_one_polygon_of_their_parcel(export, county):
    Property.objects.filter(property_id=key(20)).update(parcel_number=f"1-{CONDOMINIUM:04d}")

    _, path = export(export_format="GeoJSON", parameters={"include_assessment_data": True})
    rows = by_key(path)

    assert (rows[key(CONDOMINIUM)]["unit_count"], rows[key(20)]["unit_count"]) == (2, 0)
    assert rows[key(20)]["market_land"] == 100_020


def test_a_unit_does_not_stand_on_a_retired_parcel(export, county):
    Property.objects.filter(property_id=key(CONDOMINIUM)).update(retired_at=timezone.now())
    ground = a_parcel(county, 300, square(40, 40), parent_parcel_number="")
    ground.parcel_number = f"1-{CONDOMINIUM:04d}"
    ground.save()

    _, path = export(export_format="GeoJSON", layers=["sales"])

    features = json.loads(path.read_text())["features"]
    unit = next(feature for feature in features if feature["properties"]["property_id"] == key(100))
    assert ground.geometry.contains(shapely.from_geojson(json.dumps(unit["geometry"])))


def test_the_roll_is_as_of_its_last_change_or_load(county):
    def day(number):
        return datetime(2030, 1, number, tzinfo=UTC)

    Property.objects.update(updated_at=day(1))
    Sale.objects.update(updated_at=day(2))
    assert as_of(county) == "2030-01-02T00:00:00Z"

    record_load(county, day(3), changed=False)
    assert as_of(county) == "2030-01-03T00:00:00Z"


def test_sales_lie_on_their_parcels(export):
    _, path = export(export_format="GeoJSON", layers=["sales"])
    rows = rows_of(path)

    assert [(row["sale_id"], row["property_id"], row["sale_date"]) for row in rows] == [
        ("S3", key(3), "2025-06-04"),
        ("S4", key(4), "2025-06-05"),
        ("S100", key(100), "2025-06-17"),
    ]
    assert "grantor" not in rows[0]


def test_each_sale_says_why_it_is_left_out(export, county):
    house = Property.objects.get(property_id=key(3))
    SaleParcelFactory(
        roll_property=house, sale__sale_id="again", sale__sale_date="2025-06-04", sale__sale_price=300_003
    )
    SaleParcelFactory(roll_property=house, sale__sale_id="lot", sale__sale_date="1989-06-04")
    SaleParcelFactory(roll_property=house, sale__sale_id="gift", sale__is_valid=False)
    SaleReviewFactory(sale=SaleParcelFactory(roll_property=house, sale__sale_id="reviewed").sale, decision="invalid")
    Property.objects.filter(property_id=key(4)).update(retired_at=timezone.now())

    _, path = export(export_format="GeoJSON", layers=["sales"])

    assert {row["sale_id"]: row["left_out"] for row in rows_of(path)} == {
        "S3": "", "S4": "retired", "S100": "", "again": "duplicate", "lot": "before_built",
        "gift": "not_arms_length", "reviewed": "not_arms_length",
    }  # fmt: skip


def test_comparables_of_an_estimate_lie_on_the_map(export, county):
    a_market(county)
    subject = a_subject(county, 1, longitude=-119.17, latitude=46.21)
    appraiser = client_of(a_user("appraiser", county, role="appraiser"))
    body = {
        "county_id": county.pk,
        "property_id": subject.property_id,
        "parameters": {"valuation_date": VALUATION_DATE.isoformat()},
    }
    valuation = appraiser.post("/api/v1/valuation/run", body, format="json").json()
    run_next_job()
    grid = appraiser.get(valuation["links"]["results"]).json()["result"]
    # A condominium unit stands where its parcel does.
    on = {"longitude": None, "latitude": None, "parent_parcel_number": f"1-{CONDOMINIUM:04d}"}
    Property.objects.filter(pk=subject.pk).update(**on)

    _, path = export(export_format="GeoJSON", layers=["comparables"], parameters={"property_id": subject.property_id})
    rows = rows_of(path)

    assert rows[0]["role"] == "subject"
    assert rows[0]["market_value"] == grid["market_value"]
    found = [(row["property_id"], row["adjusted_sale_price"]) for row in rows[1:]]
    assert found == [
        (comparable["property_id"], comparable["adjusted_sale_price"]) for comparable in grid["comparables"]
    ]
    assert sum(row["weight"] for row in rows[1:]) == pytest.approx(1, abs=1e-5)


def test_appreciation_shows_an_index_on_its_area(export, county):
    for start, level in ((date(2024, 1, 1), 1.0), (date(2026, 1, 1), 1.21)):
        for zip_codes in (["99350"], ["00000"], ["99350", "00000"]):
            asked = {"method": "hedonic", "period": "quarter", "zip_codes": zip_codes, "shortest_holding_days": 183}
            series = series_name(MarketAnalysisJob(parameters=asked))  # as market analysis writes it
            TimeIndexFactory(county=county, series=series, period_start=start, level=level)

    job, path = export(export_format="GeoJSON", layers=["appreciation"])
    (row,) = rows_of(path)

    assert row["feature_id"] == "99350"
    assert row["appreciation"] == pytest.approx(21)
    assert row["annual_appreciation"] == pytest.approx(10, abs=0.02)
    assert row["sales_volume"] == 80
    assert job["result"]["without_geometry"] == {"appreciation": 2}, "00000 is no area, nor are two"


# --- Several layers ---

TOGETHER = ["parcels", "zoning", "sales"]


@pytest.mark.parametrize("export_format", ["GeoPackage", "FileGDB", "Shapefile", "KML", "PMTiles"])
def test_several_layers_stand_in_one_file_or_zip(export, export_format):
    job, path = export(export_format=export_format, layers=TOGETHER)

    assert job["result"]["record_counts"] == {"parcels": 30, "zoning": 2, "sales": 3}
    assert job["result"]["result_record_count"] == 35
    assert path.name == f"{job['job_id']}_parcels_zoning_sales.{path.name.split('.', 1)[1]}"
    titles = {"parcels": "Parcels", "zoning": "Zoning", "sales": "Sales"}
    if export_format != "PMTiles":
        for layer, count in job["result"]["record_counts"].items():
            name = titles[layer] if export_format == "KML" else layer
            assert len(read_back(path, export_format, name)) == count


def test_several_layers_in_one_geojson_carry_their_name(export):
    _, path = export(export_format="GeoJSON", layers=TOGETHER)

    assert [len(rows_of(path, layer)) for layer in TOGETHER] == [30, 2, 3]


@pytest.mark.parametrize("export_format", ["FlatGeobuf", "GeoParquet", "CSV"])
def test_formats_of_one_layer_are_zipped_together(export, export_format):
    _, path = export(export_format=export_format, layers=TOGETHER)

    assert path.suffix == ".zip"
    with zipfile.ZipFile(path) as archive:
        data = {name.split(".")[0] for name in archive.namelist() if name.endswith((".fgb", ".parquet", ".csv"))}
    assert data - {"fields"} == set(TOGETHER)


# --- What tells about it ---


def told(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_zip_tells_about_itself(export):
    job, path = export(export_format="Shapefile", layers=["parcels", "zoning"])
    files = told(path)

    for line in files["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ")
        assert sha256(files[name]).hexdigest() == digest
    assert set(files) - {"SHA256SUMS"} == {line.split("  ")[1] for line in files["SHA256SUMS"].decode().splitlines()}
    assert {f"parcels.{each}" for each in ("shp", "shx", "dbf", "prj", "cpg", "qml", "shp.xml")} <= set(files)
    assert files["parcels.cpg"] == b"UTF-8"
    assert "US survey foot" in files["README.txt"].decode()
    assert "30 features" in files["README.txt"].decode()
    rows = list(csv.DictReader(io.StringIO(files["fields.csv"].decode())))
    columns = set(pyogrio.read_info(f"/vsizip/{path}/parcels.shp")["fields"])
    assert {row["short_name"] for row in rows if row["layer"] == "parcels"} == columns
    assert next(row["unit"] for row in rows if row["name"] == "living_area_sqft") == "square foot"
    assert job["result"]["texts_cut"] == 1


def test_the_metadata_are_iso_19115(export):
    _, path = export(export_format="Shapefile")
    root = ElementTree.fromstring(told(path)["metadata.xml"])  # noqa: S314 - our own file

    def texts(path):
        spaces = {"gmd": "http://www.isotc211.org/2005/gmd", "gco": "http://www.isotc211.org/2005/gco"}
        return [each.text for each in root.findall(path, spaces)]

    assert texts(".//gmd:referenceSystemInfo//gmd:code/gco:CharacterString") == ["2927"]
    west, east = (float(texts(f".//gmd:{each}BoundLongitude/gco:Decimal")[0]) for each in ("west", "east"))
    assert west < -119.3 < east
    assert "30 features" in texts(".//gmd:abstract/gco:CharacterString")[0]
    assert "SPCS83 Washington South zone (US survey foot)" in texts(".//gmd:statement/gco:CharacterString")[0]
    assert texts(".//gmd:topicCategory/gmd:MD_TopicCategoryCode") == ["planningCadastre"]


def test_a_single_file_has_the_same_beside_it(export, client):
    job, path = export(export_format="GeoPackage")

    (about,) = (
        path.parent / artifact["name"] for artifact in job["result"]["artifacts"] if "_about.zip" in artifact["name"]
    )
    files = told(about)

    assert {"README.txt", "fields.csv", "metadata.xml", "parcels.qml", "SHA256SUMS"} == set(files)
    assert sha256(path.read_bytes()).hexdigest() in files["SHA256SUMS"].decode()


def test_the_file_has_a_name_a_person_understands(export, client):
    job, _ = export(export_format="Shapefile", layers=["parcels", "zoning"])

    disposition = client.get(job["result"]["result_file_location"])["Content-Disposition"]

    assert f'filename="53005_benton_parcels_zoning_{TAX_YEAR}_' in disposition
    assert '_epsg2927.zip"' in disposition


def test_the_longest_of_names_still_fits(county):
    long = County.objects.get(pk=county.pk)
    long.pk = "county" * 10 + "long"
    long.save(force_insert=True)
    layers = [f"{each}" * 60 for each in "ab"]
    for layer in layers:
        LayerFeatureFactory(county=long, layer=layer)
    body = {"county_id": long.pk, "export_format": "CSV", "layers": layers}
    clerk = client_of(a_user("clerk", long, role="analyst"))
    job = clerk.post("/api/v1/gis-export/run", body, format="json").json()

    run_next_job()

    ended = clerk.get(job["links"]["status"]).json()
    assert ended["status"] == "COMPLETED", ended["message"]
    assert max(len(each.friendly_name) for each in JobArtifact.objects.all()) <= 200


# --- Short names ---


def every_layer(county):
    wide = LayerRequest(county, TAX_YEAR, include_assessment_data=True, include_owner_info=True)
    layers = {name: make(wide).fields for name, make in ROLL_LAYERS.items()}
    return layers | {"comparables": COMPARABLE, "appreciation": APPRECIATION, "areas": AREA}


def test_short_names_fit_and_never_collide(county):
    for layer, fields in every_layer(county).items():
        shorts = [field.short_name.lower() for field in fields]
        assert len(set(shorts)) == len(shorts), layer
        assert all(len(short) <= SHORT_NAME_LENGTH and short.isascii() and short.isidentifier() for short in shorts), (
            layer
        )
        assert len({field.name for field in fields}) == len(fields), layer


def test_a_name_means_the_same_in_every_layer(county):
    meaning = {}
    for fields in every_layer(county).values():
        for field in fields:
            assert meaning.setdefault(field.name, (field.short_name, field.type, field.unit)) == (
                field.short_name,
                field.type,
                field.unit,
            ), field.name


def test_loaded_names_that_begin_alike_get_different_short_names():
    names = ["assessed_land_value", "assessed_land_total", "Assessed_Land_prior", "größe", "größer"]

    assert short_names(names, taken=["name"]) == {
        "assessed_land_value": "assessed_l",
        "assessed_land_total": "assessed_1"[:8] + "_1",
        "Assessed_Land_prior": "Assessed_2"[:8] + "_2",
        "größe": "gr__e",
        "größer": "gr__er",
    }
