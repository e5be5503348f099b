"""A total at the end of an export is no property, whatever it is called; a property called TOTAL is one."""

import pytest

from ingestion.pipelines.requests import LoadRequest, run_load
from terrafusion.roll.models import AssessedValue, Property
from tests.factories import a_county

pytestmark = pytest.mark.django_db

MAPPING = """
complete: true
rejection_limit_percent: 100
retirement_limit_percent: 100
properties:
  property_id: {column: id}
  parcel_number: {column: id}
assessed_values:
  tax_year: {value: "2026", type: year}
  market_land: {column: land, type: dollars}
  market_improvement: {column: built, type: dollars}
  market_total: {column: total, type: dollars}
  taxable_value: {column: total, type: dollars}
"""


@pytest.fixture
def load(tmp_path, mapping_file):
    county = a_county("demo")

    def run(rows, mapping=MAPPING, header="id,land,built,total"):
        path = tmp_path / "roll.csv"
        path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
        return run_load(
            LoadRequest(county=county, source=str(path), mapping=mapping_file(mapping), accept_drift=True)
        ).report

    return run


def parcels(first, last, prefix="P"):
    return [(f"{prefix}{number}", 1000 + number, 2000 + 7 * number, 3000 + 8 * number) for number in range(first, last)]


def total(name, rows):
    return (name, *(sum(row[place] for row in rows) for place in (1, 2, 3)))


def lines_of(report, rule="D-TOTAL"):
    found = report.sets["main"].findings
    return found.filter(found["rule"] == rule)["line"].to_list()


@pytest.mark.parametrize("name", ["GRAND TOTAL", "Summe", "999999", "P0", "ALL PARCELS"])
def test_the_sum_of_all_rows_is_refused_whatever_it_is_called(load, name):
    rows = parcels(0, 20)

    report = load([*rows, total(name, rows)])

    assert lines_of(report) == [22]
    assert Property.objects.count() == 20
    sides = report.control_totals["main"]["assessed_values"]["headline"]
    assert (
        sides["source"]["market_total"] == 2 * sides["loaded"]["market_total"] == 2 * sides["rejected"]["market_total"]
    )
    assert set(sides["difference"].values()) == {0}


def test_a_total_on_top_is_one_too(load):
    rows = parcels(0, 20)

    assert lines_of(load([total("COUNTY", rows), *rows])) == [2]


def test_subtotals_and_the_total_of_their_rows(load):
    first, second, third = parcels(0, 12), parcels(12, 15), parcels(15, 40)

    report = load(
        [*first, total("North total", first), *second, total("South", second), *third, total("", third),
         total("GRAND TOTAL", first + second + third)]
    )  # fmt: skip

    assert lines_of(report) == [14, 18, 44, 45]
    assert Property.objects.count() == 40


def test_a_total_in_which_a_column_is_left_empty(load):
    rows = parcels(0, 12)
    _, land, _, all_ = total("", rows)

    report = load([*rows, ("TOTALS", land, "", all_)])

    assert lines_of(report) == [14]


def test_a_property_that_is_called_total_is_kept_and_told(load):
    rows = [*parcels(0, 20), ("TOTAL WINE", 10, 20, 30)]

    report = load(rows)

    assert lines_of(report) == []
    assert lines_of(report, "D-TOTAL-NAME") == [22]
    assert Property.objects.count() == 21


def test_a_total_over_a_row_that_was_lost_is_known_by_its_words_and_its_size(load):
    rows = parcels(0, 200)

    report = load([*rows[:-1], total("GRAND TOTAL", rows)])

    assert lines_of(report) == [201]


def test_three_parcels_of_which_one_is_worth_the_others_together_are_three_parcels(load):
    report = load([("A1", 1, 1, 2), ("A2", 2, 2, 4), ("A3", 3, 3, 6)])

    assert lines_of(report) == []
    assert AssessedValue.objects.count() == 3


def test_without_dollars_acres_are_summed(load):
    mapping = (
        "properties: {property_id: {column: id}, parcel_number: {column: id}, acres: {column: acres, type: decimal}}"
    )
    rows = [(f"P{number}", f"{number + 1}.25") for number in range(12)]
    whole = sum(float(acres) for _, acres in rows)

    report = load([*rows, ("ALL", whole)], mapping + "\nrejection_limit_percent: 100", "id,acres")

    assert lines_of(report) == [14]
