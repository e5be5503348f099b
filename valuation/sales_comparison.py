"""The sales comparison approach: a subject, the county's sales, a date, and the value they support.

No Django, no clock. `value_by_comparable_sales` values one property; `SalesComparison` shares one fitted market among
many and gives the same estimates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np

from terrafusion.roll.market_levels import MarketLevels, days_since_epoch

from .adjustments import AdjustedSale, MarketDifference, adjust
from .comparables import (
    CHARACTERISTICS,
    Candidates,
    ComparableSalesSettings,
    Floats,
    NotEnoughSales,
    Rows,
    SalesTable,
    SearchStep,
    Subject,
    find_candidates,
    miles_to,
    most_similar,
)
from .market_model import MarketModel, fit_market
from .reconciliation import Confidence, judge, value_range, weighted_value, weights_by_gross_adjustment

QUIET_DAYS = 92  # after which somebody should know that nothing was heard of the market


@dataclass(frozen=True)
class Comparable:
    """A comparable sale in the grid, as an appraiser checks it."""

    sale_id: str
    property_id: str
    sale_date: date
    distance_miles: float | None
    dissimilarity: float  # what the market pays for all differences, in log price; 0 = alike
    adjusted: AdjustedSale
    weight: Decimal
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "sale_id": self.sale_id,
            "property_id": self.property_id,
            "sale_date": self.sale_date.isoformat(),
            "sale_price": self.adjusted.sale_price,
            "distance_miles": self.distance_miles,
            "dissimilarity": round(self.dissimilarity, 4),
            "adjustments": [
                {
                    "name": line.name,
                    "subject": line.subject,
                    "comparable": line.comparable,
                    "amount": line.amount,
                    "source": line.source,
                }
                for line in self.adjusted.adjustments
            ],
            "adjusted_sale_price": self.adjusted.adjusted_sale_price,
            "net_percent": round(self.adjusted.net_percent, 1),
            "gross_percent": round(self.adjusted.gross_percent, 1),
            "weight": f"{self.weight:.6f}",
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Estimate:
    """A market value with everything it stands on. Dollars."""

    property_id: str
    valuation_date: date
    market_value: int
    market_value_low: int
    market_value_high: int
    confidence: Confidence
    comparables: tuple[Comparable, ...]
    search: tuple[SearchStep, ...]
    sales_in_fit: int
    change_per_year_percent: float
    time_index: str | None  # None: estimated from the same sales
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The grid, ready for JSON; weights are text so that their six decimals stay."""
        return {
            "property_id": self.property_id,
            "valuation_date": self.valuation_date.isoformat(),
            "market_value": self.market_value,
            "market_value_low": self.market_value_low,
            "market_value_high": self.market_value_high,
            "confidence": self.confidence.level,
            "confidence_reasons": list(self.confidence.reasons),
            "comparables": [comparable.as_json() for comparable in self.comparables],
            "search": [{"area": step.area, "candidates": step.candidates} for step in self.search],
            "market": {
                "sales_in_fit": self.sales_in_fit,
                "change_per_year_percent": round(self.change_per_year_percent, 2),
                "time_index": self.time_index,
            },
            "warnings": list(self.warnings),
        }


def value_by_comparable_sales(
    subject: Subject, sales: SalesTable, valuation_date: date, settings: ComparableSalesSettings
) -> Estimate:
    """Values one property as of a date. Raises NotEnoughSales with the counts."""
    return SalesComparison(sales, subject.property_type, valuation_date, settings).value(subject)


@dataclass(frozen=True)
class NamedIndex:
    """A stored price index to adjust for time by."""

    series: str
    levels: MarketLevels


