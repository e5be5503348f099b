"""Cases from practice, on the files beside the project: what is right of each, as its README says."""

from datetime import date
from pathlib import Path

import pytest
import shapely
from django.core.management import call_command
from django.db.models import Max, Min, Sum

from terrafusion.roll.models import AssessedValue, LayerFeature, Property, Sale
from terrafusion.roll.shapes import square_kilometres
from tests.factories import a_county

pytestmark = pytest.mark.django_db
CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


@pytest.fixture
def load(capsys):
    county = a_county("demo")

    def run(case, source, mapping="mapping.yaml", **options):
        folder = next(CASES.glob(f"{case}_*"), None)
        if folder is None:
            pytest.skip(f"Case {case} is not beside the project.")
        path = mapping if isinstance(mapping, Path) else folder / mapping
        call_command("bulk_load", county.pk, source=folder / source, mapping=path, accept_drift=True, **options)
        return capsys.readouterr().out

    return run


def parcels():
    return Property.objects.filter(retired_at=None).count()


@pytest.mark.parametrize("name", ["roll_dim_stale", "roll_dim_A1", "roll_dim_470", "roll_good"])
def test_01_a_workbook_is_read_whole_whatever_it_says_of_its_size(load, name):
    load("01", "roll_good.xlsx")

    assert "Read 500 rows, rejected 0" in load("01", f"{name}.xlsx")
    assert parcels() == 500


@pytest.mark.parametrize(
    ("name", "rows"), [("roll_swallow", 2000), ("roll_swallow30", 500), ("roll_inner", 200), ("roll_quoted_word", 200)]
)
def test_02_a_quote_mark_that_begins_a_value_swallows_nothing(load, name, rows):
    out = load("02", f"{name}.tsv", "mapping_complete.yaml")

    assert f"Read {rows:,} rows, rejected 0" in out
    assert "quote marks are kept as written" in out
    assert parcels() == rows


def test_08_error_cells_are_told_and_never_become_values(load):
    out = load("08", "roll.xlsx")

    assert "an error of the spreadsheet, not a value (row rejected)" in out
    assert "an error of the spreadsheet, not a value (value dropped)" in out
    assert not Property.objects.filter(property_id__startswith="#").exists()
    assert not Property.objects.filter(neighborhood__startswith="#").exists()
    assert not Property.objects.filter(situs_address__startswith="#").exists()
    assert not any("#" in str(each) for each in Property.objects.values_list("attributes", flat=True))


def test_09_a_parcel_number_is_as_the_sheet_shows_it(load):
    load("09", "roll.xlsx")

    numbers = set(Property.objects.values_list("parcel_number", flat=True))
    assert {"001-234-007", "101-234-000"} <= numbers
    assert {len(number) for number in numbers} == {11}


def test_13_one_foreign_byte_spoils_one_row_at_most(load):
    out = load("13", "roll.csv")

    assert "line 52, SUB 'O\u2019BRIEN ADDN': holds 0x92" in out
    assert "To be looked at: 1" in out
    assert Property.objects.filter(neighborhood="PEÑA").count() == 50


@pytest.mark.parametrize("mapping", ["mapping.yaml", "mapping_prop.yaml"])
def test_04_the_mark_for_no_place_is_dropped_with_a_finding(load, mapping):
    out = load("04", "address_points.zip", mapping)

    assert "holds no coordinates but a mark for none (value dropped)" in out
    model = LayerFeature if mapping == "mapping.yaml" else Property
    edges = model.objects.aggregate(west=Min("west"), south=Min("south"), east=Max("east"), north=Max("north"))
    assert -121 < edges["west"] <= edges["east"] < -118
    assert 45 < edges["south"] <= edges["north"] < 48
    # A layer's feature without a place says nothing; a parcel without one is still a parcel.
    assert model.objects.filter(geometry=None).count() == (0 if model is LayerFeature else 1)


@pytest.mark.parametrize("source", ["parcels.zip", "shp/parcels.shp"])
def test_05_a_text_cut_within_a_character_loses_the_half_and_is_told(load, source):
    out = load("05", source)

    assert "is cut within a character; the half is dropped" in out
    assert "Read 2 rows, rejected 0" in out


@pytest.mark.parametrize("name", ["sorted_keys", "crs_first", "type_first"])
def test_06_the_order_of_geojsons_members_has_no_meaning(load, name):
    assert "rejected 0" in load("06", f"{name}.geojson")
    assert LayerFeature.objects.exists()


def test_07_a_grand_total_is_no_property(load):
    out = load("07", "roll.csv")

    assert "PIN 'GRAND TOTAL': is no record but a total of 150 other rows (row rejected)" in out
    assert AssessedValue.objects.aggregate(Sum("market_total"))["market_total__sum"] == 30_912_000


def test_25_a_repair_keeps_the_area_and_says_by_how_much_it_changed(load):
    out = load("25", "parcels.geojson")

    unit = square_kilometres(shapely.box(-119.3, 46.2, -119.299, 46.201)) / 100
    areas = {each.property_id: square_kilometres(each.geometry) / unit for each in Property.objects.all()}
    assert areas == {
        "HOLE-ON-EDGE": pytest.approx(85, abs=0.01),
        "TWO-DEEDS-OVERLAP": pytest.approx(175, abs=0.01),
        "HOLES-OVERLAP": pytest.approx(76, abs=0.01),
    }
    assert "(-12.5 %)" in out
    assert "(+1.3 %)" in out
    assert "area as before" in out


def test_15_dates_written_in_several_ways_and_real_ones_beside_them(load, tmp_path):
    ways = '["%m/%d/%Y", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M", "%m/%d/%y", excel_serial]'
    folder = next(CASES.glob("15_*"), CASES)
    mapping = tmp_path / "several.yaml"
    if folder != CASES:
        mapping.write_text((folder / "mapping.yaml").read_text().replace('"%m/%d/%Y"', ways))

    out = load("15", "sales.csv", mapping)
    assert "Read 5 rows, rejected 1" in out  # (300000) dollars are none
    assert set(Sale.objects.values_list("sale_date", flat=True)) == {date(2024, 6, 5)}
    assert "rejected 0" in load("15", "mixed.xlsx", mapping)
    assert set(Sale.objects.values_list("sale_date", flat=True)) == {date(2024, 6, 5)}
    assert "rejected 0" in load("15", "sales_yy.csv", "mapping_yy.yaml")
    assert {each.year for each in Sale.objects.values_list("sale_date", flat=True)} == {2024, 1968, 1972}


def test_18_numbers_of_a_layer_stay_numbers(load):
    load("18", "tca.geojson")

    attributes = [each.attributes for each in LayerFeature.objects.all()]
    assert all(isinstance(attribute["ACRES"], float) for attribute in attributes)
    assert 40.5 in [attribute["ACRES"] for attribute in attributes]
    assert all(isinstance(attribute["GROUP"], str) for attribute in attributes)
