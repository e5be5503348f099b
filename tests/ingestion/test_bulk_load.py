"""bulk_load from CSV files the tests write."""

import gzip

import pytest
from django.core.management import CommandError, call_command

from terrafusion.roll.models import Property, Sale, SaleParcel
from tests.factories import a_county

pytestmark = pytest.mark.django_db

MAPPING = """
properties:
  property_id: {column: pid, width: 6}
  parcel_number: {column: pid, width: 6}
  living_area_sqft: {column: area, type: integer, minimum: 1}
  bedrooms: {column: beds, type: integer, maximum: 15, outside: blank}
sales:
  sale_id: {column: sid}
  sale_date: {column: sold, type: date}
  sale_price: {column: price, type: dollars, minimum: 1}
  validity_code: {column: code}
"""
HEADER = "sid,pid,area,beds,sold,price,code"
GOOD = ["1,42,1500,3,2025-03-01,310000,valid", "2,43,1800,4,2025-04-01,355000,valid"]


@pytest.fixture
def load(tmp_path, capsys):
    county = a_county("demo")

    def run(*lines, header=HEADER, mapping=MAPPING, name="sales.csv", **options):
        source = tmp_path / name
        text = "\n".join([header, *lines]) + "\n"
        source.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        (tmp_path / "mapping.yaml").write_text(mapping)
        call_command("bulk_load", county.pk, source=source, mapping=tmp_path / "mapping.yaml", **options)
        return capsys.readouterr().out

    return run


def test_rows_become_properties_and_sales(load):
    out = load(*GOOD)

    assert "Properties: 2 created" in out
    sale = Sale.objects.get(sale_id="1")
    assert (sale.sale_price, sale.is_valid) == (310_000, True)
    assert sale.properties.get().parcel_number == "000042"  # the zeros a spreadsheet lost


def test_a_gzipped_file_is_read_as_well(load):
    assert "Sales: 2 created" in load(*GOOD, name="sales.csv.gz")


def test_loading_again_changes_nothing(load):
    load(*GOOD)
    before = list(Property.objects.order_by("pk").values_list("pk", "updated_at"))

    out = load(*GOOD)

    assert "Properties: 0 created, 0 updated, 2 unchanged" in out
    assert "Sales: 0 created, 0 updated, 2 unchanged" in out
    assert list(Property.objects.order_by("pk").values_list("pk", "updated_at")) == before
    assert SaleParcel.objects.count() == 2


def test_a_changed_price_updates_that_sale_alone(load):
    load(*GOOD)

    out = load(GOOD[0].replace("310000", "311000"), GOOD[1])

    assert "Sales: 0 created, 1 updated, 1 unchanged" in out
    assert Sale.objects.get(sale_id="1").sale_price == 311_000


def test_a_missing_column_stops_before_any_write_and_is_named(load):
    with pytest.raises(CommandError, match="lacks the column price; it has sid"):
        load("1,42,1500,3,2025-03-01,valid", header="sid,pid,area,beds,sold,code")
    assert not Property.objects.exists()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("3,44,1500,3,2025-13-01,1,valid", "line 4, sold '2025-13-01': not a date"),
        ("3,44,1500,3,2025-03-01,-5,valid", "line 4, price '-5': negative dollars"),
        ("3,44,1500,3,2025-03-01,12.5,valid", "line 4, price '12.5': not a whole number"),
        ("3,44,1500,3,2025-03-01,,valid", "line 4, price '': is empty"),
        ("3,44,0,3,2025-03-01,5,valid", "line 4, area '0': below 1"),
        ("3,4.4E+05,900,3,2025-03-01,5,valid", "a spreadsheet has rewritten"),
        ("3,1234567,900,3,2025-03-01,5,valid", "longer than 6"),
        ("1,44,900,3,2025-03-01,5,valid", "stands twice in the file"),
    ],
)
def test_a_bad_row_is_listed_with_line_and_reason_and_the_good_ones_load(load, line, reason):
    out = load(*GOOD, line)

    assert reason in out
    assert "Read 3 rows, rejected 1." in out
    assert Sale.objects.count() == 2


def test_an_implausible_value_is_dropped_with_a_warning(load):
    out = load("1,42,1500,33,2025-03-01,310000,valid")

    assert "beds '33': above 15 (value dropped)" in out
    assert Property.objects.get().bedrooms is None


def test_the_latest_sale_describes_the_property(load):
    load("1,42,1500,3,2025-03-01,310000,valid", "2,42,1700,4,2025-06-01,355000,valid", "3,42,1,1,2024-01-01,9,valid")

    assert Property.objects.get().living_area_sqft == 1700
    assert Property.objects.get().sales.count() == 3


def test_a_code_the_county_does_not_call_valid_makes_no_valid_sale(load):
    load(GOOD[0], GOOD[1].replace("valid", "family"))

    assert [sale.sale_id for sale in Sale.objects.valid()] == ["1"]


def test_a_dry_run_writes_nothing(load):
    assert "Sales: 2 created" in load(*GOOD, dry_run=True)
    assert not Sale.objects.exists()


def test_a_file_without_a_usable_row_writes_nothing(load):
    with pytest.raises(CommandError, match="no usable row"):
        load("1,42,x,3,2025-03-01,310000,valid")


@pytest.mark.parametrize(
    ("mapping", "named"),
    [
        (MAPPING + "  colour: {column: pid}\n", "colour"),
        (MAPPING.replace("width: 6", "widht: 6"), "widht"),
        ("sales: {sale_id: {column: sid}}", "sale_date, sale_price must be mapped"),
        (MAPPING.replace("type: date", "type: day"), "sale_date.type"),
        ("properties: [", "mapping.yaml"),
    ],
)
def test_a_fault_in_the_mapping_is_named(load, mapping, named):
    with pytest.raises(CommandError, match=named):
        load(*GOOD, mapping=mapping)


def test_every_finding_can_be_written_to_a_file(load, tmp_path):
    load(*GOOD, "3,44,0,3,2025-03-01,5,valid", rejects=tmp_path / "rejects.csv")

    assert (tmp_path / "rejects.csv").read_text().splitlines()[1] == "4,area,0,below 1,row rejected"


def test_the_king_county_file_loads_whole(shared_data, capsys):
    a_county("king")
    source = shared_data("king_county_sales") / "kc_house_sales_dev.csv.gz"

    call_command("bulk_load", "king", source=source)

    assert "line 9565, bedrooms '33': above 15" in capsys.readouterr().out
    assert Sale.objects.count() == 12_968
    assert all(len(number) == 10 for number in Property.objects.values_list("parcel_number", flat=True))
