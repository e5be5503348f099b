"""bulk_load from CSV files the tests write."""

import gzip

import pytest
from django.core.management import CommandError, call_command

from terrafusion.jobs.models import Job
from terrafusion.roll.models import AssessedValue, Property, Sale, SaleParcel
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

    def run(*lines, header=HEADER, mapping=MAPPING, name="sales.csv", encoding="utf-8", **options):
        source = tmp_path / name
        text = ("\n".join([header, *lines]) + "\n").encode(encoding)
        source.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
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


def test_a_load_asks_for_one_snapshot_of_the_market_when_it_changed_something(load, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        load(*GOOD)
    with django_capture_on_commit_callbacks(execute=True):
        load(*GOOD[:1])

    assert [(job.kind, job.county_id) for job in Job.objects.all()] == [("analytics_snapshot", "demo")]
    Job.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        load(*GOOD)
        load(*GOOD, dry_run=True)
    assert not Job.objects.exists()


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
        ("3,44,1500,3,2025-03-01,12.5,valid", "line 4, price '12.5': not a whole number of dollars"),
        ("3,44,1500,3,2025-03-01,,valid", "line 4, price '': is empty"),
        ("3,44,0,3,2025-03-01,5,valid", "line 4, area '0': below 1"),
        ("3,4.4E+05,900,3,2025-03-01,5,valid", "a spreadsheet has rewritten"),
        ("3,1234567,900,3,2025-03-01,5,valid", "longer than 6"),
        ("1,42,1500,3,2025-03-01,310000,valid", "stands twice in the source; the first is kept"),
        ("1,44,900,3,2025-03-01,5,valid", "stands twice in the source with another sale_price; the first is kept"),
        ("3,44,900,3,2025-03-01,1_000,valid", "line 4, price '1_000': not a number"),
        ("3,44,900,3,2025-03-01,1e999999999,valid", "line 4, price '1e999999999': not a number"),
        ("3,44,-900,3,2025-03-01,5,valid", "line 4, area '-900': below 1"),
        ("3,44,3000000000,3,2025-03-01,5,valid", "line 4, area '3000000000': above 2147483647"),
        ('3,44,"1,5",3,2025-03-01,5,valid', "line 4, area '1,5': not a number"),
        ("3,44,900,3,2099-03-01,5,valid", "line 4, sold '2099-03-01': lies in the future"),
        ("3,44,900,3,0225-03-01,5,valid", "line 4, sold '0225-03-01': not a year from 1600"),
        ("3,--,900,3,2025-03-01,5,valid", "line 4, pid '--': holds no letter and no digit"),
        ("3,44,900,3,2025-03-01,5,va\x00lid", "holds a zero byte"),
        (f"3,44,900,3,2025-03-01,5,{'v' * 33}", "longer than 32 characters"),
        ("3,44,900,3,2025-03-01,5,valid,Smith", "line 4: has 8 values where the header names 7 (row rejected)"),
        ("3,44,900,3,2025-03-01", "line 4: has 5 values where the header names 7 (row rejected)"),
    ],
)
def test_a_bad_row_is_listed_with_line_and_reason_and_the_good_ones_load(load, line, reason):
    out = load(*GOOD, line)

    assert reason in out
    assert "Read 3 rows, rejected 1." in out
    assert Sale.objects.count() == 2


def test_an_implausible_value_of_a_reload_is_unknown_again(load):
    load("1,42,1500,3,2025-03-01,310000,valid")
    load("1,42,1500,33,2025-03-01,310000,valid")

    assert Property.objects.get().bedrooms is None


def test_a_value_the_source_no_longer_has_becomes_unknown(load):
    load("1,42,1500,3,2025-03-01,310000,valid")

    assert "Properties: 0 created, 1 updated" in load("1,42,1500,,2025-03-01,310000,valid")
    assert Property.objects.get().bedrooms is None


def test_the_line_is_where_the_record_begins(load):
    out = load('1,42,1500,3,2025-03-01,310000,"va\nlid"', '2,43,x,4,2025-04-01,355000,"va\nlid"')

    assert "line 4, area 'x': not a number" in out


def test_an_implausible_value_is_dropped_with_a_warning(load):
    out = load("1,42,1500,33,2025-03-01,310000,valid")

    assert "beds '33': above 15 (value dropped)" in out
    assert Property.objects.get().bedrooms is None


def test_the_latest_sale_describes_the_property(load):
    load("1,42,1500,3,2025-03-01,310000,valid", "2,42,1700,4,2025-06-01,355000,valid", "3,42,1,1,2024-01-01,9,valid")

    assert Property.objects.get().living_area_sqft == 1700
    assert Property.objects.get().sales.count() == 3


