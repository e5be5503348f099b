"""A new county: its folder checked by file and line, its mapping proposed, its values given back."""

import json
import shutil

import polars as pl
import pytest
from django.core.management import CommandError, call_command

from ingestion.connectors.files import open_file
from ingestion.connectors.source import LINE
from ingestion.management.commands.write_schemas import schemas
from ingestion.models import IngestionRun
from ingestion.onboarding.checks import faults_of_county
from ingestion.onboarding.folder import mapping_yaml
from ingestion.onboarding.proposals import propose
from ingestion.pipelines.export import LAYOUT, export_values
from ingestion.pipelines.requests import LoadRequest, run_load
from ingestion.transforms.columns import convert_batch
from ingestion.transforms.mapper import FileOptions, read_mapping
from terrafusion.roll.models import Property
from tests.factories import AssessedValueFactory, PropertyFactory, ValuationJobFactory, ValueEstimateFactory, a_county


@pytest.fixture
def configs(tmp_path, settings):
    """A copy of the counties' folders, which a test may spoil."""
    shutil.copytree(settings.COUNTY_CONFIGS_DIR, tmp_path / "configs", ignore=shutil.ignore_patterns("*.py", "*.pyc"))
    settings.COUNTY_CONFIGS_DIR = tmp_path / "configs"
    return tmp_path / "configs"


def spoil(path, old, new):
    """Replaces one text, and says on which line it stands."""
    text = path.read_text()
    assert old in text
    line = text[: text.index(old)].count("\n") + 1
    path.write_text(text.replace(old, new, 1))
    return line


@pytest.mark.parametrize("county", ["benton", "king"])
def test_the_counties_of_the_project_have_no_fault(configs, county):
    assert faults_of_county(configs / county) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("county.yaml", 'fips: "53005"', "fips: 53005", 'fips: 53005 is read as a number, which loses leading zeros: write "53005"'),
        ("county.yaml", "EPSG:2927", "EPSG:4326", "crs: EPSG:4326 is not projected"),
        ("county.yaml", "America/Los_Angeles", "America/Kennewick", "'America/Kennewick' is not a time zone"),
        ("county.yaml", "state: WA", "state: Washington", "state: String should match"),
        ("mappings.yaml", "pv.hood_cd}", "pv.hood_code}", 'table property_val has no column hood_code (did you mean "hood_cd"?)'),
        ("mappings.yaml", "neighborhood: {", "neigborhood: {", 'unknown field (did you mean "neighborhood"?)'),
        ("mappings.yaml", "table: property_val,", "table: property_value,", 'no table property_value (did you mean "property_val"?)'),
        ("mappings.yaml", "$tax_year}", "$tax_yaer}", "nothing defines $tax_yaer (did you mean"),
        ("mappings.yaml", "{column: pv.market, type: dollars}", "{column: pv.market, type: money}", "type: Input should be"),
        ("mappings.yaml", "ac.file_as_name", "ac.birth_dt", "personal data that is never loaded"),
        ("mappings.yaml", "combine: sum, type: dollars}", "combine: total, type: dollars}", "combine: Input should be"),
        ("rbac/benton_users.json", '"administrator"', '"adminstrator"', "unknown role 'adminstrator' (did you mean"),
    ],
)  # fmt: skip
def test_a_fault_is_told_by_file_and_line_with_what_to_write(configs, capsys, file, old, new, said):
    line = spoil(configs / "benton" / file, old, new)

    with pytest.raises(CommandError, match="benton: "):
        call_command("check_county", "benton")

    told = capsys.readouterr().out
    assert said in told
    name = file.split("/")[-1]
    assert f"{name}:{line}:" in told, told


def test_a_column_is_checked_against_the_live_database(configs, pacs, db):
    pacs(5)
    assert faults_of_county(configs / "benton", "default") == []


def test_the_schemas_for_editors_are_current(settings):
    for name, text in schemas().items():
        assert (settings.COUNTY_CONFIGS_DIR / "schemas" / name).read_text() == text, "run manage.py write_schemas"


# --- new_county ---

pytestmark_db = pytest.mark.django_db


