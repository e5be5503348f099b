"""The ratio study through the API: what it reads, refuses, and that every format carries the same numbers."""

import csv
import io
import json
import re
from datetime import timedelta

import openpyxl
import pypdf
import pytest
from django.core.management import call_command
from django.utils import timezone

from terrafusion.roll.models import AssessedValue, Property, Sale, SaleParcel
from tests.factories import SaleReviewFactory, TimeIndexFactory, a_county, a_user, client_of
from tests.valuation.roll import VALUATION_DATE, a_house

from .conftest import RUN
from .roll import TAX_YEAR, a_sale, an_assessed_market, assessed

pytestmark = pytest.mark.django_db
STUDY = "sales_ratio_study"
FAST = {"replicates": 100}


def overall(study):
    return {measure["measure"]: measure for measure in study["tables"]["measures"] if measure["stratum"] == "All sales"}


def test_lucas_county_from_its_csv_to_the_pdf(shared_data, report, content):
    """15,214 sales, of which 80 are from before the year the house was built."""
    lucas = a_county("lucas")
    source = shared_data("lucas_county_sales/lucas_oh_sales_1993_1998_dev.csv.gz")
    call_command("bulk_load", "lucas", source=source)
    analyst = client_of(a_user("lucas_analyst", lucas, role="analyst"))
    asked = {"year": 1999, "start_date": "1993-01-01", "end_date": "1998-12-31", "stratify_by": ["sale_year"]}

    job = report(STUDY, by=analyst, in_county=lucas, **asked)

    found = job["result"]["headline"]
    assert found["n"] == 15_134
    rounded = [round(found["median"], 4), round(found["cod"], 2), round(found["prd"], 4), round(found["prb"], 4)]
    assert rounded == [0.9272, 15.99, 1.0073, 0.0055]
    assert found["verdicts"]["cod"] == "does not meet"
    pdf = pypdf.PdfReader(io.BytesIO(content(job, by=analyst)))
    assert job["result"]["result_metadata"]["pages"] == len(pdf.pages)
    assert f"{found['cod']:.4f}" in "".join(page.extract_text() for page in pdf.pages)


def test_every_format_carries_the_same_numbers(report, content, county):
    an_assessed_market(county)
    asked = FAST | {"year": TAX_YEAR, "stratify_by": ["neighborhood", "value_decile"], "seed": 7}

    study = json.loads(content(report(STUDY, format="json", **asked)))
    rows = list(csv.reader(io.StringIO(content(report(STUDY, format="csv", **asked)).decode())))
    book = openpyxl.load_workbook(io.BytesIO(content(report(STUDY, format="xlsx", **asked))))
    page = content(report(STUDY, format="html", **asked)).decode()
    pdf = pypdf.PdfReader(io.BytesIO(content(report(STUDY, format="pdf", **asked))))

    text = "".join(each.extract_text() for each in pdf.pages)
    at = rows.index(["Every measure of every stratum"]) + 1
    names = rows[at]
    for record, row in zip(study["tables"]["measures"], rows[at + 1 :], strict=False):
        assert [row[names.index(each)] for each in ("stratum", "measure")] == [record["stratum"], record["measure"]]
        for name in ("value", "low", "high"):
            assert row[names.index(name)] == ("" if record[name] is None else repr(record[name]))
    sheet = list(book["Measures"].values)
    # A workbook keeps 16 digits of a number.
    for row, record in zip(sheet[1:], study["tables"]["measures"], strict=True):
        assert row[4] == (None if record["value"] is None else pytest.approx(record["value"], rel=1e-15))
    assert book["Measures"].freeze_panes == "A2"
    assert {"All sales", "Neighborhood 2040"} <= set(book.sheetnames)
    for measure in ("median", "prd", "prb", "mki"):
        shown = f"{overall(study)[measure]['value']:.4f}"
        assert shown in page
        assert shown in text
    provenance = study["provenance"]
    for name in ("data_as_of", "filters", "trim_rule", "seed", "config_digest", "input_digest", "software"):
        assert provenance[name] not in (None, "")
        assert str(provenance[name]) in page
        assert [name, str(provenance[name])] in rows


def an_assessed_market_that_favors_the_dear(county):
    houses = an_assessed_market(county, sales=60)
    dear = [house for house in houses if house.living_area_sqft > 2200]
    AssessedValue.objects.filter(roll_property__in=dear, tax_year=TAX_YEAR).update(
        market_land=0, market_improvement=120_000, market_total=120_000
    )


