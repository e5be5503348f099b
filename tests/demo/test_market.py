"""What is planted in the demo county can be found again by the methods an assessor would use."""

from datetime import date

import numpy as np
import pytest

from terrafusion.demo.assessments import PLANTED_LEVEL, PLANTED_PRB
from terrafusion.demo.county import build_demo_county
from terrafusion.demo.market import (
    BASE_MONTH,
    EFFECT_LOG_LIVING_AREA,
    VALID,
    months_of,
    true_index,
    true_index_of_months,
)


@pytest.fixture(scope="module")
def demo():
    return build_demo_county(12_000, seed=11)


@pytest.fixture(scope="module")
def dwelling_sales(demo):
    """Valid sales of dwellings: (parcel, sale date, sale price)."""
    sales = demo.sales
    chosen = sales.is_valid & demo.dwellings.is_dwelling[sales.parcel]
    return sales.parcel[chosen], sales.sale_date[chosen], sales.sale_price[chosen].astype(float)


def test_the_same_seed_gives_the_same_county_and_another_seed_another():
    digests = [build_demo_county(400, seed).digest() for seed in (1, 1, 2)]

    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_the_true_index_is_one_in_the_base_month_and_steps_monthly():
    assert true_index(BASE_MONTH) == 1.0
    assert true_index(date(2021, 1, 31)) == 1.0
    assert true_index(date(2022, 1, 15)) == pytest.approx(1.14)  # one year at 14 %
    assert true_index(date(2020, 1, 1)) == pytest.approx(1 / 1.05)
    assert true_index(date(2026, 1, 1)) / true_index(date(2025, 1, 1)) == pytest.approx(1.03)


def test_the_index_of_one_date_is_the_index_of_its_month():
    dates = np.arange("2019-06", "2027-03", dtype="datetime64[M]").astype("datetime64[D]")
    together = true_index_of_months(months_of(dates))

    assert together.tolist() == [true_index(each) for each in dates.tolist()]


def test_a_hedonic_regression_finds_the_planted_trend(demo, dwelling_sales):
    parcel, sale_date, price = dwelling_sales
    months = months_of(sale_date)
    quarters = (months - months.min()) // 3
    design = _hedonic_design(demo, parcel, quarters)
    effects = np.linalg.lstsq(design, np.log(price), rcond=None)[0]

    found = np.concatenate([[0.0], effects[: quarters.max()]])
    planted = np.array([np.log(true_index_of_months(months[quarters == q])).mean() for q in np.unique(quarters)])
    assert found == pytest.approx(planted - planted[0], abs=0.035)
    living_area = effects[quarters.max()]
    assert living_area == pytest.approx(EFFECT_LOG_LIVING_AREA, abs=0.05)


def _hedonic_design(demo, parcel, quarters):
    """Columns: quarters after the first, log living area, the other characteristics, neighborhoods."""
    dwellings, fabric = demo.dwellings, demo.fabric
    unit = fabric.is_unit[parcel]
    log_lot = np.where(unit, 0.0, np.log(np.clip(fabric.lot_sqft[parcel], 2000, 435_600)))
    age = np.clip(demo.as_of.year - dwellings.effective_year[parcel], 0, 70)
    characteristics = [
        np.log(dwellings.building_sqft[parcel]),
        *(getattr(dwellings, each)[parcel] for each in ("quality", "condition", "baths", "garage_sqft")),
        *(getattr(dwellings, each)[parcel] for each in ("basement_sqft", "view")),
        age,
        log_lot,
        unit,
        fabric.town_distance[parcel],
    ]
    time = quarters[:, None] == np.arange(1, quarters.max() + 1)
    neighborhoods = np.unique(fabric.neighborhood)
    place = fabric.neighborhood[parcel][:, None] == neighborhoods
    return np.column_stack([time, *characteristics, place]).astype(float)


def test_a_ratio_study_finds_the_planted_level_and_regressivity_in_every_tax_year(demo, dwelling_sales):
    parcel, sale_date, price = dwelling_sales
    for roll in demo.rolls:
        built = demo.dwellings.year_built[parcel] < roll.tax_year
        to_valuation_date = true_index(date(roll.tax_year, 1, 1)) / true_index_of_months(months_of(sale_date))
        adjusted = (price * to_valuation_date)[built]
        assessed = roll.market_total[parcel[built]]
        ratio = assessed / adjusted
        level = np.median(ratio)
        proxy = (assessed / level + adjusted) / 2
        prb = np.polyfit(np.log2(proxy), (ratio - level) / level, 1)[0]

        assert level == pytest.approx(PLANTED_LEVEL, abs=0.01)
        assert prb == pytest.approx(PLANTED_PRB, abs=0.012)


def test_invalid_sales_are_coded_and_family_deeds_are_cheap(demo):
    sales = demo.sales
    worth = demo.market.value[sales.parcel] * true_index_of_months(months_of(sales.sale_date))
    ratio = sales.sale_price / worth

    assert 0.08 < 1 - sales.is_valid.mean() < 0.15
    assert np.median(ratio[sales.validity_code == VALID]) == pytest.approx(1.0, abs=0.01)
    assert np.median(ratio[sales.validity_code == "family"]) < 0.5
    assert np.median(ratio[sales.validity_code == "multi_parcel"]) > 1.2
    assert ((sales.second_parcel >= 0) == (sales.validity_code == "multi_parcel")).all()


def test_nobody_sells_a_house_before_it_is_built(demo):
    year_sold = demo.sales.sale_date.astype("datetime64[Y]").astype(int) + 1970

    assert not (year_sold <= demo.dwellings.year_built[demo.sales.parcel]).any()
    assert (demo.sales.sale_date < np.datetime64(demo.as_of)).all()


def test_the_buyer_is_the_owner_of_the_next_tax_year(demo):
    owners, sales = demo.owners, demo.sales
    newest = demo.rolls[-1].tax_year
    owner = owners.in_tax_year(newest, sales)
    last_deed = {parcel: deed for deed, parcel in owners.parcel_sale.tolist()}

    assert all(owner[parcel] == owners.grantee[deed] for parcel, deed in last_deed.items())
    assert 0 < owners.confidential.mean() < 0.02