@pytest.mark.django_db
def test_a_county_with_pacs_is_set_up_from_bentons_mapping(configs, capsys):
    call_command("new_county", "53077", name="Yakima County", legacy_system="PACS")

    folder = configs / "yakima"
    assert {each.name for each in folder.rglob("*") if each.is_file()} == {
        "county.yaml", "mappings.yaml", "yakima_users.json", "README.md",
    }  # fmt: skip
    assert (folder / "mappings.yaml").read_text().startswith("# yaml-language-server: $schema=")
    assert 'fips: "53077"' in (folder / "county.yaml").read_text()
    assert faults_of_county(folder) == []
    call_command("load_counties")
    assert "yakima: Yakima County, WA (53077)" in capsys.readouterr().out


@pytest.mark.django_db
def test_a_mapping_is_proposed_from_a_file_and_tried(configs, tmp_path, capsys):
    source = tmp_path / "roll.csv"
    rows = [
        f"{number:08d},{number} Main St,9933{number % 5},{1950 + number % 60},{1500 + number},{100_000 + number},"
        f"{200_000},{300_000 + number},{300_000 + number},2026,blue"
        for number in range(1, 60)
    ]
    header = "ParcelNumber,SitusAddress,ZipCode,YearBuilt,LivingArea,LandValue,ImprovementValue,TotalValue,TaxableValue,TaxYear,Colour"
    source.write_text("\n".join([header, *rows, "00000099,1 A St,99336,1950,1500,1,2,4,4,2026,red"]))

    call_command("new_county", "06001", name="Alameda County", source=source)

    told = capsys.readouterr().out
    mapping = (configs / "alameda" / "mappings.yaml").read_text()
    assert "parcel_number: {column: ParcelNumber}    # confidence 1.00" in mapping
    assert "year_built: {column: YearBuilt, type: year}" in mapping
    assert "market_land: {column: LandValue, type: dollars}" in mapping
    assert "Colour" not in mapping
    assert "Dry run: 60 rows, 1 would be rejected." in told
    assert "R-TOTAL: 1, first at line 61" in told
    assert not Property.objects.exists()
    assert IngestionRun.objects.get().status == "checked"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fips", "name", "said"),
    [
        ("5307", "Yakima County", "FIPS"),
        ("99077", "Yakima County", "FIPS"),
        ("53005", "Benton County", "exists; nothing"),
    ],
)
def test_a_county_that_cannot_be_set_up_says_why(configs, fips, name, said):
    with pytest.raises(CommandError, match=said):
        call_command("new_county", fips, name=name)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("king_county_sales/kc_house_sales_dev.csv.gz", {},
         {"bedrooms": "bedrooms", "living_area_sqft": "sqft_living", "year_built": "yr_built", "sale_price": "price",
          "zip_code": "zipcode", "latitude": "lat", "longitude": "long", "sale_date": "date"}),
        ("nyc_rolling_sales/rollingsales_statenisland_2015-08_2016-07.csv.gz", {"skip_lines": 4},
         {"sale_price": "SALE PRICE", "sale_date": "SALE DATE", "neighborhood": "NEIGHBORHOOD", "zip_code": "ZIP CODE"}),
        ("cambridge_parcels/cambridge_assessment_fy2014.csv.gz", {},
         {"parcel_number": "ML", "market_total": "TotalAppraisedParcelValue", "market_land": "TotalAppraisedLandValue"}),
        ("berkeley_parcels_shp/berkeley_parcels_excerpt.zip", {},
         {"parcel_number": "APN", "situs_city": "City", "geometry": "geometry", "use_code": "UseCode"}),
    ],
)  # fmt: skip
def test_the_columns_of_public_files_are_recognised(shared_data, name, options, expected):
    first = next(open_file(shared_data(name), FileOptions(**options)).batches())

    found = {each.field: each.column for each in propose(first.rows)}

    assert {field: found.get(field) for field in expected} == expected


# --- Values back ---


