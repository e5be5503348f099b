"""The public files beside the project, loaded with the committed sample mappings; their known faults are told."""

import pytest
import shapely
from django.db.models import Sum

from ingestion.pipelines.requests import LoadRequest, run_load
from terrafusion.roll.models import AssessedValue, LayerFeature, Property, Sale, SaleParcel
from tests.factories import a_county

pytestmark = pytest.mark.django_db


@pytest.fixture
def load(shared_data, settings):
    county = a_county("demo")

    def run(name, mapping, dataset=None, **options):
        path = settings.COUNTY_CONFIGS_DIR / "samples" / f"{mapping}.yaml"
        asked = LoadRequest(county=county, source=str(shared_data(name)), mapping=path, dataset=dataset, **options)
        report = run_load(asked).report
        (own,) = report.sets.values()
        assert all(each["balanced"] for each in next(iter(report.control_totals.values())).values())
        return own

    return run


def lines(own, rule):
    return own.findings.filter(own.findings["rule"] == rule)


def test_new_yorks_rolling_sales_with_bare_cr_line_ends_and_2070_transfers(load):
    name = "nyc_rolling_sales/rollingsales_statenisland_2015-08_2016-07.csv.gz"

    own = load(name, "nyc_rolling_sales")

    assert own.read == 7404
    assert own.rules["R-ZERO-PRICE"] == 2070
    assert own.rules["R-NOMINAL-PRICE"] == 96
    assert Sale.objects.filter(sale_price=0).count() + _twice_at_zero(own) == 2070
    assert own.rejected == own.rules["D-SALE"]  # the same parcel, day and price twice
    assert Property.objects.count() == 6961
    assert not Sale.objects.valid().filter(sale_price=0).exists()
    assert load(name, "nyc_rolling_sales").targets["sales"].unchanged == Sale.objects.count()


def _twice_at_zero(own):
    """Of the rows that stand twice, those without a price: their sale's key ends with the "-" of the price."""
    return sum(value.endswith("--") for value in lines(own, "D-SALE")["value"])


def test_cambridges_table_and_polygons(load):
    table = load("cambridge_parcels/cambridge_assessment_fy2014.csv.gz", "cambridge", "assessment")

    assert table.read == 27_528
    negative = lines(table, "V-TYPE").filter(lines(table, "V-TYPE")["reason"] == "negative dollars")
    assert "-3765000" in negative["value"].to_list()
    assert "-1" in negative["value"].to_list()
    assert "-35616" in lines(table, "V-BOUNDS")["value"].to_list()
    assert table.dropped_values == 1
    assert Property.objects.values("parcel_number").distinct().count() < Property.objects.count()  # one to many
    assert AssessedValue.objects.aggregate(Sum("market_total"))["market_total__sum"] > 24 * 10**9

    polygons = load("cambridge_parcels/cambridge_parcels_fy2014.geojson.gz", "cambridge", "parcels")

    assert polygons.read == 13_116
    assert polygons.rules["V-GEOMETRY-INVALID"] == 37
    assert polygons.rules["V-EMPTY"] == 1
    placeholders = lines(polygons, "V-TYPE")["value"]  # "---" and the like
    assert polygons.rules["D-KEY"] + len(placeholders) - placeholders.n_unique() == 80
    assert polygons.rules["R-ORPHAN"] == 52 + 5  # numbers the table lacks, and words such as ROAD
    with_shape = Property.objects.filter(geometry__isnull=False)
    assert with_shape.count() > 10_000
    assert not with_shape.filter(property_type="condominium").exists()
    assert all(shapely.is_valid(each.geometry) for each in with_shape[:500])


@pytest.mark.parametrize(
    ("name", "dataset", "layer", "features"),
    [
        ("cambridge_zoning/CDD_ZoningDistricts.geojson", "zoning", "zoning", None),
        ("cambridge_zoning/ASSESSING_ResidentialDistrictsFY2014.geojson", "residential_districts", None, None),
        ("cambridge_zoning/BOUNDARY_CDDNeighborhoods.geojson", "neighborhoods", "neighborhoods", 13),
        ("cambridge_zoning/BOUNDARY_Zipcodes.geojson", "zip_codes", "zip_codes", 5),
    ],
)
def test_cambridges_layers(load, name, dataset, layer, features):
    own = load(name, "cambridge", dataset)

    assert own.read - own.rejected == LayerFeature.objects.count()
    if features:
        assert LayerFeature.objects.filter(layer=layer).count() == features == own.read


def test_lucas_sales_with_the_assessors_value(load):
    own = load("lucas_county_sales/lucas_oh_sales_1993_1998_dev.csv.gz", "lucas")

    assert (own.read, own.rejected) == (15_214, 0)
    assert Sale.objects.count() == AssessedValue.objects.count() == 15_214
    assert Property.objects.filter(bedrooms=0).count() == 0
    assert Property.objects.filter(baths=0).count() == 4


def test_seattles_sales_keep_their_zeros_and_their_repeats(load):
    own = load("seattle_sales/seattle_sales_2010_2016_dev.csv.gz", "seattle", "sales")

    assert (own.read, own.rejected) == (25_860, 0)
    assert Property.objects.count() == 22_951
    assert SaleParcel.objects.count() == 25_860
    assert Property.objects.filter(parcel_number__startswith="0").exists()


def test_seattles_zip_areas_and_washingtons_counties(load):
    assert load("seattle_zcta/seattle_zcta_32.geojson", "seattle", "zip_areas").targets["layers"].created == 32
    assert load("wa_county_boundaries/wa_counties_10m.geojson", "seattle", "county_boundaries").read == 39
    benton = LayerFeature.objects.get(layer="county_boundary", feature_id="53005")
    assert benton.name == "Benton"
    assert benton.west < -119.3 < benton.east


def test_berkeleys_shapefile_is_brought_to_degrees(load):
    own = load("berkeley_parcels_shp/berkeley_parcels_excerpt.zip", "berkeley")

    assert own.read == 746
    assert Property.objects.count() == own.read - own.rejected
    for each in Property.objects.exclude(geometry=None)[:50]:
        assert each.geometry.distance(shapely.Point(each.longitude, each.latitude)) < 0.001
        assert " " in each.parcel_number
        assert " " not in each.parcel_number_key
