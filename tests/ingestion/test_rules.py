"""Planted defects are found, each by its rule; a clean roll raises nothing; a dollar's difference shows."""

import csv
import random
from collections import Counter

import pytest
from django.db.models import Sum

from ingestion.pipelines.reports import LoadRefused
from ingestion.pipelines.requests import LoadRequest, run_load
from ingestion.transforms.mapper import read_mapping
from ingestion.transforms.rules import RULES, rules_for
from terrafusion.roll.models import AssessedValue
from tests.factories import a_county

MAPPING = """
rejection_limit_percent: 100
properties:
  property_id: {column: id}
  parcel_number: {column: parcel}
  property_type: {column: kind, codes: {R: single_family, C: condominium, V: vacant_land, B: commercial}}
  property_class: {column: class}
  tax_code_area: {column: area}
  situs_address: {column: situs}
  zip_code: {column: zip}
  living_area_sqft: {column: living, type: integer, minimum: 0}
  basement_sqft: {column: basement, type: integer}
  lot_sqft: {column: lot, type: integer}
  acres: {column: acres, type: decimal}
  bedrooms: {column: beds, type: integer}
  year_built: {column: built, type: year}
  effective_year: {column: effective, type: year}
  longitude: {column: lon, type: number}
  latitude: {column: lat, type: number}
  geometry: {column: shape, type: geometry}
assessed_values:
  tax_year: {value: "2026", type: year}
  market_land: {column: land, type: dollars}
  market_improvement: {column: building, type: dollars}
  market_total: {column: total, type: dollars}
  exempt_value: {column: exempt, type: dollars, default: "0"}
  new_construction: {column: new, type: dollars, default: "0"}
  current_use_value: {column: use, type: dollars}
  taxable_value: {column: taxable, type: dollars}
"""
SALES = """
rejection_limit_percent: 100
sales:
  property_id: {column: id}
  sale_id: {column: sale}
  sale_date: {column: day, type: date}
  sale_price: {column: price, type: dollars}
  validity_code: {column: code}
"""
SQUARE = "POLYGON ((-119.3 46.2, -119.29 46.2, -119.29 46.21, -119.3 46.21, -119.3 46.2))"
BOW_TIE = "POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))"


def a_parcel(number, chance):
    """A clean row."""
    kind = "RRRCVB"[number % 6]
    land = 50_000 + chance.randrange(100_000)
    building = 0 if kind == "V" else 100_000 + chance.randrange(300_000)
    living = 0 if kind == "V" else 1200 + chance.randrange(1500)
    built = "" if kind == "V" else str(1950 + number % 70)
    return {
        "id": str(100_000 + number), "parcel": f"{number:010d}", "kind": kind, "class": kind, "area": f"TA{number % 3}",
        "situs": f"{number} Main St", "zip": "99336", "living": str(living), "basement": "0", "lot": "10890",
        "acres": "0.25", "beds": "3", "built": built, "effective": built, "lon": "-119.3", "lat": "46.2",
        "shape": SQUARE, "land": str(land), "building": str(building), "total": str(land + building), "exempt": "0",
        "new": "0", "use": "", "taxable": str(land + building),
    }  # fmt: skip


def a_sale(number):
    day = f"20{20 + number % 5}-03-{1 + number % 28:02d}"
    return {"sale": f"S{number}", "id": str(100_000 + number), "day": day, "price": "310000", "code": "valid"}


def houses(row):
    return row["kind"] in "RC"


def change(**cells):
    return lambda row: row.update(cells)


def add(name, amount):
    return lambda row: row.update({name: str(int(row[name]) + amount)})