@pytest.fixture
def valued(db):
    county = a_county("benton")
    job = ValuationJobFactory(county=county)
    for number, (land, market, decision, decided) in enumerate(
        [
            (100, 500, "accepted", None),
            (200, 600, "overridden", 700),
            (50, 80, "proposed", None),
            (900, 400, "accepted", None),
        ],
        1,
    ):
        house = PropertyFactory(
            county=county, number=1000 + number, parcel_number=f"1-2345-{number:03d}", property_class="R"
        )
        AssessedValueFactory(roll_property=house, market_land=land, market_improvement=0)
        ValueEstimateFactory(
            roll_property=house, job=job, market_value=market, decision=decision, decided_value=decided
        )
    return county


def test_accepted_values_go_back_in_the_layout_and_with_their_totals(valued, tmp_path, capsys):
    path = tmp_path / "2026_APPRAISAL_INFO.TXT"

    call_command("export_values", "benton", tax_year=2026, out=path)

    lines = path.read_bytes().decode("latin-1").split("\r\n")[:-1]
    cells = [{name: line[start - 1 : end] for name, (start, end) in LAYOUT.items()} for line in lines]
    assert [cell["prop_id"] for cell in cells] == ["000000001001", "000000001002"]
    assert [int(cell["market_value"]) for cell in cells] == [500, 700]
    assert [int(cell["imprv_hstd_val"]) for cell in cells] == [400, 500]
    assert cells[0]["geo_id"].strip() == "1-2345-001"
    totals = json.loads((tmp_path / "2026_APPRAISAL_INFO.TXT.totals.json").read_text())
    assert (totals["records"], totals["land"], totals["improvement"], totals["market"]) == (2, 300, 900, 1200)
    assert totals["skipped"] == 1  # the land alone is worth more
    assert "market $1,200" in capsys.readouterr().out


def test_what_is_given_back_is_what_our_own_reader_finds(valued, tmp_path, mapping_file):
    path = tmp_path / "values.txt"
    totals = export_values(valued, 2026, path, proposed=True)
    layout = "\n".join(f"    {name}: [{start}, {end}]" for name, (start, end) in LAYOUT.items())
    mapping = mapping_file(
        f"file:\n  fixed_width:\n{layout}\n"
        "properties:\n  property_id: {column: prop_id, unknown: []}\n  parcel_number: {column: geo_id}\n"
        "assessed_values:\n  tax_year: {column: prop_val_yr, type: year}\n"
        "  market_land: {columns: [land_hstd_val, land_non_hstd_val], combine: sum, type: dollars}\n"
        "  market_improvement: {columns: [imprv_hstd_val, imprv_non_hstd_val], combine: sum, type: dollars}\n"
        "  market_total: {column: market_value, type: dollars}\n  taxable_value: {column: market_value, type: dollars}\n"
    )
    other = a_county("king")

    run = run_load(LoadRequest(county=other, source=str(path), mapping=mapping)).run

    sides = run.control_totals["main"]["assessed_values"]["headline"]
    assert sides["loaded"]["rows"] == totals.records == 3
    assert sides["loaded"]["market_total"] == totals.market
    assert sides["loaded"]["market_land"] == totals.land


