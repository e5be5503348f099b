"""Areas whose market behaves like a given one, ranked, each with its reasons. No Django."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from terrafusion.errors import TerraFusionError

from ..selection import Selection
from .area_statistics import AreaStatistics


class NotEnoughAreas(TerraFusionError):
    """There is nothing to compare."""


def areas_with_enough_sales(areas: Sequence[AreaStatistics], selection: Selection, column: str) -> list[AreaStatistics]:
    """The areas that have the selection's fewest sales. Raises NotEnoughAreas when none has. column: of the areas."""
    fewest = selection.minimum_sales
    if enough := [area for area in areas if area.sales_volume >= fewest]:
        return enough
    raise NotEnoughAreas(f"No area by {column} has {fewest} sales; widen the window or lower minimum_sales.")


@dataclass(frozen=True)
class Feature:
    """A figure by which two areas are compared.

    weight: its share of the squared distance. logarithm: whether the figures are compared as a ratio.
    """

    name: str
    words: str
    weight: float
    value: Callable[[AreaStatistics], float | None]
    show: Callable[[float], str]
    logarithm: bool = False


def _dollars(value: float) -> str:
    return f"${value:,.0f}"


def _sqft(value: float) -> str:
    return f"{value:,.0f} sq ft"


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


FEATURES = (
    Feature("median_price", "median price", 2.0, lambda a: a.median_price, _dollars, logarithm=True),
    Feature("price_per_sqft", "price per square foot", 2.0, lambda a: a.price_per_sqft, _dollars, logarithm=True),
    Feature("change", "change a year", 2.0, lambda a: a.shrunk_change_percent, lambda v: f"{v:+.1f} %"),
    Feature("turnover", "turnover a year", 1.0, lambda a: _percent(a.turnover), lambda v: f"{v:.1f} %"),
    Feature("living_area_sqft", "living area", 1.0, lambda a: a.living_area_sqft, _sqft, logarithm=True),
    Feature("lot_sqft", "lot", 0.5, lambda a: a.lot_sqft, _sqft, logarithm=True),
    Feature("year_built", "year built", 0.5, lambda a: a.year_built, lambda v: f"{v:.0f}"),
    Feature(
        "single_family_share", "single-family share", 0.5, lambda a: _percent(a.single_family_share),
        lambda v: f"{v:.0f} %",
    ),
)  # fmt: skip
REASONS = 3
_FLOORS = [0.01 if feature.logarithm else 0.25 for feature in FEATURES]  # smaller differences nobody would notice


@dataclass(frozen=True)
class ComparableArea:
    """An area that resembles the subject.

    distance: 0 is the same market; 1 is a difference of one robust spread of the county's areas in every feature.
    alike: the features in which the two are most alike, in words. unlike: the feature in which they differ most, in
    words; '' where few features are known.
    """

    statistics: AreaStatistics
    distance: float
    alike: tuple[str, ...]
    unlike: str


def comparable_areas(areas: Sequence[AreaStatistics], subject: str, count: int) -> list[ComparableArea]:
    """The areas nearest to the subject, `count` of them. Raises NotEnoughAreas when there is no other area."""
    others = [area for area in areas if area.area != subject]
    (own,) = (area for area in areas if area.area == subject)
    if not others:
        raise NotEnoughAreas(f"{subject} is the only area with enough sales; there is none to compare it with.")
    gaps = np.array([[_gap(feature, own, other) for feature in FEATURES] for other in others])
    spreads = _spreads(areas)
    scaled = gaps / spreads
    weight = np.where(np.isnan(scaled), 0.0, [feature.weight for feature in FEATURES])
    distance = np.sqrt(np.nansum(weight * np.nan_to_num(scaled) ** 2, axis=1) / np.maximum(weight.sum(axis=1), 1e-9))
    order = sorted(range(len(others)), key=lambda at: (distance[at], others[at].area))
    telling = ~np.isclose(spreads, _FLOORS)  # A feature that is the same everywhere gives no reason.
    return [_comparable(own, others[at], float(distance[at]), scaled[at], telling) for at in order[:count]]


def _gap(feature: Feature, own: AreaStatistics, other: AreaStatistics) -> float:
    a, b = _measured(feature, own), _measured(feature, other)
    return b - a


def _measured(feature: Feature, area: AreaStatistics) -> float:
    """The feature of an area, as its logarithm where it is compared as a ratio. NaN where unknown."""
    value = feature.value(area)
    if value is None or (feature.logarithm and value <= 0):
        return float("nan")
    return float(np.log(value)) if feature.logarithm else float(value)


def _spreads(areas: Sequence[AreaStatistics]) -> np.ndarray:
    """Robust standard deviation of each feature over the county's areas, at least the floor of the feature."""
    table = np.array([[_measured(feature, area) for feature in FEATURES] for area in areas])
    spreads = []
    for floor, column in zip(_FLOORS, table.T, strict=True):
        known = column[~np.isnan(column)]
        deviation = 1.4826 * float(np.median(np.abs(known - np.median(known)))) if len(known) else 0.0
        spreads.append(max(deviation, floor))
    return np.array(spreads)


def _comparable(
    own: AreaStatistics, other: AreaStatistics, distance: float, scaled: np.ndarray, telling: np.ndarray
) -> ComparableArea:
    """scaled: the difference in each feature, in spreads; NaN where unknown. telling: which features give a reason."""
    known = [at for at in range(len(FEATURES)) if not np.isnan(scaled[at]) and telling[at]]
    greatest = max(known, key=lambda at: (abs(scaled[at]), -at)) if len(known) > REASONS else None
    nearest = sorted((at for at in known if at != greatest), key=lambda at: (abs(scaled[at]) / FEATURES[at].weight, at))
    alike = tuple(_sentence(FEATURES[at], own, other) for at in nearest[:REASONS])
    return ComparableArea(other, distance, alike, "" if greatest is None else _sentence(FEATURES[greatest], own, other))


def _sentence(feature: Feature, own: AreaStatistics, other: AreaStatistics) -> str:
    ours, theirs = feature.value(own), feature.value(other)
    assert ours is not None and theirs is not None  # noqa: S101, PT018 - an unknown feature has no gap
    return f"{feature.words} {feature.show(theirs)} against {feature.show(ours)}"