# 25 kinds of defect of a parcel row, and 7 of a sale: (rule that must find it, what is done to a row, to which rows)
DEFECTS = {
    "land and building do not make the total": ("R-TOTAL", add("total", 1), None),
    "negative land": ("V-TYPE", change(land="-5000"), None),
    "dollars and cents": ("V-TYPE", change(land="1000.50"), None),
    "a word where dollars stand": ("V-TYPE", change(building="n/a"), None),
    "no total": ("V-EMPTY", change(total=""), None),
    "parcel number in scientific notation": ("V-IDENTIFIER", change(parcel="1.23E+09"), None),
    "property id with decimals": ("V-IDENTIFIER", change(id="100017.0"), None),
    "no parcel number": ("V-EMPTY", change(parcel=""), None),
    "leading zeros lost": ("D-LEADING-ZEROS", lambda row: row.update(parcel=row["parcel"].lstrip("0")), None),
    "the row stands twice": ("D-KEY", "twice", None),
    "an unknown code": ("V-CODE", change(kind="Q"), None),
    "a year before any building": ("V-BOUNDS", change(built="19"), houses),
    "built in the far future": ("R-YEAR-BUILT", change(built="2077", effective="2077"), houses),
    "effective year before the year built": ("R-EFFECTIVE-YEAR", change(effective="1900"), houses),
    "negative living area": ("V-BOUNDS", change(living="-35616"), houses),
    "a house like a hangar": ("R-LIVING-AREA", change(living="99999"), houses),
    "basement larger than the house": ("R-BASEMENT", change(basement="9000"), houses),
    "33 bedrooms": ("R-BEDROOMS", change(beds="33"), houses),
    "vacant land with a building value": (
        "R-VACANT", lambda row: (add("building", 1000)(row), add("total", 1000)(row)), lambda row: row["kind"] == "V",
    ),
    "a house without a building value": (
        "R-IMPROVED", lambda row: row.update(building="0", total=row["land"], taxable=row["land"]), houses,
    ),
    "taxable above market": ("R-TAXABLE", add("taxable", 10**9), None),
    "exempt above market": ("R-EXEMPT", change(exempt="999999999"), None),
    "acres that do not fit the lot": ("R-LOT", change(acres="25"), None),
    "a place off the coast of Africa": ("R-POSITION", change(lon="0", lat="0"), None),
    "longitude and latitude exchanged": ("V-BOUNDS", change(lon="46.2", lat="-119.3"), None),
    "an outline that crosses itself": ("V-GEOMETRY-INVALID", change(shape=BOW_TIE), None),
    "an outline in another projection": ("V-GEOMETRY", change(shape="POINT (1900000 600000)"), None),
    "a ZIP code of four digits": ("R-ZIP", change(zip="9933"), None),
    "an address in another encoding": ("R-CHARACTERS", change(situs="1 Ca\u00c3\u00b1on Rd"), None),
    "a lost character": ("V-TYPE", change(situs="1 Ca\ufffdon Rd"), None),
    "new construction without a building": ("R-NEW-CONSTRUCTION", change(new="99999999"), None),
    "current use above market": ("R-CURRENT-USE", change(use="99999999"), None),
}  # fmt: skip
SALE_DEFECTS = {
    "a sale to come": ("R-FUTURE-SALE", change(day="2099-01-01")),
    "a date that is none": ("V-TYPE", change(day="2023-02-30")),
    "year 0000": ("V-TYPE", change(day="0000-00-00")),
    "an arm's-length sale for nothing": ("R-NO-PRICE", change(price="0")),
    "an arm's-length sale for ten dollars": ("R-NOMINAL-PRICE", change(price="10")),
    "a transfer for nothing": ("R-ZERO-PRICE", change(price="0", code="family")),
    "the same deed at another price": ("D-SALE", "twice"),
    "a parcel that is not on the roll": ("R-PARCEL-NOT-ON-ROLL", change(id="999999999")),
}
EACH = 8


@pytest.fixture
def county(db):
    return a_county("demo")


@pytest.fixture
def load(county, tmp_path, mapping_file):
    def run(rows, mapping=MAPPING, **options):
        path = tmp_path / "roll.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        asked = LoadRequest(
            county=county, source=str(path), mapping=mapping_file(mapping), accept_drift=True, **options
        )
        return run_load(asked).report

    return run


