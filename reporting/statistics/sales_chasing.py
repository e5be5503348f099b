"""Sales chasing: were sold properties reappraised towards their price, unlike their unsold neighbors? No Django."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # loads each part when it is first used: a process that studies nothing should not pay for it

from .ratio_statistics import Interval, NotEnoughSales, UnusableSales, checked_ratios

FEWEST_SOLD = 10
CLOSE_TO_ONE = (0.98, 1.02)
SUSPICIOUS_SHARE = 0.05


@dataclass(frozen=True)
class SoldUnsold:
    """Percent change of value from one roll to the next, of sold and of unsold properties.

    sold, unsold: numbers of properties. difference: median change of the sold less that of the unsold, in percentage
    points. interval: the 95 % interval of the difference. p_value: of the two-sided Mann-Whitney test that the changes
    of both are alike.
    """

    sold: int
    unsold: int
    median_change_sold: float
    median_change_unsold: float
    difference: float
    interval: Interval
    p_value: float

    def is_chased(self, tolerance: float) -> bool:
        """The medians differ by more than the tolerance (percentage points) for certain, and the test agrees."""
        beyond = self.interval.low > tolerance or self.interval.high < -tolerance
        return beyond and self.p_value < 0.05


def compare_sold_with_unsold(
    change_sold: npt.ArrayLike, change_unsold: npt.ArrayLike, replicates: int = 1000, seed: int = 0
) -> SoldUnsold:
    """Compares percent changes of value, shapes (n,) and (m,). The interval is a seeded bootstrap of both medians.

    Raises NotEnoughSales when there are fewer than ten of either, UnusableSales for a change that is not a number.
    Source: IAAO Standard on Ratio Studies (April 2013), Appendix E: comparison of value changes of sold and unsold.
    """
    sold, unsold = _checked_changes(change_sold, "sold"), _checked_changes(change_unsold, "unsold")
    if min(len(sold), len(unsold)) < FEWEST_SOLD:
        raise NotEnoughSales(
            f"Sold and unsold can be compared with at least {FEWEST_SOLD} of each; "
            f"there are {len(sold)} sold and {len(unsold)} unsold."
        )
    differences = _medians(sold, replicates, seed) - _medians(unsold, replicates, seed + 1)
    low, high = np.quantile(differences, [0.025, 0.975])
    medians = float(np.median(sold)), float(np.median(unsold))
    test = scipy.stats.mannwhitneyu(sold, unsold, alternative="two-sided", method="asymptotic")
    p_value = float(test.pvalue)
    return SoldUnsold(
        sold=len(sold),
        unsold=len(unsold),
        median_change_sold=medians[0],
        median_change_unsold=medians[1],
        difference=medians[0] - medians[1],
        interval=Interval(float(low), float(high)),
        p_value=1.0 if math.isnan(p_value) else p_value,
    )


def _checked_changes(changes: npt.ArrayLike, group: str) -> npt.NDArray[np.float64]:
    numbers = np.asarray(changes, dtype=np.float64)
    if bad := int(np.sum(~np.isfinite(numbers))):
        raise UnusableSales(f"{bad} of {numbers.size} changes of {group} properties are not a number.")
    return numbers


def _medians(values: npt.NDArray[np.float64], replicates: int, seed: int) -> npt.NDArray[np.float64]:
    """Medians of samples drawn with replacement, without drawing the samples.

    The k-th smallest of n draws from the sales is the sale at the share of the ordered sales that a Beta(k, n - k + 1)
    distribution gives, so one such number stands for a whole sample.
    """
    ordered, n = np.sort(values), len(values)
    rng = np.random.default_rng(seed)
    k = (n + 1) // 2
    share = rng.beta(k, n - k + 1, replicates)
    return np.asarray(ordered[np.minimum((share * n).astype(np.int64), n - 1)])


def ratios_bunch_at_one(ratios: npt.ArrayLike) -> tuple[bool, bool]:
    """Two signs of sales chasing that need no second roll: ratios that jump at one, and too many ratios near one.

    The first sign: the most frequent ratio is that of more than 5 % of the sales and lies between 0.98 and 1.02.
    The second sign: the share of ratios from 0.98 to 1.02 differs by more than 5 percentage points, up or down, from
    that of a normal distribution with the same mean and deviation. Both are heuristics; the comparison of sold with
    unsold properties is the proof. Raises as `checked_ratios` does.
    """
    ordered = np.sort(checked_ratios(ratios))
    low, high = CLOSE_TO_ONE
    values, counts = np.unique(ordered, return_counts=True)
    largest = int(np.argmax(counts))
    jump = counts[largest] / len(ordered) > SUSPICIOUS_SHARE and low < values[largest] < high
    mean, deviation = float(ordered.mean()), float(ordered.std(ddof=1)) if len(ordered) > 1 else 0.0
    if deviation == 0:
        return bool(jump), False
    expected = float(scipy.special.ndtr((high - mean) / deviation) - scipy.special.ndtr((low - mean) / deviation))
    within = float(np.mean((ordered >= low) & (ordered <= high)))
    return bool(jump), abs(within - expected) > SUSPICIOUS_SHARE