def test_a_deed_on_several_lines_is_one_sale_of_several_parcels(load):
    load("1,42,1500,3,2025-03-01,310000,valid", "1,43,1800,4,2025-03-01,310000,valid")

    sale = Sale.objects.get()
    assert sale.parcel_count == 2
    assert {roll_property.property_id for roll_property in sale.properties.all()} == {"000042", "000043"}
    assert not Sale.objects.of_one_parcel().exists()


@pytest.mark.parametrize("bad_first", [True, False])
def test_a_deed_does_not_become_a_sale_of_one_parcel_because_a_line_was_rejected(load, bad_first):
    good, bad = "1,42,1500,3,2025-03-01,310000,valid", "1,43,x,4,2025-03-01,310000,valid"

    load(*([bad, good] if bad_first else [good, bad]))

    assert Sale.objects.get().parcel_count == 2


def test_a_rejected_line_unties_nothing(load):
    load("1,42,1500,3,2025-03-01,310000,valid", "1,43,1800,4,2025-03-01,310000,valid")

    out = load("1,42,1500,3,2025-03-01,310000,valid", "1,43,x,4,2025-03-01,310000,valid")

    assert "Sales: 0 created, 0 updated, 1 unchanged" in out
    assert Sale.objects.get().properties.count() == 2


def test_a_sale_moved_to_another_property_leaves_the_first(load):
    load(*GOOD)
    before = Sale.objects.get(sale_id="1").updated_at

    out = load("1,43,1800,4,2025-03-01,310000,valid", GOOD[1])

    assert "Sales: 0 created, 1 updated, 1 unchanged" in out
    assert [roll_property.property_id for roll_property in Sale.objects.get(sale_id="1").properties.all()] == ["000043"]
    assert Sale.objects.get(sale_id="1").updated_at > before  # readers of `updated_since` learn of it


SALES_ONLY = """
sales:
  property_id: {column: pid, width: 6}
  sale_id: {column: sid}
  sale_date: {column: sold, type: date}
  sale_price: {column: price, type: dollars}
"""


def test_a_sale_of_a_property_not_on_the_roll_is_kept_and_reported(load):
    load(*GOOD)

    out = load("3,42,,,2025-05-01,320000,", "4,99,,,2025-05-01,320000,", mapping=SALES_ONLY)

    assert "line 3, property_id '000099': is not on the roll; the sale is kept without it" in out
    assert Sale.objects.get(sale_id="3").properties.get().property_id == "000042"
    assert not Sale.objects.get(sale_id="4").properties.exists()


def test_a_mapping_without_the_validity_code_leaves_the_validity_as_it_is(load):
    load(GOOD[0].replace("valid", "family"))

    load("1,42,,,2025-03-01,310000,", mapping=SALES_ONLY)

    assert not Sale.objects.get().is_valid


PROPERTIES_ONLY = """
properties:
  property_id: {column: pid}
  parcel_number: {column: pid}
  property_type: {column: kind, codes: {R: single_family, V: vacant_land}, default: other}
  acres: {column: acres, type: decimal}
  year_built: {column: built, or_column: moved, type: integer, unknown: ["9999"]}
  latitude: {column: lat, type: number}
"""
LAND = "pid,kind,acres,built,moved,lat"


def test_codes_defaults_unknown_texts_and_second_columns(load):
    load("A-1,R,1.23456,0,1999,46.2", "A-2,,,9999,1999,", header=LAND, mapping=PROPERTIES_ONLY)

    first, second = Property.objects.order_by("property_id")
    assert (first.property_type, str(first.acres), first.year_built) == ("single_family", "1.2346", 1999)
    assert (second.property_type, second.acres, second.year_built) == ("other", None, None)
    assert first.parcel_number_key == "A1"
    assert first.geometry is None


