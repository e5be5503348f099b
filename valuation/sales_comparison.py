"""The sales comparison approach: the value of a property at a date, from the county's sales. No Django, no clock.

`value_by_comparable_sales` values one property. `SalesComparison` fits the market once for many properties and gives
the same estimates.
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

QUIET_DAYS = 92  # When the newest sale or index level is older, the estimate carries a warning.


@dataclass(frozen=True)
class Comparable:
    """A comparable sale in the grid, as an appraiser checks it.

    dissimilarity: what the market pays for all differences from the subject, in log price; 0 means alike.
    """

    sale_id: str
    property_id: str
    sale_date: date
    distance_miles: float | None
    dissimilarity: float
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
    """A market value in dollars with the evidence for it. time_index: None where the trend is that of the sales."""

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
    time_index: str | None
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The grid as JSON. Weights are texts, so that they keep their six decimals."""
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
    """Values one property as of a date. Raises NotEnoughSales, whose message gives the numbers of sales."""
    return SalesComparison(sales, subject.property_type, valuation_date, settings).value(subject)


@dataclass(frozen=True)
class NamedIndex:
    """A stored price index for the time adjustment. series: its name."""

    series: str
    levels: MarketLevels


class SalesComparison:
    """The market of one property type at one date, fitted once for any number of subjects.

    index: for the time adjustment; None estimates it from the same sales.
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
        """The estimate of one subject. Its own sales are no comparables and have no part in the fit.

        They do help to place the knots of the curves, which reveals nothing about a single price.
        """
        # The candidates come first, so that a market with too few sales is reported as such, and not as a regression
        # that cannot be solved.
        candidates = find_candidates(subject, self.sales, self.settings)
        rows, distances, differences = self._most_similar(subject, candidates)
        source = f"estimated from {int(self.market.used.sum())} sales"
        adjusted = [
            adjust(int(self.sales.sale_price[row]), lines, self.settings.adjustment_rates, source)
            for row, lines in zip(rows, differences, strict=True)
        ]
        self._refuse_absurd(adjusted)
        weights = weights_by_gross_adjustment([sale.gross_percent for sale in adjusted])
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
                self._comparable(row, sale, weight, float(distance), float(miles[row]))
                for row, sale, weight, distance in zip(rows, adjusted, weights, distances, strict=True)
            ),
            search=candidates.steps,
            sales_in_fit=int(self.market.used.sum()),
            change_per_year_percent=self._change_per_year(),
            time_index=self.index.series if self.index else None,
            warnings=self._warnings(subject),
        )

    def _most_similar(
        self, subject: Subject, candidates: Candidates
    ) -> tuple[Rows, Floats, list[list[MarketDifference]]]:
        """The rows of the comparables, their dissimilarity to the subject, and the differences to adjust for."""
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
        """Places in the space of similarity: the price of each characteristic, and the position at a price a km."""
        names = list(self.market.parts)
        columns = [names.index(name) for name in CHARACTERISTICS]
        per_metre = self.settings.log_price_per_km / 1000
        # An unknown position counts as the middle of the county.
        positions = [
            np.nan_to_num(metres, nan=middle) * per_metre for metres, middle in zip((x, y), self._middle, strict=True)
        ]
        return np.column_stack([contributions[:, columns], *positions])

    @cached_property
    def _middle(self) -> tuple[float, float]:
        known = np.isfinite(self.sales.x) & np.isfinite(self.sales.y)
        if not known.any():
            return 0.0, 0.0
        return float(np.median(self.sales.x[known])), float(np.median(self.sales.y[known]))

    def _whereabouts(self, subject: Subject) -> tuple[Floats, Floats]:
        x, y = (np.array([np.nan if metres is None else metres]) for metres in (subject.x, subject.y))
        return x, y

    def _differences(self, subject: Subject, row: int, log_price: Floats, change: float) -> list[MarketDifference]:
        """Subject less comparable in time, each characteristic and location. An unknown value makes no difference."""
        by_name = dict(zip(self.market.parts, log_price, strict=True))
        sale_date = self.sales.sale_date[row].astype(object).isoformat()
        source = f"index {self.index.series}" if self.index else None
        lines = [MarketDifference("time", change, self.valuation_date.isoformat(), sale_date, source)]
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
        if any(sale.adjusted_sale_price <= 0 for sale in adjusted):
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
        """The change of the market in the year before the valuation date, in percent."""
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
            missing = "No sale" if self.index is None else f"No level of the index {self.index.series}"
            warnings.append(f"{missing} in the last {quiet_days} days; the market was taken as level since.")
        return tuple(warnings)


def _number(value: float) -> float | int | None:
    """The value as the grid shows it: a whole number without a decimal point, an unknown value as None."""
    if not np.isfinite(value):
        return None
    return int(value) if float(value).is_integer() else float(value)
