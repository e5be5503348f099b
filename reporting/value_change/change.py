"""Two values of the same properties, before and after: how they differ, and for which groups. No Django."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..ratio_study.study_sales import Texts, in_natural_order
from ..statistics.ratio_statistics import Floats, NotEnoughSales

PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
MOST_AFFECTED = 25


@dataclass(frozen=True)
class ValuePairs:
    """The properties with a value above zero both before and after. Arrays of shape (n,); values in dollars."""

    keys: npt.NDArray[np.int64]
    before: Floats
    after: Floats
    property_class: Texts
    tax_code_area: Texts

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def percent(self) -> Floats:
        return 100 * (self.after / self.before - 1)


@dataclass(frozen=True)
class GroupShift:
    """A property class or tax area before and after. The shares are percent of the total value of all properties."""

    label: str
    properties: int
    before: int
    after: int
    median_change: float
    share_before: float
    share_after: float

    @property
    def change_percent(self) -> float:
        return 100 * (self.after / self.before - 1)

    @property
    def shift(self) -> float:
        """Percentage points; above zero, the group bears more of a levy of fixed amount."""
        return self.share_after - self.share_before


@dataclass(frozen=True)
class Distribution:
    """How the values changed. percentiles: percent change at each of PERCENTILES. raised, lowered, unchanged: numbers
    of properties.
    """

    properties: int
    before: int
    after: int
    percentiles: tuple[float, ...]
    raised: int
    lowered: int
    unchanged: int

    @property
    def change_percent(self) -> float:
        return 100 * (self.after / self.before - 1)


def distribution_of(pairs: ValuePairs) -> Distribution:
    """How the values of all properties changed. Raises NotEnoughSales when there is no property."""
    if not len(pairs):
        raise NotEnoughSales("No property has a value above zero both before and after.")
    return Distribution(
        properties=len(pairs),
        before=int(pairs.before.sum()),
        after=int(pairs.after.sum()),
        percentiles=tuple(np.percentile(pairs.percent, PERCENTILES).tolist()),
        raised=int(np.sum(pairs.after > pairs.before)),
        lowered=int(np.sum(pairs.after < pairs.before)),
        unchanged=int(np.sum(pairs.after == pairs.before)),
    )


def shift_by(pairs: ValuePairs, labels: Texts) -> list[GroupShift]:
    """The shift of each group, in natural order; the shares of all groups add up to 100 before and after."""
    before, after = float(pairs.before.sum()), float(pairs.after.sum())
    shifts = []
    for label in in_natural_order(labels):
        members = labels == label
        own_before, own_after = float(pairs.before[members].sum()), float(pairs.after[members].sum())
        shifts.append(
            GroupShift(
                label=label,
                properties=int(members.sum()),
                before=int(own_before),
                after=int(own_after),
                median_change=float(np.median(pairs.percent[members])),
                share_before=100 * own_before / before,
                share_after=100 * own_after / after,
            )
        )
    return shifts


def most_affected(pairs: ValuePairs, count: int = MOST_AFFECTED) -> tuple[Sequence[int], Sequence[int]]:
    """The positions of the largest rises and of the largest falls in percent. An unchanged property is neither."""
    order = np.argsort(pairs.percent, kind="stable").tolist()
    falls = [position for position in order[:count] if pairs.after[position] < pairs.before[position]]
    rises = [position for position in order[::-1][:count] if pairs.after[position] > pairs.before[position]]
    return rises, falls
