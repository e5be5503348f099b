"""The assessed values of the demo county, with a bias that a ratio study must find again.

The assessor sets values at PLANTED_LEVEL of the true value on January 1 of the tax year, and values expensive property
lower than cheap property: each doubling of value changes the ratio by PLANTED_PRB of the level. The coefficient of
price-related bias (PRB) measures just that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from .dwellings import FARMLAND, OTHER, Dwellings
from .market import SALE_NOISE, Market, true_index

PLANTED_LEVEL = 0.93  # median of assessed value / true market value
PLANTED_PRB = -0.05
# As large as the noise of prices. The PRB's value proxy is half price and half assessed value; if only one of them had
# an error, the proxy would be biased.
ASSESSMENT_NOISE = SALE_NOISE
NOISE_CORRELATION = 0.9  # of one year with the next
TAX_YEARS = 3
CURRENT_USE_SHARE = 0.4  # of the market value of farmland


@dataclass(frozen=True)
class Assessments:
    """One tax year, with one entry per parcel in whole dollars."""

    tax_year: int
    certified: bool
    market_land: np.ndarray
    market_improvement: np.ndarray
    new_construction: np.ndarray
    exempt_value: np.ndarray
    current_use_value: np.ndarray  # -1 where the land is not in current use
    taxable_value: np.ndarray

    @property
    def market_total(self) -> np.ndarray:
        return self.market_land + self.market_improvement


def assess(dwellings: Dwellings, market: Market, as_of: date, rng: np.random.Generator) -> tuple[Assessments, ...]:
    """The last TAX_YEARS rolls, oldest first; the newest is preliminary."""
    ratio = PLANTED_LEVEL * planted_regressivity(market.value, _value_groups(dwellings))
    error = rng.normal(size=len(ratio))
    rolls = []
    for tax_year in range(as_of.year - TAX_YEARS + 1, as_of.year + 1):
        error = NOISE_CORRELATION * error + np.sqrt(1 - NOISE_CORRELATION**2) * rng.normal(size=len(ratio))
        scale = ratio * np.exp(ASSESSMENT_NOISE * error) * true_index(date(tax_year, 1, 1))
        rolls.append(_roll_of(tax_year, tax_year < as_of.year, dwellings, market, scale))
    return tuple(rolls)


def planted_regressivity(value: np.ndarray, group: np.ndarray) -> np.ndarray:
    """1 at the median value of its group, and PLANTED_PRB more for each doubling of it, between 0.7 and 1.3."""
    regressivity = np.ones(len(value))
    for name in np.unique(group):
        members = group == name
        doublings = np.log2(value[members] / np.median(value[members]))
        regressivity[members] = np.clip(1 + PLANTED_PRB * doublings, 0.7, 1.3)
    return regressivity


def _value_groups(dwellings: Dwellings) -> np.ndarray:
    """The group of each property. Dwellings are one group, so that houses and condominiums share one bias."""
    groups = np.where(dwellings.is_dwelling, "dwelling", dwellings.property_type)
    return groups.astype(str)


def _roll_of(tax_year: int, certified: bool, dwellings: Dwellings, market: Market, scale: np.ndarray) -> Assessments:
    land = _to_hundreds(market.land_value * scale)
    total = np.maximum(_to_hundreds(market.value * scale), land)
    # A building finished during the year does not exist on its January 1.
    standing = dwellings.is_improved & (np.nan_to_num(dwellings.year_built, nan=9999) < tax_year)
    improvement = np.where(standing, total - land, 0)
    land = np.where(dwellings.is_improved, land, total)
    kind = dwellings.property_type
    exempt = np.where(kind == OTHER, land + improvement, 0)
    current_use = np.where(kind == FARMLAND, _to_hundreds(land * CURRENT_USE_SHARE), -1)
    taxed_land = np.where(current_use >= 0, current_use, land)
    return Assessments(
        tax_year=tax_year,
        certified=certified,
        market_land=land,
        market_improvement=improvement,
        new_construction=np.where(dwellings.year_built == tax_year - 1, improvement, 0),
        exempt_value=exempt,
        current_use_value=current_use,
        taxable_value=taxed_land + improvement - exempt,
    )


def _to_hundreds(dollars: np.ndarray) -> np.ndarray:
    return (np.round(dollars / 100) * 100).astype(np.int64)