def test_a_study_under_every_edition_lists_the_verdicts_that_flip(report, content, county):
    an_assessed_market_that_favors_the_dear(county)
    judged = {
        None: {"median", "cod", "prd", "prb", "mki", "vei"},
        "2013": {"median", "cod", "prd", "prb"},
        "2026": {"median", "cod", "prb", "mki", "vei"},
    }
    for edition, measures in judged.items():
        asked = FAST | {"compare_editions": True} | ({"edition": edition} if edition else {})
        study = json.loads(content(report(STUDY, format="json", **asked)))

        flips = study["tables"]["edition_flips"]
        (prd,) = (flip for flip in flips if flip["measure"] == "PRD" and flip["stratum"] == "All sales")
        assert (prd["verdict_2013"], prd["verdict_draft_2026"], prd["verdict_2026"]) == (
            "does not meet", "does not meet", "not judged",
        )  # fmt: skip
        assert study["headline"]["edition"] == study["provenance"]["edition"] == (edition or "draft_2026")
        assert set(study["headline"]["verdicts"]) == measures
        assert study["provenance"]["confidence"] == (0.9 if edition == "2026" else 0.95)
        status = {rule["edition"]: rule["status"] for rule in study["tables"]["edition_rules"]}
        assert status == {"2013": "known", "draft_2026": "known", "2026": "unconfirmed"}


def test_every_format_lists_the_flips_and_marks_what_is_unconfirmed(report, content, county):
    an_assessed_market_that_favors_the_dear(county)
    asked = FAST | {"compare_editions": True}

    rows = list(csv.reader(io.StringIO(content(report(STUDY, format="csv", **asked)).decode())))
    book = openpyxl.load_workbook(io.BytesIO(content(report(STUDY, format="xlsx", **asked))))
    page = content(report(STUDY, format="html", **asked)).decode()
    pdf = pypdf.PdfReader(io.BytesIO(content(report(STUDY, format="pdf", **asked))))

    at = rows.index(["Verdicts that differ between editions"])
    (why,) = (row[-1] for row in rows[at + 2 :] if len(row) == 7 and row[:3:2] == ["All sales", "PRD"])
    assert why.endswith("2026: not judged.")
    assert why in [cell.value for sheet in book for row in sheet.iter_rows() for cell in row]
    text = " ".join(" ".join(each.extract_text() for each in pdf.pages).split())
    for shown in (page, text):
        assert "Verdicts that differ between editions" in shown
        assert "2026 (unconfirmed)" in shown


def test_a_study_by_one_edition_tells_its_rules_alone(report, content, county):
    an_assessed_market(county, sales=30)

    study = json.loads(content(report(STUDY, format="json", edition="2026", **FAST)))

    assert {rule["edition"] for rule in study["tables"]["edition_rules"]} == {"2026"}
    assert "edition_flips" not in study["tables"]
    assert "The rules of the edition 2026 are unconfirmed." in study["findings"]


def test_the_county_names_its_edition_and_a_request_may_name_another(report, county):
    an_assessed_market(county, sales=30)
    county.settings_json = county.settings_json | {"ratio_study": {"edition": "2013", "standard": "Our own rules"}}
    county.save()

    own = report(STUDY, format="json", **FAST)["result"]["headline"]
    other = report(STUDY, format="json", edition="draft_2026", **FAST)["result"]["headline"]

    assert (own["edition"], "vei" in own["verdicts"]) == ("2013", False)
    assert (other["edition"], "vei" in other["verdicts"]) == ("draft_2026", True)


def test_a_roll_loaded_in_another_order_gives_the_same_bytes(report, content, county):
    """Sales at equal prices on equal days, loaded forwards and backwards: nothing in the file tells which."""
    houses = an_assessed_market(county, sales=40, unsold=20)
    Sale.objects.update(sale_price=200_000, sale_date=VALUATION_DATE - timedelta(days=30))
    Sale.objects.filter(sale_id__endswith="1").update(sale_price=250_000)
    asked = FAST | {"format": "json", "stratify_by": ["neighborhood", "value_decile"], "trim_rule": "iqr_1_5"}
    first = json.loads(content(report(STUDY, **asked)))

    deeds, values = (
        list(Sale.objects.order_by("-pk")),
        list(AssessedValue.objects.select_related("roll_property").order_by("-pk")),
    )
    of_deed = {deed.sale_id: deed.parcels.get().roll_property.property_id for deed in deeds}
    Sale.objects.all().delete()
    Property.objects.all().delete()
    for house in houses:
        house.pk = None
    loaded = {each.property_id: each for each in Property.objects.bulk_create(houses[::-1])}
    for value in values:
        value.pk, value.roll_property = None, loaded[value.roll_property.property_id]
    AssessedValue.objects.bulk_create(values)
    for each in deeds:
        each.pk = None
    for deed in Sale.objects.bulk_create(deeds):
        SaleParcel.objects.create(sale=deed, roll_property=loaded[of_deed[deed.sale_id]])
    second = json.loads(content(report(STUDY, **asked)))

    first["provenance"].pop("data_as_of"), second["provenance"].pop("data_as_of")
    assert json.dumps(first) == json.dumps(second)


