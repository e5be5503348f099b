"""The Washington ratio study of the Department of Revenue: WAC 458-53. No Django, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from ..statistics.ratio_statistics import UnusableSales
from ..statistics.trimming import WASHINGTON, trim

DEDUCTION_PERCENT = 1  # for personal property and costs of sale, WAC 458-53-130
OTHER_LAND_USE = "Other"
RATIO_BOUNDS_CODE, MULTI_PARCEL_CODE, OTHER_CODE = 8, 21, 27
INVALID_REASONS = {
    1: "Sale between members of a family",
    2: "Corporate affiliates",
    3: "Estate",
    4: "Bankruptcy, receivership or foreclosure",
    5: "Sheriff's deed",
    6: "Tax deed",
    7: "Exempt property",
    RATIO_BOUNDS_CODE: "Ratio under 25 % or over 175 %",
    MULTI_PARCEL_CODE: "Plottage or several parcels",
    OTHER_CODE: "Other",
}


@dataclass(frozen=True)
class SaleWindow:
    """The sales of an assessment year: 1 May of the year before to 30 April, both included.

    last: the day up to which a dry run looks; the end of the window or earlier.
    """

    first: date
    end: date
    last: date

    @property
    def is_complete(self) -> bool:
        return self.last >= self.end


def sale_window(assessment_year: int, as_of: date) -> SaleWindow:
    """The sales of an assessment year up to a day. Raises UnusableSales when the window begins after that day.

    Source: WAC 458-53-070.
    """
    first, end = date(assessment_year - 1, 5, 1), date(assessment_year, 4, 30)
    if as_of < first:
        raise UnusableSales(
            f"as_of: on {as_of} the sales of assessment year {assessment_year} have not begun; "
            f"its window is {first} to {end}."
        )
    return SaleWindow(first, end, min(end, as_of))


def assessment_year_of(day: date) -> int:
    """The year whose window holds the day."""
    return day.year + (day.month >= 5)


@dataclass(frozen=True)
class DorSale:
    """A sale of the window.

    assessed_value, prior_assessed_value: dollars of all its parcels; None when the roll lacks one of them.
    invalid_code: 0 for a valid sale, else the number of the reason in WAC 458-53-080.
    """

    affidavit: str
    instrument: str
    parcel_numbers: tuple[str, ...]
    sale_date: date
    sale_price: int
    use_code: str
    assessed_value: int | None
    prior_assessed_value: int | None
    invalid_code: int = 0
    note: str = ""

    @property
    def adjusted_price(self) -> int:
        """Price less one percent, to the dollar, halves up."""
        return (self.sale_price * (100 - DEDUCTION_PERCENT) + 50) // 100

    @property
    def ratio(self) -> float | None:
        """None without a price or an assessed value."""
        if self.assessed_value is None or self.adjusted_price <= 0:
            return None
        return self.assessed_value / self.adjusted_price


@dataclass(frozen=True)
class SortedSales:
    valid: tuple[DorSale, ...]
    invalid: tuple[DorSale, ...]
    exclusion_note: str


def sort_sales(sales: Sequence[DorSale], instruments: Sequence[str]) -> SortedSales:
    """Sorts the sales into valid and invalid ones.

    A valid sale has a warranty deed or contract, a price, an assessed value and a ratio within the bounds. The bounds
    do not apply when they would exclude more than 5 % of the valid sales. instruments: words one of which the name of
    the instrument must hold; a sale without a recorded instrument passes.
    Source: WAC 458-53-070 and 458-53-080.
    """
    checked = [_with_code(sale, instruments) for sale in sales]
    valid = [sale for sale in checked if not sale.invalid_code]
    trimming = trim([sale.ratio or 0.0 for sale in valid], WASHINGTON)
    within = dict(zip(valid, trimming.stays.tolist(), strict=True))
    excluded = [replace(sale, invalid_code=RATIO_BOUNDS_CODE) for sale in valid if not within[sale]]
    invalid = [sale for sale in checked if sale.invalid_code] + excluded
    return SortedSales(
        valid=tuple(sale for sale in valid if within[sale]),
        invalid=tuple(sorted(invalid, key=lambda sale: (sale.sale_date, sale.affidavit))),
        exclusion_note=trimming.note,
    )


def _with_code(sale: DorSale, instruments: Sequence[str]) -> DorSale:
    if sale.invalid_code:
        return sale
    if sale.sale_price <= 0:
        return replace(sale, invalid_code=OTHER_CODE, note="no price")
    if not sale.assessed_value or sale.assessed_value < 0:
        return replace(sale, invalid_code=OTHER_CODE, note="a parcel has no assessed value")
    kind = sale.instrument.lower()
    if kind and not any(instrument.lower() in kind for instrument in instruments):
        return replace(sale, invalid_code=OTHER_CODE, note="instrument is no warranty deed or contract")
    return sale


# --- Strata and the indicated ratio ---


@dataclass(frozen=True)
class Strata:
    """How property is divided into strata.

    land_uses: the first digits of the use codes of each land use. value_bounds: the highest value of each value
    stratum, in ascending order; the last stratum has no bound.
    """

    land_uses: Mapping[str, Sequence[str]]
    value_bounds: Sequence[int]

    def land_use(self, use_code: str) -> str:
        """The land use with the longest digits that begin the use code; "Other" when none do."""
        matches = [
            (len(digits), name)
            for name, codes in self.land_uses.items()
            for digits in codes
            if use_code.startswith(digits)
        ]
        return max(matches)[1] if matches else OTHER_LAND_USE

    def value_stratum(self, assessed_value: int) -> int:
        """The number of the value stratum; 0 is the lowest."""
        return int(np.searchsorted(np.asarray(self.value_bounds), assessed_value, side="left"))

    def value_label(self, stratum: int) -> str:
        low = self.value_bounds[stratum - 1] + 1 if stratum else 0
        if stratum == len(self.value_bounds):
            return f"${low:,} and more"
        return f"${low:,} to ${self.value_bounds[stratum]:,}"


@dataclass(frozen=True)
class StratumRatio:
    """One stratum of land use and value: its sales, the county's assessed value in it, and the market value indicated.

    ratio: average assessed value / average adjusted price. ratio_from: whose sales gave the ratio, "stratum",
    "land use" or "county".
    """

    land_use: str
    value_stratum: str
    sales: int
    sales_assessed_value: int
    sales_adjusted_price: int
    county_assessed_value: int
    ratio: float | None
    ratio_from: str

    @property
    def market_value(self) -> int | None:
        return None if not self.ratio else market_value_indicated(self.county_assessed_value, self.ratio)


@dataclass(frozen=True)
class IndicatedRatio:
    """ratio: county assessed value / market value indicated, over all strata that have a ratio."""

    strata: tuple[StratumRatio, ...]
    assessed_value: int
    market_value: int

    @property
    def ratio(self) -> float:
        return self.assessed_value / self.market_value


def market_value_indicated(assessed_value: int, ratio: float) -> int:
    """Whole dollars. Raises UnusableSales for a ratio that is not above zero."""
    if not ratio > 0:
        raise UnusableSales(f"A stratum ratio must be above zero; it is {ratio}.")
    return round(assessed_value / ratio)


def indicated_ratio(strata: Sequence[tuple[int, float]]) -> tuple[int, float]:
    """Market value and ratio of the county. strata: assessed value and ratio of each stratum.

    Source: WAC 458-53-135 and 458-53-160. The example of the rule gives the figures of the rule.
    """
    assessed = sum(value for value, _ in strata)
    market = sum(market_value_indicated(value, ratio) for value, ratio in strata)
    if not market:
        raise UnusableSales("An indicated ratio needs assessed value in at least one stratum.")
    return market, assessed / market


def county_indicated_ratio(
    valid: Sequence[DorSale], county_values: Mapping[tuple[str, int], int], strata: Strata
) -> IndicatedRatio:
    """The indicated ratio of the county. county_values: assessed dollars on the roll by land use and value stratum.

    A stratum without a sale takes the ratio of its land use. A land use without a sale takes the ratio of all sales.
    Raises UnusableSales without a valid sale or an assessed value.
    """
    groups: dict[tuple[str, int], list[DorSale]] = {}
    for sale in valid:
        key = strata.land_use(sale.use_code), strata.value_stratum(sale.assessed_value or 0)
        groups.setdefault(key, []).append(sale)
    if not groups:
        raise UnusableSales("No valid sale lies in the window, so no ratio is indicated.")
    ratios = []
    order = [*strata.land_uses, OTHER_LAND_USE]
    for key in sorted(set(groups) | set(county_values), key=lambda stratum: (order.index(stratum[0]), stratum[1])):
        ratio, source = _ratio_of(key, groups, valid)
        own = groups.get(key, [])
        ratios.append(
            StratumRatio(
                land_use=key[0],
                value_stratum=strata.value_label(key[1]),
                sales=len(own),
                sales_assessed_value=sum(sale.assessed_value or 0 for sale in own),
                sales_adjusted_price=sum(sale.adjusted_price for sale in own),
                county_assessed_value=county_values.get(key, 0),
                ratio=ratio,
                ratio_from=source,
            )
        )
    with_value = [
        (stratum.county_assessed_value, stratum.ratio)
        for stratum in ratios
        if stratum.ratio and stratum.county_assessed_value
    ]
    market, _ = indicated_ratio(with_value)
    return IndicatedRatio(tuple(ratios), sum(value for value, _ in with_value), market)


def _ratio_of(
    key: tuple[str, int], groups: Mapping[tuple[str, int], Sequence[DorSale]], valid: Sequence[DorSale]
) -> tuple[float, str]:
    if key in groups:
        return _average_ratio(groups[key]), "stratum"
    same_use = [member for (land_use, _), members in groups.items() if land_use == key[0] for member in members]
    return (_average_ratio(same_use), "land use") if same_use else (_average_ratio(valid), "county")


def _average_ratio(sales: Sequence[DorSale]) -> float:
    """Average assessed value / average adjusted price."""
    return sum(sale.assessed_value or 0 for sale in sales) / sum(sale.adjusted_price for sale in sales)
