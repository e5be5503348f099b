"""The value change report: on paper, then on rolls and estimates."""

import json

import numpy as np
import pytest

from reporting.statistics.ratio_statistics import NotEnoughSales
from reporting.value_change.change import ValuePairs, distribution_of, most_affected, shift_by
from terrafusion.jobs.models import Job
from terrafusion.roll.models import AssessedValue, Property
from tests.factories import ValueEstimateFactory

from .roll import TAX_YEAR, an_assessed_market
from .sales import texts


def pairs(before, after, classes=None):
    n = len(before)
    classes = classes or ["residential"] * n
    floats = (np.array(each, dtype=np.float64) for each in (before, after))
    return ValuePairs(np.arange(n), *floats, texts(classes), texts(["1210"] * n))


def test_the_distribution_counts_rises_and_falls():
    found = distribution_of(pairs([100, 100, 100, 100], [110, 120, 100, 90]))

    assert (found.raised, found.lowered, found.unchanged) == (2, 1, 1)
    assert found.change_percent == pytest.approx(5.0)
    assert found.percentiles[4] == pytest.approx(5.0)  # the median of -10, 0, 10, 20


def test_a_group_that_rises_less_than_the_whole_bears_less():
    residential, vacant = shift_by(
        pairs([100, 100], [150, 50], ["residential", "vacant"]), texts(["residential", "vacant"])
    )

    assert (residential.share_before, residential.share_after, residential.shift) == (50.0, 75.0, 25.0)
    assert vacant.shift == -25.0


def test_the_most_affected_are_the_largest_rises_and_falls_and_nobody_who_stands_still():
    rises, falls = most_affected(pairs([100, 100, 100, 100, 100], [100, 130, 90, 110, 60]), count=10)

    assert (rises, falls) == ([1, 3], [4, 2])


def test_nothing_on_both_sides_is_refused():
    with pytest.raises(NotEnoughSales, match="both before and after"):
        distribution_of(pairs([], []))


@pytest.mark.django_db
def test_two_rolls_are_compared_to_the_dollar(report, content, county):
    an_assessed_market(county)
    dropped = Property.objects.first()
    AssessedValue.objects.filter(roll_property=dropped, tax_year=TAX_YEAR).delete()

    made = json.loads(content(report("value_change", format="json")))

    both = AssessedValue.objects.exclude(roll_property=dropped)
    for name, year in (("total_before", TAX_YEAR - 1), ("total_after", TAX_YEAR)):
        values = both.filter(tax_year=year).values_list("market_total", flat=True)
        assert made["headline"][name] == sum(values)
    assert made["headline"]["median_change_percent"] == pytest.approx(5, abs=1)
    assert any("1 properties have a value in roll 2025 only" in finding for finding in made["findings"])
    measures = {each["measure"]: each for each in made["tables"]["ratio_statistics"]}
    assert measures["Median ratio"]["before"] == pytest.approx(measures["Median ratio"]["after"] / 1.05, rel=0.02)
    shares = [each["share_after"] for each in made["tables"]["shift_by_class"]]
    assert sum(shares) == pytest.approx(100)


@pytest.mark.django_db
@pytest.mark.parametrize("file_format", ["pdf", "html", "xlsx", "csv"])
def test_it_comes_in_every_format(report, county, file_format):
    an_assessed_market(county)

    assert report("value_change", format=file_format)["status"] == "COMPLETED"


@pytest.mark.django_db
def test_the_roll_is_compared_with_estimates_a_decision_before_the_model(report, content, county):
    houses = an_assessed_market(county)
    first = report("value_change", format="json")
    job = Job.objects.get(pk=first["report_id"])
    ValueEstimateFactory(roll_property=houses[0], job=job, market_value=300_000)
    ValueEstimateFactory(roll_property=houses[1], job=job, market_value=300_000, decided_value=250_000)

    made = json.loads(content(report("value_change", format="json", compare="estimates")))

    assert (made["headline"]["properties"], made["headline"]["total_after"]) == (2, 550_000)
    of_job = report("value_change", format="json", compare="estimates", valuation_job_id=first["report_id"])
    assert of_job["result"]["headline"]["total_after"] == 550_000


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"prior_year": TAX_YEAR, "year": TAX_YEAR}, "must be earlier"),
        ({"prior_year": 2024, "compare": "estimates"}, "goes with"),
        ({"valuation_job_id": "0" * 32}, "goes with"),
        ({"compare": "horoscope"}, "not a valid choice"),
    ],
)
def test_wrong_parameters_are_named(client, county, parameters, sentence):
    body = {"report_type": "value_change", "county_id": county.pk, "parameters": parameters}
    answer = client.post("/api/v1/reporting/run", body, format="json")

    assert answer.status_code == 400
    assert sentence in json.dumps(answer.json())


@pytest.mark.django_db
def test_what_is_not_there_is_a_sentence(report, county):
    an_assessed_market(county)

    assert "no assessed values of tax year 2020" in report("value_change", prior_year=2020)["message"]
    assert "benton has no value estimate; run a valuation." in report("value_change", compare="estimates")["message"]


@pytest.mark.django_db
def test_without_sales_the_ratio_statistics_say_why(report, content, county):
    an_assessed_market(county, sales=0)

    page = content(report("value_change", format="html")).decode()

    assert "Not computed. No valid sale of one parcel" in page
