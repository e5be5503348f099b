"""The true market of the demo county: what every property is worth, and the sales drawn from it.

A price index made from these sales must find `true_index` again, and a hedonic model the EFFECT_... constants.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from .dwellings import CONDOMINIUM, FARMLAND, MULTI, OTHER, SHOP, SQFT_PER_ACRE, VACANT, Dwellings
from .fabric import Fabric

# The planted trend: the share by which prices grow a year, from the given month on.
BASE_MONTH = date(2021, 1, 1)  # true_index is 1.0
PLANTED_TREND = (
    (date(2021, 1, 1), 0.14),
    (date(2022, 6, 1), -0.06),
    (date(2023, 4, 1), 0.02),
    (date(2024, 1, 1), 0.06),
    (date(2025, 1, 1), 0.03),
)
RATE_BEFORE_TREND = 0.05  # a year, before the first of these months

# A dwelling's value in BASE_MONTH is BASE_DWELLING * exp(the sum of these effects).
BASE_DWELLING = 250_000.0  # 1,700 sq ft on 9,000 sq ft, ordinary, new, two baths
EFFECT_LOG_LIVING_AREA = 0.62
EFFECT_LOG_LOT = 0.10  # single-family; lots above ten acres count as ten
EFFECT_QUALITY = 0.10  # one step
EFFECT_CONDITION = 0.05  # one step
EFFECT_YEAR_OF_AGE = -0.0035  # effective age at the as-of date, at most 70 years
EFFECT_BATH = 0.04
EFFECT_GARAGE_SQFT = 0.00012
EFFECT_BASEMENT_SQFT = 0.00008
EFFECT_VIEW = 0.04  # one step
EFFECT_CONDOMINIUM = -0.12
EFFECT_TOWN_DISTANCE = -0.04  # one radius of the built-up land, at most three
NEIGHBORHOOD_SPREAD = 0.10  # of the neighborhood effect
LOCATION_SPREAD = 0.04  # of a smooth surface over the county
UNOBSERVED_SPREAD = 0.04  # of differences in value that no record shows

SALE_NOISE = 0.08  # of the logarithm of a valid price
TURNOVER = 0.055  # sales a year for each dwelling
SALE_YEARS = 5
RELATIVE_TURNOVER = {VACANT: 0.7, FARMLAND: 0.15, SHOP: 0.4, MULTI: 0.5, OTHER: 0.0}

VALID, FAMILY, FORECLOSURE, MULTI_PARCEL = "valid", "family", "foreclosure", "multi_parcel"
INVALID_SHARES = {FAMILY: 0.05, FORECLOSURE: 0.04, MULTI_PARCEL: 0.03}
INSTRUMENTS = {
    VALID: "Statutory Warranty Deed",
    FAMILY: "Quit Claim Deed",
    FORECLOSURE: "Trustee's Deed",
    MULTI_PARCEL: "Statutory Warranty Deed",
}
# More houses sell in summer: relative weight of January to December.
SEASON = np.array([0.6, 0.7, 0.9, 1.1, 1.2, 1.3, 1.25, 1.2, 1.05, 1.0, 0.9, 0.8])


@dataclass(frozen=True)
class Market:
    """One entry per parcel; dollars in BASE_MONTH. Multiply by `true_index` for another month."""

    value: np.ndarray
    land_value: np.ndarray  # never above value


@dataclass(frozen=True)
class Sales:
    """One entry per deed, oldest first."""

    parcel: np.ndarray
    second_parcel: np.ndarray  # -1 unless the deed conveys two
    sale_date: np.ndarray  # datetime64[D]
    sale_price: np.ndarray  # whole dollars
    validity_code: np.ndarray

    def __len__(self) -> int:
        return len(self.parcel)

    @property
    def is_valid(self) -> np.ndarray:
        return self.validity_code == VALID


def true_index(on: date) -> float:
    """The planted price level in the month of this date. It is 1.0 in BASE_MONTH, and constant within a month."""
    return float(true_index_of_months(np.array([on.year * 12 + on.month - 1]))[0])


def true_index_of_months(months: np.ndarray) -> np.ndarray:
    """The planted price level of month numbers (year * 12 + month - 1), in an array of any shape."""
    starts = [month.year * 12 + month.month - 1 for month, _ in PLANTED_TREND]
    ends = [*starts[1:], np.inf]
    log_level = np.log1p(RATE_BEFORE_TREND) * np.minimum(months - starts[0], 0) / 12
    for start, end, (_, rate) in zip(starts, ends, PLANTED_TREND, strict=True):
        log_level = log_level + np.log1p(rate) * np.clip(months - start, 0, end - start) / 12
    return np.exp(log_level)


def months_of(dates: np.ndarray) -> np.ndarray:
    """The month numbers (year * 12 + month - 1) of datetime64 dates."""
    return dates.astype("datetime64[M]").astype(int) + 1970 * 12


def true_market(fabric: Fabric, dwellings: Dwellings, as_of: date, rng: np.random.Generator) -> Market:
    """What every parcel is worth in BASE_MONTH, with the buildings of the as-of date."""
    place = _location_effects(fabric, dwellings, rng)
    unobserved = rng.normal(0, UNOBSERVED_SPREAD, len(fabric))
    acres = fabric.lot_sqft / SQFT_PER_ACRE
    kind = dwellings.property_type

    serviced = np.exp(-0.45 * np.minimum(fabric.town_distance, 4))
    land = 70_000 * (0.25 + 0.75 * serviced) * (np.maximum(fabric.lot_sqft, 500) / 9000) ** 0.45
    farmland = 4200 * np.maximum(acres, 0.1) ** 0.97
    land = np.where(kind == FARMLAND, farmland, land) * np.exp(place)
    floor_area = np.nan_to_num(dwellings.building_sqft, nan=0.0)
    dollars_per_sqft = np.select([kind == SHOP, kind == MULTI], [115.0, 105.0], 0.0)
    built = dollars_per_sqft * floor_area**0.96 * np.exp(place)
    value = np.where(dwellings.is_dwelling, _dwelling_values(fabric, dwellings, as_of) * np.exp(place), land + built)
    value = value * np.exp(unobserved)
    most_land = np.where(kind == CONDOMINIUM, 0.2, np.where(dwellings.is_improved, 0.42, 1.0))
    own_land = np.where(fabric.is_unit, np.inf, land * np.exp(unobserved))
    return Market(value=value, land_value=np.minimum(own_land, most_land * value))


def _dwelling_values(fabric: Fabric, dwellings: Dwellings, as_of: date) -> np.ndarray:
    """Dollars in BASE_MONTH before location; NaN for what is not a dwelling."""
    unit = dwellings.property_type == CONDOMINIUM
    lot = np.clip(fabric.lot_sqft, 2000, 10 * SQFT_PER_ACRE)
    age = np.clip(as_of.year - dwellings.effective_year, 0, 70)
    return BASE_DWELLING * np.exp(
        EFFECT_LOG_LIVING_AREA * np.log(dwellings.building_sqft / 1700)
        + np.where(unit, EFFECT_CONDOMINIUM, EFFECT_LOG_LOT * np.log(lot / 9000))
        + EFFECT_QUALITY * (dwellings.quality - 3.5)
        + EFFECT_CONDITION * (dwellings.condition - 3)
        + EFFECT_YEAR_OF_AGE * age
        + EFFECT_BATH * (dwellings.baths - 2)
        + EFFECT_GARAGE_SQFT * dwellings.garage_sqft
        + EFFECT_BASEMENT_SQFT * dwellings.basement_sqft
        + EFFECT_VIEW * dwellings.view
        + EFFECT_TOWN_DISTANCE * np.minimum(fabric.town_distance, 3)
    )


def _location_effects(fabric: Fabric, dwellings: Dwellings, rng: np.random.Generator) -> np.ndarray:
    """The effect of neighborhood and place on the logarithm of value. Half of it shows in the quality of houses too."""
    codes, neighborhood = np.unique(fabric.neighborhood, return_inverse=True)
    own = rng.normal(size=len(codes))[neighborhood]
    effect = NEIGHBORHOOD_SPREAD * (dwellings.standing + own) / np.sqrt(2)
    offset = (fabric.center_ft - fabric.center_ft.mean(axis=0)) / 12_000  # feet to two miles and a bit
    surface = np.zeros(len(fabric))
    for _ in range(4):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        surface += np.sin(offset @ np.array([np.cos(angle), np.sin(angle)]) * 2.0 + phase)
    return effect + LOCATION_SPREAD * surface / np.sqrt(2)


def draw_sales(fabric: Fabric, dwellings: Dwellings, market: Market, as_of: date, rng: np.random.Generator) -> Sales:
    """Sales of the SALE_YEARS before the as-of date."""
    kind = dwellings.property_type
    turnover = np.array([RELATIVE_TURNOVER.get(name, 1.0) for name in kind])
    times = rng.poisson(TURNOVER * SALE_YEARS * turnover)
    parcel = np.repeat(np.arange(len(fabric)), times)
    dates = _sale_dates(len(parcel), as_of, rng)
    year = dates.astype("datetime64[Y]").astype(int) + 1970
    # No house is sold before it is finished.
    finished = ~(year <= dwellings.year_built[parcel])
    parcel, dates = parcel[finished], dates[finished]

    code = rng.choice(
        [VALID, *INVALID_SHARES],
        len(parcel),
        p=[1 - sum(INVALID_SHARES.values()), *INVALID_SHARES.values()],
    ).astype(object)
    neighbor = np.minimum(parcel + 1, len(fabric) - 1)
    together = (neighbor > parcel) & (fabric.block[neighbor] == fabric.block[parcel])
    together &= ~fabric.is_unit[neighbor] & (turnover[neighbor] > 0)
    together &= ~(dates.astype("datetime64[Y]").astype(int) + 1970 <= dwellings.year_built[neighbor])
    code[(code == MULTI_PARCEL) & ~together] = VALID
    second = np.where(code == MULTI_PARCEL, neighbor, -1)

    worth = market.value[parcel] + np.where(second >= 0, market.value[second], 0)
    share = np.select(
        [code == FAMILY, code == FORECLOSURE],
        [rng.uniform(0.05, 0.7, len(parcel)), rng.uniform(0.6, 0.85, len(parcel))],
        1.0,
    )
    noise = np.exp(rng.normal(0, SALE_NOISE, len(parcel)))
    price = worth * true_index_of_months(months_of(dates)) * share * noise
    order = np.lexsort([parcel, dates])
    return Sales(
        parcel=parcel[order],
        second_parcel=second[order],
        sale_date=dates[order],
        sale_price=(np.round(price / 100) * 100).astype(np.int64)[order],
        validity_code=code[order],
    )


def _sale_dates(count: int, as_of: date, rng: np.random.Generator) -> np.ndarray:
    last = np.datetime64(as_of, "D")
    first = np.datetime64(as_of.replace(year=as_of.year - SALE_YEARS, day=1), "D")
    days = np.arange(first, last)
    weight = SEASON[months_of(days) % 12]
    return rng.choice(days, count, p=weight / weight.sum())