class SalesComparison:
    """One property type's market at one date, fitted once for any number of subjects.

    index: for the time adjustment; without one it is estimated from the same sales.
    """

    def __init__(
        self,
        sales: SalesTable,
        property_type: str,
        valuation_date: date,
        settings: ComparableSalesSettings,
        index: NamedIndex | None = None,
    ) -> None:
        self.settings = settings
        self.index = index
        self.valuation_date = valuation_date
        self.property_type = property_type
        self.sales = sales.usable_at(valuation_date, property_type, settings.look_back_months)
        (self.day,) = days_since_epoch([valuation_date])

    @cached_property
    def market(self) -> MarketModel:
        return fit_market(self.sales, self.index.levels if self.index else None)

    def value(self, subject: Subject) -> Estimate:
        """The estimate of one subject. Its own sales neither compare nor take part in the fit.

        (They still help to place the knots of the curves, which is no information about a single price.)
        """
        # First, so that too few sales are told as such and not as a regression that cannot be solved.
        candidates = find_candidates(subject, self.sales, self.settings)
        rows, distances, differences = self._most_similar(subject, candidates)
        source = f"estimated from {int(self.market.kept.sum())} sales"
        adjusted = [
            adjust(int(self.sales.sale_price[row]), lines, self.settings.adjustment_rates, source)
            for row, lines in zip(rows, differences, strict=True)
        ]
        self._refuse_absurd(adjusted)
        weights = weights_by_gross_adjustment([each.gross_percent for each in adjusted])
        value = weighted_value(adjusted, weights)
        low, high = value_range(value, self.market.fitted, self.market.left_out_residuals)
        miles = miles_to(subject, self.sales)
        return Estimate(
            property_id=subject.property_id,
            valuation_date=self.valuation_date,
            market_value=value,
            market_value_low=low,
            market_value_high=high,
            confidence=judge(adjusted, candidates, self.settings.number_of_comparables),
            comparables=tuple(
                self._comparable(row, each, weight, float(distance), float(miles[row]))
                for row, each, weight, distance in zip(rows, adjusted, weights, distances, strict=True)
            ),
            search=candidates.steps,
            sales_in_fit=int(self.market.kept.sum()),
            change_per_year_percent=self._change_per_year(),
            time_index=self.index.series if self.index else None,
            warnings=self._warnings(subject),
        )

    def _most_similar(
        self, subject: Subject, candidates: Candidates
    ) -> tuple[Rows, Floats, list[list[MarketDifference]]]:
        """Rows of the comparables, how unlike the subject each is, and the differences to adjust for."""
        own = np.flatnonzero(self.sales.property_id == subject.property_id)
        coefficients = self.market.coefficients_without(own)
        of_subject = self.market.contributions(self.market.row_of(subject, self.day), coefficients)[0]
        of_sales = self.market.contributions(self.market.design[candidates.rows], coefficients)
        places = self._similarity_space(of_sales, self.sales.x[candidates.rows], self.sales.y[candidates.rows])
        place = self._similarity_space(of_subject[None, :], *self._whereabouts(subject))[0]
        nearest, distances = most_similar(place, places, self.settings.number_of_comparables)
        rows = candidates.rows[nearest]
        changes = self.market.log_change(days_since_epoch(self.sales.sale_date[rows]), self.day, coefficients)
        differences = [
            self._differences(subject, row, of_subject - of_sales[at], float(change))
            for row, at, change in zip(rows, nearest, changes, strict=True)
        ]
        return rows, distances, differences

    def _similarity_space(self, contributions: Floats, x: Floats, y: Floats) -> Floats:
        """What the market pays for each characteristic, and place at a price for each kilometre."""
        names = list(self.market.parts)
        columns = [names.index(name) for name in CHARACTERISTICS]
        per_metre = self.settings.log_price_per_km / 1000
        # An unknown place is as far as the middle of the county.
        place = [np.nan_to_num(each, nan=self._middle[i]) * per_metre for i, each in enumerate((x, y))]
        return np.column_stack([contributions[:, columns], *place])

    @cached_property
    def _middle(self) -> tuple[float, float]:
        known = np.isfinite(self.sales.x) & np.isfinite(self.sales.y)
        if not known.any():
            return 0.0, 0.0
        return float(np.median(self.sales.x[known])), float(np.median(self.sales.y[known]))

    def _whereabouts(self, subject: Subject) -> tuple[Floats, Floats]:
        place = (subject.x, subject.y)
        return tuple(np.array([np.nan if each is None else each]) for each in place)  # type: ignore[return-value]

    def _differences(self, subject: Subject, row: int, log_price: Floats, change: float) -> list[MarketDifference]:
        """Time, each characteristic, location: subject less comparable. An unknown value makes no difference."""
        by_name = dict(zip(self.market.parts, log_price, strict=True))
        sold = self.sales.sale_date[row].astype(object).isoformat()
        told = f"index {self.index.series}" if self.index else None
        lines = [MarketDifference("time", change, self.valuation_date.isoformat(), sold, told)]
        for name, mine, theirs in zip(CHARACTERISTICS, subject.values(), self.sales.characteristics[row], strict=True):
            known = np.isfinite(mine) and np.isfinite(theirs)
            if known or np.isfinite(mine) or np.isfinite(theirs):
                change = float(by_name[name]) if known and mine != theirs else 0.0
                lines.append(MarketDifference(name, change, _number(mine), _number(theirs)))
        lines.append(
            MarketDifference("location", float(by_name["location"]), subject.neighborhood, self.sales.neighborhood[row])
        )
        return lines

    def _refuse_absurd(self, adjusted: Sequence[AdjustedSale]) -> None:
        if any(each.adjusted_sale_price <= 0 for each in adjusted):
            raise NotEnoughSales(
                "A comparable's adjusted price is not above zero: the sales are too unlike the subject "
                "for the county's adjustment rates."
            )

    def _comparable(
        self, row: int, adjusted: AdjustedSale, weight: Decimal, distance: float, miles: float
    ) -> Comparable:
        warnings = []
        if abs(adjusted.net_percent) > self.settings.net_warning:
            warnings.append(f"Net adjustment {adjusted.net_percent:.1f} % exceeds {self.settings.net_warning:g} %.")
        if adjusted.gross_percent > self.settings.gross_warning:
            warnings.append(
                f"Gross adjustment {adjusted.gross_percent:.1f} % exceeds {self.settings.gross_warning:g} %."
            )
        unknown = [line.name for line in adjusted.adjustments if None in (line.subject, line.comparable)]
        if unknown:
            warnings.append(f"Not adjusted, because unknown on one side: {', '.join(unknown)}.")
        return Comparable(
            sale_id=str(self.sales.sale_id[row]),
            property_id=str(self.sales.property_id[row]),
            sale_date=self.sales.sale_date[row].astype(object),
            distance_miles=round(miles, 2) if np.isfinite(miles) else None,
            dissimilarity=distance,
            adjusted=adjusted,
            weight=weight,
            warnings=tuple(warnings),
        )

    def _change_per_year(self) -> float:
        """The market's change over the year before the valuation date, in percent, as the model has it."""
        (change,) = self.market.log_change(np.array([self.day - 365.0]), self.day)
        return 100 * float(np.expm1(change))

    def _warnings(self, subject: Subject) -> tuple[str, ...]:
        warnings = []
        if subject.characteristics.get("living_area_sqft") is None:
            warnings.append("The subject's living area is unknown.")
        if subject.x is None:
            warnings.append("The subject's place is unknown; distance was not used.")
        latest = self.sales.sale_date.max()
        (last,) = days_since_epoch([latest]) if self.index is None else self.index.levels.days[-1:]
        if (quiet_days := int(self.day - last)) > QUIET_DAYS:
            what = "No sale" if self.index is None else f"No level of the index {self.index.series}"
            warnings.append(f"{what} in the last {quiet_days} days; the market was taken as level since.")
        return tuple(warnings)


def _number(value: float) -> float | int | None:
    """As it is shown: whole numbers without a decimal point, unknown as None."""
    if not np.isfinite(value):
        return None
    return int(value) if float(value).is_integer() else float(value)