def test_what_the_roll_rounds_is_not_rewritten_by_the_next_load(load):
    load("A-1,R,1.23456,0,1999,46.2", header=LAND, mapping=PROPERTIES_ONLY)

    out = load("A-1,R,1.23456,0,1999,46.2", header=LAND, mapping=PROPERTIES_ONLY)

    assert "Properties: 0 created, 0 updated, 1 unchanged" in out


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("A-1,R,2,0,1999,46", "stands twice in the source; the first is kept"),
        ("A-3,X,1,0,1999,46", "line 3, kind 'X': unknown code; known: R, V"),
        ("A-3,R,-1,0,1999,46", "line 3, acres '-1': below 0"),
        ("A-3,R,1,1066,1999,46", "line 3, built '1066': below 1600"),
        ("A-3,R,1,0,1999,91", "line 3, lat '91': above 90"),
        ("7.2E+09,R,1,0,1999,46", "a spreadsheet has rewritten"),
    ],
)
def test_a_bad_row_of_a_file_of_properties_is_rejected(load, line, reason):
    out = load("A-1,R,1,0,1999,46", line, header=LAND, mapping=PROPERTIES_ONLY)

    assert reason in out
    assert Property.objects.get().acres == 1


def test_names_of_people_are_withheld_from_the_list(load):
    mapping = SALES_ONLY + "  grantor: {column: code}\n"

    out = load("1,42,,,2025-03-01,310000,ok", f"2,42,,,2025-03-01,310000,{'Smith ' * 50}", mapping=mapping)

    assert "code '(withheld)': longer than 200 characters" in out
    assert "Smith" not in out


def test_a_code_the_county_does_not_call_valid_makes_no_valid_sale(load):
    load(GOOD[0], GOOD[1].replace("valid", "family"))

    assert [sale.sale_id for sale in Sale.objects.valid()] == ["1"]


def test_a_dry_run_writes_nothing(load):
    assert "Sales: 2 created" in load(*GOOD, dry_run=True)
    assert not Sale.objects.exists()


def test_a_file_without_a_usable_row_writes_nothing_but_the_rejects(load, tmp_path):
    with pytest.raises(CommandError, match="no usable row"):
        load("1,42,x,3,2025-03-01,310000,valid", rejects=tmp_path / "rejects.csv")

    assert not Property.objects.exists()
    assert "main,2,area,x,V-TYPE,refuse,not a number" in (tmp_path / "rejects.csv").read_text()


def test_a_file_that_is_not_utf_8_is_read_as_latin_1_and_that_is_said(load):
    out = load(GOOD[0].replace("valid", "ca\xf1on"), encoding="latin-1")

    assert "sales.csv (main) is not UTF-8; it was read as Latin-1" in out
    assert Sale.objects.get().validity_code == "ca\xf1on"


def test_a_byte_order_mark_is_no_part_of_the_first_column(load):
    assert "Sales: 2 created" in load(*GOOD, encoding="utf-8-sig")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "is empty"),
        (b"sid,sid\n1,2\n", "names a column twice: sid"),
        (HEADER.encode("utf-16"), "UTF-16"),
        (HEADER.encode() + b"\n" + b"9" * 1_000_001, "line 2: longer than 1,000,000 characters"),
        (
            HEADER.encode() + b'\n1,"42',
            "line 2: a quote opens and is not closed; has 2 values where",
        ),
    ],
)
def test_a_source_that_is_no_csv_is_refused_with_the_reason(load, tmp_path, content, named):
    (tmp_path / "odd.csv").write_bytes(content)
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    a_county("king")

    with pytest.raises(CommandError, match=named):
        call_command("bulk_load", "king", source=tmp_path / "odd.csv", mapping=tmp_path / "mapping.yaml")


def test_half_a_gzip_file_is_refused(load, tmp_path):
    (tmp_path / "half.csv.gz").write_bytes(gzip.compress("\n".join([HEADER, *GOOD]).encode())[:40])
    (tmp_path / "mapping.yaml").write_text(MAPPING)

    with pytest.raises(CommandError, match="not a whole gzip file"):
        call_command("bulk_load", "demo", source=tmp_path / "half.csv.gz", mapping=tmp_path / "mapping.yaml")


def test_the_rejects_never_overwrite_the_source(load, tmp_path):
    with pytest.raises(CommandError, match="would overwrite the source"):
        load(*GOOD, rejects=tmp_path / "sales.csv")
    assert (tmp_path / "sales.csv").read_text().startswith(HEADER)


@pytest.mark.parametrize(
    ("mapping", "named"),
    [
        (MAPPING + "  colour: {column: pid}\n", "colour"),
        (MAPPING.replace("width: 6", "widht: 6"), "widht"),
        ("sales: {sale_id: {column: sid}}", "property_id, sale_date, sale_price must be mapped"),
        (MAPPING.replace("type: date", "type: day"), "sale_date.type"),
        (
            MAPPING.replace("type: dollars, minimum: 1", "type: text"),
            ":10: sales.sale_price: type must be dollars",
        ),
        (MAPPING.replace("type: date", "type: date, format: '%m/%d'"), "does not say year, month and day"),
        (MAPPING.replace("minimum: 1}", "minimum: 1, outside: blank}"), "sale_price: a row without it cannot be kept"),
        ("sales: {sale_id: {column: a}, sale_date: {column: b, type: date}}", "property_id, sale_price must be mapped"),
        ("properties: [", "mapping.yaml"),
    ],
)
def test_a_fault_in_the_mapping_is_named(load, mapping, named):
    with pytest.raises(CommandError, match=named):
        load(*GOOD, mapping=mapping)