def test_the_html_page_loads_nothing_and_runs_nothing(report, content, county):
    an_assessed_market(county)
    page = content(report(STUDY, format="html", **FAST)).decode()

    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"', page)
    assert "<svg " in page
    assert set(re.findall(r"url\(([^)]*)\)", page)) <= set(re.findall(r"url\((#[^)]*)\)", page))


def test_the_same_inputs_and_seed_give_the_same_bytes(report, content, county):
    an_assessed_market(county)

    for file_format in ("csv", "json"):
        first, second = (content(report(STUDY, format=file_format, seed=3, **FAST)) for _ in range(2))
        assert first == second
    assert content(report(STUDY, format="json", seed=4, **FAST)) != second


def test_the_pdf_is_tagged_titled_and_in_english(report, content, county):
    an_assessed_market(county)
    pdf = pypdf.PdfReader(io.BytesIO(content(report(STUDY, **FAST))))

    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert str(root["/Lang"]).startswith("en")
    assert pdf.metadata.title == f"Sales ratio study {TAX_YEAR}"
    assert b"pdfuaid:part" in root["/Metadata"].get_data()
    assert f"Page 1 of {len(pdf.pages)}" in pdf.pages[0].extract_text()


def test_only_valid_sales_of_one_parcel_in_the_window_are_studied_and_the_others_counted(report, content, county):
    houses = an_assessed_market(county, sales=30)
    idle = iter(houses[30:])
    a_sale(next(idle), "invalid", 200_000, is_valid=False)
    a_sale(next(idle), "two parcels", 200_000, parcel_count=2)
    a_sale(next(idle), "long ago", 200_000, days_before=400)
    a_sale(next(idle), "on the day", 200_000, days_before=0)
    a_sale(next(idle), "retired", 200_000, is_valid=False, retired_at=timezone.now())
    rejected = a_sale(next(idle), "rejected", 200_000)
    SaleReviewFactory(sale=rejected, decision="invalid")

    study = json.loads(content(report(STUDY, format="json", **FAST)))

    assert study["headline"]["n"] == 30
    assert {each["reason"]: each["sales"] for each in study["tables"]["left_out"]} == {
        "Not an arm's-length sale by code, review or price": 2,
        "The deed conveys several parcels": 1,
        "The sale or its property is no longer on the roll": 1,
    }


def test_the_last_supplement_of_a_value_counts(report, county):
    house = an_assessed_market(county, sales=1, unsold=0)[0]
    price = Sale.objects.get().sale_price
    AssessedValue.objects.bulk_create([assessed(house, TAX_YEAR, 2 * price, supplement=2)])

    assert report(STUDY, format="json", **FAST)["result"]["headline"]["median"] == 2.0


def test_filters_take_any_case_and_narrow_the_study(report, county):
    an_assessed_market(county, sales=20)
    an_assessed_market(county, sales=10, neighborhood="3050", first=8000)

    one = report(STUDY, format="json", property_class="RESIDENTIAL", neighborhood="3050", **FAST)

    assert one["result"]["headline"]["n"] == 10
    assert one["result"]["result_metadata"]["provenance"]["filters"] == (
        "property class = RESIDENTIAL; neighborhood = 3050"
    )


def test_an_attribute_can_divide_the_sales(report, content, county):
    houses = an_assessed_market(county, sales=20)
    for at, house in enumerate(houses):
        house.attributes = {"zoning": "R1" if at % 2 else "R2"}
    Property.objects.bulk_update(houses, ["attributes"])

    study = json.loads(content(report(STUDY, format="json", stratify_by=["attributes.zoning"], **FAST)))

    assert {measure["stratum"] for measure in study["tables"]["measures"]} == {"All sales", "R1", "R2"}
    gone = report(STUDY, format="json", stratify_by=["attributes.shoe"], **FAST)
    assert "no property of benton has the attribute 'shoe'" in gone["message"]