def test_nothing_is_written_when_there_is_nothing_to_give_back(db, tmp_path):
    a_county("benton")

    with pytest.raises(CommandError, match="no accepted value"):
        call_command("export_values", "benton", tax_year=2026, out=tmp_path / "x.txt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
@pytest.mark.parametrize("table", [None, "situs"])
def test_a_new_countys_own_server_is_looked_at_when_its_address_is_set(configs, pacs, monkeypatch, capsys, table):
    from django.db import connection

    from ingestion.management.commands import new_county

    monkeypatch.setattr(new_county, "alias_of", lambda county, source: "default")
    pacs(5)
    if table is not None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {table}")

    call_command("new_county", "53077", name="Yakima County", legacy_system="PACS")

    printed = capsys.readouterr().out
    assert "Names are looked up in default." in printed
    assert ("there is no table situs" in printed) is (table is not None)
    assert "Not checked: Codes and values: manage.py bulk_load yakima --source pacs --dry-run." in printed


@pytest.mark.django_db
def test_without_an_address_a_new_county_is_told_what_was_not_looked_at(configs, capsys):
    call_command("new_county", "53077", name="Yakima County", legacy_system="PACS")

    printed = capsys.readouterr().out
    assert "The legacy database yakima_pacs is not configured; set YAKIMA_PACS_URL" in printed
    assert "Not checked: Names of tables and columns were checked against a list of PACS's names" in printed


# --- Codes, flags and months ---

BARE = """
properties:
  property_id: {column: pin}
  parcel_number: {column: pin}
  property_type: {column: kind, codes: {R: single_family, 01: condominium, 2: vacant_land, Y: commercial}}
  neighborhood: {column: hood, unknown: [0, 00]}
owners:
  property_id: {column: pin}
  tax_year: {column: year, type: year}
  owner_id: {column: pin}
  name: {column: name}
  confidential: {column: secret, type: boolean}
sales:
  property_id: {column: pin}
  sale_id: {column: pin}
  sale_date: {columns: [sold_year, sold_month], combine: join, type: date, format: "%Y %m"}
  sale_price: {column: price, type: dollars}
"""


@pytest.fixture
def bare(configs):
    (configs / "king" / "mappings.yaml").write_text(BARE)
    return configs / "king" / "mappings.yaml"


@pytest.mark.database_free
def test_codes_need_no_quotes_and_keep_their_zeros(bare):
    _, dataset = read_mapping(bare).of_file(None)

    assert set(dataset.properties["property_type"].codes) == {"R", "01", "2", "Y"}
    assert dataset.properties["neighborhood"].unknown == ["0", "00"]
    assert faults_of_county(bare.parent) == []


@pytest.mark.database_free
def test_a_year_and_a_month_make_the_first_of_that_month_and_zero_point_zero_is_a_no(bare):
    _, dataset = read_mapping(bare).of_file(None)
    cells = {"pin": "1", "kind": "01", "hood": "00", "year": "2026", "name": "A", "sold_year": "2025", "price": "5"}
    rows = [cells | {"sold_month": month, "secret": secret} for month, secret in (("7", "0.0"), ("12", "1.00"))]

    converted = convert_batch(pl.DataFrame(rows).with_columns(pl.Series(LINE, [2, 3])), dataset)

    assert converted.findings == []
    assert [str(day) for day in converted.values["sales.sale_date"]] == ["2025-07-01", "2025-12-01"]
    assert converted.values["owners.confidential"].to_list() == [False, True]


@pytest.mark.database_free
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("2: vacant_land", "2: mobile_home", "property_type.codes.2: 'mobile_home' is not one of single_family"),
        ("2: vacant_land", "2: vacant_lnad", '(did you mean "vacant_land"?)'),
        ("Y: commercial}", "Y: commercial}, other_codes: unknown", "property_type.other_codes: 'unknown' is not one of"),
        ("type: boolean", "type: boolean, default: perhaps", "owners.confidential.default: 'perhaps' is not yes or no"),
        ("{column: price, type: dollars", "{value: \"12.50\", type: dollars", "sale_price.value: '12.50' is not a whole number"),
    ],
)  # fmt: skip
def test_check_county_knows_what_a_field_of_the_roll_can_hold(bare, old, new, said):
    line = spoil(bare, old, new)

    (fault,) = faults_of_county(bare.parent)

    assert fault.startswith(f"king/mappings.yaml:{line}: ")
    assert said in fault


@pytest.mark.django_db
@pytest.mark.parametrize("options", [{}, {"legacy_system": "PACS"}])
def test_a_fresh_folder_passes_its_own_check(configs, capsys, options):
    call_command("new_county", "53077", name="Yakima County", **options)

    call_command("check_county", "yakima")

    printed = capsys.readouterr().out
    assert "yakima: no fault found." in printed
    if not options:
        assert "Not checked: yakima/mappings.yaml maps nothing yet: all of it is still a comment." in printed


# --- What a column is not ---


def proposed(**columns):
    found = propose(pl.DataFrame(columns))
    return {each.field: each.column for each in found if each.is_certain}


@pytest.mark.database_free
@pytest.mark.parametrize("name", ["LivingAreaValue", "BldgAreaVal", "Living Area Cost", "LIVING_AREA_AMT"])
def test_dollars_are_no_living_area(name):
    assert "living_area_sqft" not in proposed(**{name: ["145000", "210500", "98000"]})