def test_every_finding_can_be_written_to_a_file(load, tmp_path):
    load(*GOOD, "3,44,0,3,2025-03-01,5,valid", rejects=tmp_path / "rejects.csv")

    assert (tmp_path / "rejects.csv").read_text().splitlines()[1] == "main,4,area,0,V-BOUNDS,refuse,below 1"


def test_the_king_county_file_loads_whole_and_a_second_time_changes_nothing(shared_data, capsys):
    a_county("king")
    source = shared_data("king_county_sales") / "kc_house_sales_dev.csv.gz"

    call_command("bulk_load", "king", source=source)

    out = capsys.readouterr().out
    assert "line 9565, bedrooms '33': above 15 (value dropped)" in out
    assert "Read 12,968 rows, rejected 0. Values dropped: 1." in out
    assert (Sale.objects.count(), Property.objects.count(), SaleParcel.objects.count()) == (12_968, 12_909, 12_968)
    assert all(len(number) == 10 for number in Property.objects.values_list("parcel_number", flat=True))
    assert Property.objects.filter(bedrooms=None).count() == 1

    call_command("bulk_load", "king", source=source)

    out = capsys.readouterr().out
    assert "Properties: 0 created, 0 updated, 12,909 unchanged." in out
    assert "Sales: 0 created, 0 updated, 12,968 unchanged." in out


# --- Assessed values ---

WITH_VALUES = (
    MAPPING
    + """
assessed_values:
  tax_year: {value: "2026", type: year}
  market_land: {column: land, type: dollars, minimum: 0}
  market_improvement: {column: built, type: dollars, minimum: 0}
  market_total: {column: total, type: dollars, minimum: 0}
  taxable_value: {column: total, type: dollars, minimum: 0}
"""
)
VALUE_HEADER = HEADER + ",land,built,total"


def test_a_row_may_bring_the_assessed_value_too(load):
    rows = [f"{GOOD[0]},80000,210000,290000", f"{GOOD[1]},90000,240000,330000"]
    load(*rows, header=VALUE_HEADER, mapping=WITH_VALUES)
    changed = [rows[0], f"{GOOD[1]},90000,250000,340000"]

    out = load(*changed, header=VALUE_HEADER, mapping=WITH_VALUES)

    assert "Assessed values: 0 created, 1 updated, 1 unchanged" in out
    values = AssessedValue.objects.order_by("roll_property__property_id")
    assert list(values.values_list("tax_year", "supplement", "market_land", "market_total", "taxable_value")) == [
        (2026, 0, 80_000, 290_000, 290_000),
        (2026, 0, 90_000, 340_000, 340_000),
    ]


def test_a_total_that_is_not_its_parts_rejects_the_row(load):
    rows = [f"{GOOD[0]},80000,210000,290001", f"{GOOD[1]},90000,240000,330000"]

    out = load(*rows, header=VALUE_HEADER, mapping=WITH_VALUES)

    assert "line 2, total '290001': land + improvement is not the total (row rejected)" in out
    assert AssessedValue.objects.count() == Property.objects.count() == 1


def test_values_alone_name_their_property_which_must_be_on_the_roll(load):
    load(*GOOD)
    alone = "assessed_values:\n  property_id: {column: pid, width: 6}\n" + WITH_VALUES.split("assessed_values:\n")[1]

    load("42,1,2,3", header="pid,land,built,total", mapping=alone)

    assert AssessedValue.objects.get().roll_property.property_id == "000042"
    with pytest.raises(CommandError, match=r"no usable row.*'000099': is not on the roll"):
        load("99,1,2,3", header="pid,land,built,total", mapping=alone)


def test_a_mapping_of_values_must_fill_what_a_value_needs(load):
    only_the_total = "  market_total: {column: price, type: dollars}\n"
    with pytest.raises(CommandError, match="assessed_values: market_improvement, market_land, taxable_value"):
        load(*GOOD, mapping=MAPPING + "assessed_values:\n  tax_year: {value: '2026', type: year}\n" + only_the_total)