def clean(number=600, seed=1):
    chance = random.Random(seed)
    return [a_parcel(each, chance) for each in range(1, number + 1)]


def found(report):
    return Counter(report.sets["main"].rules)


def test_a_clean_roll_raises_no_alarm(load):
    report = load(clean())

    assert found(report) == {}
    assert report.rejected == 0


def test_clean_sales_raise_no_alarm(load):
    load(clean(100))

    assert found(load([a_sale(number) for number in range(1, 100)], SALES)) == {}


def test_every_rule_is_among_the_planted_defects_or_is_told_apart():
    planted = {rule for rule, *_ in [*DEFECTS.values(), *SALE_DEFECTS.values()]}
    apart = {"R-NO-VALUE", "R-BUILDING-YEAR", "R-OWNER-CHARACTERS"}
    assert {each.id for each in RULES} - planted == apart
    assert len(DEFECTS) >= 25


def test_every_planted_defect_is_found_and_nothing_else(load):
    """Every kind in one county, some rows each: each finding is at a planted row, each planted row has its finding."""
    rows = clean()
    free = list(range(len(rows)))
    random.Random(2).shuffle(free)
    planted, more = {}, []
    for kind, (rule, damage, fit) in DEFECTS.items():
        fitting = [place for place in free if fit is None or fit(rows[place])][:EACH]
        assert len(fitting) == EACH, kind
        for place in fitting:
            free.remove(place)
            if damage == "twice":
                more.append((dict(rows[place]), rule))
            else:
                damage(rows[place])
                planted[place + 2] = rule  # line 1 is the header
    for row, rule in more:
        rows.append(row)
        planted[len(rows) + 1] = rule

    findings = load(rows).sets["main"].findings

    by_line = {}
    for line, rule in findings.select("line", "rule").iter_rows():
        by_line.setdefault(line, set()).add(rule)
    missed = {line: rule for line, rule in planted.items() if rule not in by_line.get(line, set())}
    assert missed == {}
    assert set(by_line) == set(planted)


def test_every_planted_defect_of_a_sale_is_found_and_nothing_else(load):
    load(clean(300))
    rows = [a_sale(number) for number in range(1, 300)]
    planted = {}
    for place, (rule, damage) in enumerate(SALE_DEFECTS.values()):
        for at in range(place * EACH, (place + 1) * EACH):
            if damage == "twice":
                rows.append(rows[at] | {"price": "299000"})
                planted[len(rows) + 1] = rule
            else:
                damage(rows[at])
                planted[at + 2] = rule

    findings = load(rows, SALES).sets["main"].findings

    assert dict(findings.select("line", "rule").iter_rows()) == planted
    assert findings.height == len(planted)


@pytest.mark.parametrize("level", ["refuse", "warn"])
def test_a_row_is_kept_or_not_as_its_rule_says(load, level):
    rows = clean(50)
    (add("total", 1) if level == "refuse" else change(zip="99"))(rows[10])

    report = load(rows)

    assert report.rejected == (level == "refuse")
    assert AssessedValue.objects.count() == (49 if level == "refuse" else 50)


@pytest.mark.parametrize("mutations", [60, pytest.param(200, marks=pytest.mark.slow)])
def test_a_dollar_more_or_less_in_any_single_cell_shows_in_the_control_totals(load, mutations):
    """One dollar in one cell of a clean roll, many times: the totals of the load differ each time."""
    rows = clean(40)
    reference = load(rows, dry_run=True).control_totals
    chance = random.Random(3)
    missed = []
    for _ in range(mutations):
        place, name = (
            chance.randrange(len(rows)),
            chance.choice(("land", "building", "total", "taxable", "exempt", "new")),
        )
        before = rows[place][name]
        rows[place][name] = str(int(before) + (1 if int(before) == 0 else chance.choice((-1, 1))))
        totals = load(rows, dry_run=True).control_totals
        if (
            totals["main"]["assessed_values"]["headline"]["source"]
            == reference["main"]["assessed_values"]["headline"]["source"]
        ):
            missed.append((place, name))
        rows[place][name] = before

    assert missed == []


