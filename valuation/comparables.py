"""The choice of comparable sales. No Django, no clock.

Distances are metres in the county's projection; prices are whole dollars; an unknown characteristic is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from terrafusion.errors import TerraFusionError

METRES_PER_MILE = 1609.344

# The characteristics that similarity and adjustments compare, in the order of the grid. Every one is a number.
CHARACTERISTICS = (
    "living_area_sqft",
    "lot_sqft",
    "basement_sqft",
    "year_built",
    "effective_year",
    "quality",
    "condition",
    "baths",
    "bedrooms",
    "stories",
    "view",
    "waterfront",
)

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


class NotEnoughSales(TerraFusionError):
    """There are too few comparable sales for a value that could be defended."""


@dataclass(frozen=True)
class ComparableSalesSettings:
    """How comparables are chosen, adjusted and judged.

    rings_miles: radii that are searched in turn when the neighborhood has too few sales; the whole county comes after
    the last. adjustment_rates: dollars for each unit by which the subject exceeds the comparable, by characteristic; a
    characteristic without a rate is adjusted at the price the market pays. log_price_per_km: how much a kilometre of
    distance counts against similarity, in log price. net_warning, gross_warning: a comparable adjusted by more than
    this percentage of its sale price is marked.
    """

    look_back_months: int = 36
    number_of_comparables: int = 5
    minimum_sales: int = 5
    minimum_candidates: int = 15
    rings_miles: tuple[float, ...] = (1.0, 2.0, 5.0)
    adjustment_rates: Mapping[str, Decimal] = field(default_factory=dict)
    log_price_per_km: float = 0.3
    net_warning: float = 15.0
    gross_warning: float = 25.0


@dataclass(frozen=True)
class Subject:
    """The property to be valued. `x` and `y` are None when its place is unknown."""

    property_id: str
    property_type: str
    neighborhood: str
    x: float | None
    y: float | None
    characteristics: Mapping[str, float | None]

    def values(self) -> Floats:
        """Shape (len(CHARACTERISTICS),); NaN where unknown."""
        values = [self.characteristics.get(name) for name in CHARACTERISTICS]
        return np.array([np.nan if value is None else float(value) for value in values])


@dataclass(frozen=True)
class SalesTable:
    """Sales as columns of equal length n. sale_date: days. characteristics: shape (n, len(CHARACTERISTICS))."""

    sale_id: npt.NDArray[np.object_]
    property_id: npt.NDArray[np.object_]
    property_type: npt.NDArray[np.object_]
    neighborhood: npt.NDArray[np.object_]
    sale_date: npt.NDArray[np.datetime64]
    sale_price: npt.NDArray[np.int64]
    x: Floats
    y: Floats
    characteristics: Floats

    def __len__(self) -> int:
        return len(self.sale_id)

    def only(self, rows: npt.NDArray[np.bool_]) -> SalesTable:
        return SalesTable(**{name: column[rows] for name, column in vars(self).items()})

    def usable_at(self, valuation_date: date, property_type: str, look_back_months: int) -> SalesTable:
        """The sales of a property type in the look-back window, which ends on the day before the valuation date."""
        day = np.datetime64(valuation_date, "D")
        earliest = months_before(day, look_back_months)
        return self.only(
            (self.property_type == property_type)
            & (self.sale_date < day)
            & (self.sale_date >= earliest)
            & (self.sale_price > 0)
        )


@dataclass(frozen=True)
class SearchStep:
    """One step of the search: the area it added, and the number of candidates from then on."""

    area: str
    candidates: int


@dataclass(frozen=True)
class Candidates:
    """The rows of the sales that may serve as comparables, and the steps of the search for them."""

    rows: Rows
    steps: tuple[SearchStep, ...]

    @property
    def widened(self) -> bool:
        return len(self.steps) > 1


def miles_to(subject: Subject, sales: SalesTable) -> Floats:
    """Straight-line miles from the subject to each sale; NaN where a place is unknown."""
    if subject.x is None or subject.y is None:
        return np.full(len(sales), np.nan)
    return np.hypot(sales.x - subject.x, sales.y - subject.y) / METRES_PER_MILE


def find_candidates(subject: Subject, sales: SalesTable, settings: ComparableSalesSettings) -> Candidates:
    """Searches the subject's neighborhood, then ring by ring, then the county, until there are enough candidates.

    sales: those of the subject's type in the window. The subject's own sales are never candidates.
    Raises NotEnoughSales when the whole county has fewer than `minimum_sales`.
    """
    others = sales.property_id != subject.property_id
    inside = others & (sales.neighborhood == subject.neighborhood)
    name = f"Neighborhood {subject.neighborhood}" if subject.neighborhood else "No neighborhood"
    areas = [(name, inside)]
    if subject.x is not None:
        distance = miles_to(subject, sales)
        areas += [(f"within {ring:g} miles", others & (distance <= ring)) for ring in settings.rings_miles]
    areas.append(("the whole county", others))

    steps: list[SearchStep] = []
    candidates = np.zeros(len(sales), dtype=bool)
    for area, rows in areas:
        candidates |= rows  # The sales of the areas before stay candidates.
        steps.append(SearchStep(area, int(candidates.sum())))
        if candidates.sum() >= settings.minimum_candidates:
            break
    if candidates.sum() < settings.minimum_sales:
        raise NotEnoughSales(
            f"{name} has {steps[0].candidates} valid sales of this type in the last "
            f"{settings.look_back_months} months and the whole county {steps[-1].candidates}; "
            f"at least {settings.minimum_sales} are needed."
        )
    return Candidates(np.flatnonzero(candidates), tuple(steps))


def most_similar(place_of_subject: Floats, places: Floats, number: int) -> tuple[Rows, Floats]:
    """The rows and distances of the places nearest to the subject in the space of similarity, nearest first.

    place_of_subject: shape (d,). places: shape (n, d). Both are in log price, so that a difference counts as much as
    the market pays for it. Of places at the same distance, the earlier row comes first.
    """
    distance = np.sqrt(((places - place_of_subject) ** 2).sum(axis=1))
    nearest = np.argsort(distance, kind="stable")[:number]
    return nearest, distance[nearest]


def months_before(day: np.datetime64, months: int) -> np.datetime64:
    """The same day of an earlier month, or its last day where that month is shorter."""
    month = day.astype("datetime64[M]")
    offset = day - month.astype("datetime64[D]")
    earlier = month - np.timedelta64(months, "M")
    last = (earlier + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    return min(earlier.astype("datetime64[D]") + offset, last)