def test_sales_all_alike_and_attributes_of_any_shape_make_a_pdf(report, county):
    houses = an_assessed_market(county, sales=25, unsold=0)
    for at, house in enumerate(houses):
        house.attributes = {"tags": ["a", at % 2], "zone": {"code": 1}, "score": at / 7}
    Property.objects.bulk_update(houses, ["attributes"])
    Sale.objects.update(sale_price=100_000)
    AssessedValue.objects.update(market_land=0, market_improvement=95_000, market_total=95_000)
    strata = ["attributes.tags", "attributes.zone", "attributes.score", "value_decile", "latitude", "waterfront"]

    job = report(STUDY, stratify_by=strata, **FAST)

    assert job["status"] == "COMPLETED", job["message"]
    assert (job["result"]["headline"]["cod"], job["result"]["headline"]["prb"]) == (0.0, None)


def test_sold_houses_raised_towards_their_price_are_found(report, content, county):
    an_assessed_market(county, sales=60, unsold=60)
    honest = json.loads(content(report(STUDY, format="json", **FAST)))["tables"]["sales_chasing"]
    for sale in Sale.objects.all():
        value = AssessedValue.objects.get(roll_property__sale_parcels__sale=sale, tax_year=TAX_YEAR - 1)
        total = round(value.market_total / 1.25)
        land = total // 4
        AssessedValue.objects.filter(pk=value.pk).update(
            market_land=land, market_improvement=total - land, market_total=total
        )

    chased = json.loads(content(report(STUDY, format="json", **FAST)))["tables"]["sales_chasing"]

    assert {each["verdict"] for each in honest} == {"no sign"}
    assert chased[0]["verdict"] == "signs of chasing"
    assert chased[0]["difference"] == pytest.approx(26, abs=3)


def test_a_stored_index_adjusts_the_prices(report, content, county):
    an_assessed_market(county)
    for month, level in ((1, 1.0), (12, 1.2)):
        start = VALUATION_DATE.replace(year=TAX_YEAR - 1, month=month)
        TimeIndexFactory(county=county, series="hedonic/county", period_start=start, level=level)

    plain = report(STUDY, format="json", **FAST)["result"]["headline"]["median"]
    adjusted = report(STUDY, format="json", time_adjustment={"series": "hedonic/county"}, **FAST)

    assert adjusted["result"]["headline"]["median"] < plain * 0.97
    unknown = report(STUDY, format="json", time_adjustment={"series": "x"}, **FAST)
    assert unknown["message"] == "benton has no price index 'x'. It has: hedonic/county."


def test_text_of_the_roll_that_looks_like_a_formula_stays_text(report, content, county):
    """In the parcel number, a stratum's name and a sale's key."""
    an_assessed_market(county, sales=12, neighborhood='=HYPERLINK("http://x")')
    asked = FAST | {"stratify_by": ["neighborhood"], "trim_rule": "iqr_1_5"}

    rows = content(report(STUDY, format="csv", **asked)).decode()
    book = openpyxl.load_workbook(io.BytesIO(content(report(STUDY, format="xlsx", **asked))))

    assert '"\'=HYPERLINK(""http://x"")"' in rows
    assert not re.search(r'(^|,)"?[=@]', rows, re.M)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type == "f"]
    hyper = [cell for cell in cells if str(cell.value).startswith("=")]
    assert hyper
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in hyper)
    assert any(isinstance(cell.value, float) and cell.value < 0 for cell in cells), "negative numbers stay numbers"


# --- What is refused, in which words ---