def test_a_dollar_that_changes_on_its_way_stops_the_load(load, monkeypatch):
    """The source's dollars are read a second time from the raw texts: a fault of the conversion cannot hide."""
    from ingestion.pipelines import staging

    real = staging.convert_batch

    def faulty(rows, dataset):
        converted = real(rows, dataset)
        converted.values = converted.values.with_columns(
            converted.values["assessed_values.taxable_value"].set(converted.values["__line__"] == 7, 1)
        )
        return converted

    monkeypatch.setattr(staging, "convert_batch", faulty)

    with pytest.raises(LoadRefused, match=r"control totals do not balance.*taxable_value differs by"):
        load(clean(30))
    assert not AssessedValue.objects.exists()


def test_a_dollar_that_the_database_changes_stops_the_load(load, monkeypatch):
    from ingestion.pipelines import bulk_load as pipeline

    real = pipeline.Merge.write

    def write(merge):
        real(merge)
        if merge.target.name == "assessed_values":
            one = AssessedValue.objects.first()
            AssessedValue.objects.filter(pk=one.pk).update(taxable_value=one.taxable_value + 1)

    monkeypatch.setattr(pipeline.Merge, "write", write)

    with pytest.raises(LoadRefused, match=r"taxable_value differs by -1"):
        load(clean(30))
    assert not AssessedValue.objects.exists()


def test_rejected_and_duplicate_dollars_are_accounted_for(load):
    rows = clean(60)
    rows[5]["land"] = str(int(rows[5]["land"]) + 100)  # no longer the total: rejected
    rows.append(dict(rows[8]))  # twice

    report = load(rows)

    sides = report.control_totals["main"]["assessed_values"]["headline"]
    assert (sides["source"]["rows"], sides["loaded"]["rows"]) == (61, 59)
    assert (sides["rejected"]["rows"], sides["duplicates"]["rows"]) == (1, 1)
    assert sides["rejected"]["market_land"] == int(rows[5]["land"])
    assert sides["duplicates"]["market_total"] == int(rows[8]["total"])
    assert sides["source"]["market_total"] == sum(int(row["total"]) for row in rows)
    assert sides["loaded"]["market_total"] == AssessedValue.objects.aggregate(Sum("market_total"))["market_total__sum"]
    assert set(sides["difference"].values()) == {0}


def test_the_order_of_the_rows_changes_nothing(load, county):
    from django.db import transaction

    from ingestion.models import IngestionRun
    from ingestion.pipelines.control.digest import roll_digest

    rows, digests, runs = clean(80), set(), set()
    for seed in range(10):
        random.Random(seed).shuffle(rows)
        with transaction.atomic():
            load(rows)
            digests.add(roll_digest(county))
            runs.add(IngestionRun.objects.latest("pk").digest)
            transaction.set_rollback(True)

    assert len(digests) == len(runs) == 1


def test_too_many_rejected_rows_stop_the_load(load):
    rows = clean(200)
    for row in rows[:5]:
        row["land"] = "x"

    with pytest.raises(LoadRefused, match=r"5 of 200 rows are rejected \(2.5 %\), more than the 1 % allowed"):
        load(rows, MAPPING.replace("rejection_limit_percent: 100\n", ""))
    assert not AssessedValue.objects.exists()


def test_a_rule_applies_where_its_fields_are_mapped(mapping_file):
    _, dataset = read_mapping(mapping_file(SALES)).of_file(None)

    assert {each.id for each in rules_for(dataset)} == {
        "R-FUTURE-SALE",
        "R-NO-PRICE",
        "R-NOMINAL-PRICE",
        "R-ZERO-PRICE",
    }