@pytest.mark.database_free
def test_dollars_that_are_called_a_building_area_are_told_by_their_numbers():
    assert "living_area_sqft" not in proposed(BuildingArea=["145000", "210500", "98000"])
    assert "living_area_sqft" not in proposed(BuildingArea=["$1,450", "$2,100", "$980"])
    assert proposed(BuildingArea=["1,450", "2,100", "0"])["living_area_sqft"] == "BuildingArea"


@pytest.mark.database_free
def test_an_area_is_no_price():
    assert "market_land" not in proposed(LandValueArea=["1450", "2100", "980"])


@pytest.mark.database_free
@pytest.mark.parametrize(
    "columns",
    [
        {"MailingAddress": ["1 A St"], "MailCity": ["Reno"], "MailZip": ["99336"]},
        {"OwnerName": ["A"], "Address": ["1 A St"], "City": ["Reno"], "Zip": ["99336"]},
        {"Address": ["1 A St", "2 B St"], "City": ["Reno", "Boise"], "State": ["NV", "ID"], "Zip": ["89501", "83702"]},
    ],
)
def test_an_owners_mailing_address_is_no_situs(columns):
    assert not {"situs_address", "situs_city", "zip_code"} & set(proposed(**columns))


@pytest.mark.database_free
def test_the_propertys_own_address_is_the_situs_beside_its_owners():
    columns = ["Owner", "Address", "City", "SitusAddress", "SitusCity"]

    found = proposed(**{name: ["1 A St"] for name in columns})

    assert (found["situs_address"], found["situs_city"]) == ("SitusAddress", "SitusCity")
    assert proposed(PIN=["1"], Address=["1 A St"], City=["Pasco"])["situs_address"] == "Address"


@pytest.mark.database_free
def test_a_half_bath_counts_half(configs):
    mapping = configs / "king" / "mappings.yaml"
    mapping.write_text(
        "properties:\n  property_id: {column: pin}\n  parcel_number: {column: pin}\n"
        "  baths: {columns: [full, {column: half, times: 0.5}], combine: sum, type: number}\n"
    )
    _, dataset = read_mapping(mapping).of_file(None)
    rows = [{"pin": "1", "full": full, "half": half} for full, half in (("2", "1"), ("1", ""), ("", "3"), ("", ""))]

    converted = convert_batch(pl.DataFrame(rows).with_columns(pl.Series(LINE, [2, 3, 4, 5])), dataset)

    assert converted.values["properties.baths"].to_list() == [2.5, 1.0, 1.5, None]


@pytest.mark.database_free
def test_dollars_are_never_counted_so_many_times(configs):
    spoil(configs / "benton" / "mappings.yaml", "pv.imprv_non_hstd_val]", "{column: pv.imprv_non_hstd_val, times: 2}]")

    assert "times goes with sum or subtract, and not with dollars" in faults_of_county(configs / "benton")[0]


TWO_COLUMNS = {
    "Parcel Number": ["001", "002"], "Account": ["1", "2"], "Sale ID": ["7", "8"], "Sale Price": ["250000", "310000"],
    "Yr Sold": ["2010", "2009"], "Mo Sold": ["5", "12"], "Full Bath": ["1", "2"], "Half Bath": ["0", "1"],
}  # fmt: skip


@pytest.mark.database_free
def test_a_field_that_stands_in_two_columns_is_proposed_from_both_and_converts(configs):
    mapping = configs / "king" / "mappings.yaml"
    mapping.write_text(mapping_yaml(propose(pl.DataFrame(TWO_COLUMNS))))
    _, dataset = read_mapping(mapping).of_file(None)

    converted = convert_batch(pl.DataFrame(TWO_COLUMNS).with_columns(pl.Series(LINE, [2, 3])), dataset)

    assert [str(day) for day in converted.values["sales.sale_date"]] == ["2010-05-01", "2009-12-01"]
    assert converted.values["properties.baths"].to_list() == [1.0, 2.5]


@pytest.mark.database_free
def test_a_column_that_has_the_whole_field_is_taken_alone():
    columns = proposed(**TWO_COLUMNS | {"Sale Date": ["2010-05-01", "2009-12-24"], "Bathrooms": ["1", "2.5"]})

    assert (columns["sale_date"], columns["baths"]) == ("Sale Date", "Bathrooms")