@pytest.mark.parametrize(
    ("parameters", "field", "sentence"),
    [
        ({"stratify_by": ["shoe_size"]}, "stratify_by", "Unknown field 'shoe_size'. Allowed: "),
        ({"stratify_by": "neighborhood"}, "stratify_by", "list"),
        ({"stratify_by": ["attributes.a__b"]}, "stratify_by", "Unknown field"),
        ({"trim_rule": "mine"}, "trim_rule", "not a valid choice"),
        ({"format": "docx"}, "format", "not a valid choice"),
        ({"year": 0}, "year", "greater than or equal to 1900"),
        ({"year": "soon"}, "year", "integer"),
        ({"confidence": 1}, "confidence", "less than or equal to 0.999"),
        ({"replicates": 10**9}, "replicates", "20000"),
        ({"seed": -1}, "seed", "greater than or equal to 0"),
        ({"start_date": "2025-13-01"}, "start_date", "format"),
        ({"start_date": "2025-02-01", "end_date": "2025-01-01"}, "end_date", "must not lie before"),
        ({"start_date": "0001-01-01"}, "start_date", "Write a date from"),
        ({"time_adjustment": {}}, "time_adjustment", "percent_per_year"),
        ({"time_adjustment": {"percent_per_year": 6, "series": "x"}}, "time_adjustment", "percent_per_year"),
        ({"shoe": 1}, "shoe", "Unknown field"),
        ({"edition": "2027"}, "edition", "not a valid choice"),
        ({"compare_editions": "perhaps"}, "compare_editions", "boolean"),
        ({"confidence": "nan"}, "confidence", "valid number"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_is_allowed(client, county, parameters, field, sentence):
    answer = client.post(RUN, {"report_type": STUDY, "county_id": county.pk, "parameters": parameters}, format="json")

    assert answer.status_code == 400
    problem = json.dumps(answer.json()["errors"])
    assert field in problem
    assert sentence in problem


def test_an_unknown_report_type_is_refused_with_those_there_are(client, county, settings):
    body = {"county_id": county.pk, "report_type": "horoscope"}
    answer = client.post(RUN, body, format="json")
    assert answer.status_code == 400
    assert "assessment_roll" in json.dumps(answer.json())

    drill = body | {"report_type": "FAILING_REPORT_SIM"}
    assert client.post(RUN, drill, format="json").status_code == 400
    settings.SIMULATED_FAILURES = True
    assert client.post(RUN, drill, format="json").status_code == 202


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"year": 2001}, "The roll of benton has no assessed values of tax year 2001. It has: 2025, 2026."),
        ({"property_class": "palace"}, "no property of benton has 'palace'. Allowed: residential."),
        ({"start_date": "2010-01-01", "end_date": "2010-12-31"}, "No valid sale of one parcel from 2010-01-01"),
        ({"start_date": "2030-01-01"}, "start_date 2030-01-01 lies after the end of the window, 2025-12-31"),
    ],
)
def test_an_empty_selection_is_a_sentence(report, county, parameters, sentence):
    an_assessed_market(county, sales=10)

    job = report(STUDY, format="json", **parameters)

    assert (job["status"], job["failure_reason"]) == ("FAILED", "bad_data")
    assert sentence in job["message"]


def test_a_county_without_values_is_a_sentence(report):
    assert report(STUDY)["message"] == "The roll of benton holds no assessed value; load them first."


@pytest.mark.parametrize("sales", [1, 2])
@pytest.mark.parametrize("file_format", ["json", "pdf", "html", "xlsx", "csv"])
def test_one_and_two_sales_make_a_report_that_says_so(report, county, sales, file_format):
    an_assessed_market(county, sales=sales)

    job = report(STUDY, format=file_format, stratify_by=["neighborhood", "value_decile", "age_band"], **FAST)

    assert job["status"] == "COMPLETED", job["message"]
    assert job["result"]["headline"]["n"] == sales
    assert job["result"]["headline"]["verdicts"]["prb"] == f"cannot tell with n = {sales}"


def test_a_sale_recorded_twice_a_free_one_and_an_unvalued_one_are_left_out(report, content, county):
    houses = an_assessed_market(county, sales=10)
    first = Sale.objects.order_by("pk").first()
    a_sale(houses[0], "again", first.sale_price, days_before=(VALUATION_DATE - first.sale_date) / timedelta(days=1))
    a_sale(houses[20], "a gift", 0)
    unvalued = a_house(county, 9999, "2040", property_class="residential")
    unvalued.save()
    a_sale(unvalued, "unvalued", 150_000)
    worthless = a_house(county, 9998, "2040", property_class="residential")
    worthless.save()
    AssessedValue.objects.bulk_create([assessed(worthless, TAX_YEAR, 0)])
    a_sale(worthless, "worthless", 150_000)

    study = json.loads(content(report(STUDY, format="json", **FAST)))

    assert study["headline"]["n"] == 10
    assert sorted(each["sales"] for each in study["tables"]["left_out"]) == [1, 1, 1, 1]


def test_lots_sold_before_their_houses_stood_do_not_move_the_study(report, content, county):
    houses = an_assessed_market(county, sales=30)
    before = report(STUDY, format="json", **FAST)["result"]["headline"]
    for number, house in enumerate(houses[30:35]):
        Property.objects.filter(pk=house.pk).update(year_built=VALUATION_DATE.year)
        a_sale(house, f"lot {number}", 95_000)

    study = json.loads(content(report(STUDY, format="json", **FAST)))

    assert {name: study["headline"][name] for name in ("n", "cod")} == {name: before[name] for name in ("n", "cod")}
    assert {each["reason"]: each["sales"] for each in study["tables"]["left_out"]} == {
        "The land was sold before its house stood": 5
    }
