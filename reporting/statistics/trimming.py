"""Trim rules: which sales are left out of a study for their ratio alone. A rule is applied once. No Django.

The rule is part of the result, because the choice of a rule can turn a failing COD into a passing one. A study
therefore shows its measures under every rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .ratio_statistics import checked_ratios

NONE, IQR_1_5, IQR_3, PERCENTILE, WASHINGTON = "none", "iqr_1_5", "iqr_3", "percentile_5_95", "washington"
TRIM_RULES = {
    NONE: "No trimming",
    IQR_1_5: "Beyond 1.5 x interquartile range",
    IQR_3: "Beyond 3 x interquartile range",
    PERCENTILE: "Beyond the 5th and 95th percentile",
    WASHINGTON: "Washington: ratio under 25 % or over 175 %",
}
WASHINGTON_LOW, WASHINGTON_HIGH = 0.25, 1.75
WASHINGTON_SHARE = 0.05


@dataclass(frozen=True)
class Trim:
    """What a rule does to the sales of a study.

    stays: shape (n,), True where the sale stays. low, high: the bounds; a ratio on a bound stays. None without bounds.
    """

    rule: str
    stays: npt.NDArray[np.bool_]
    low: float | None
    high: float | None
    note: str = ""

    @property
    def trimmed(self) -> int:
        return int(np.sum(~self.stays))


def trim(ratios: npt.ArrayLike, rule: str) -> Trim:
    """Applies the rule once to ratios of shape (n,).

    The fences are Q1 - k IQR and Q3 + k IQR, quartiles by linear interpolation (Hyndman-Fan type 7).
    Raises KeyError for a rule not in TRIM_RULES, UnusableSales for a ratio that is negative or not a number, because
    it would make the quartiles meaningless. Without ratios nothing is trimmed.
    Source: IAAO Standard on Ratio Studies (April 2013), Appendix B; WAC 458-53-070(4) and 458-53-080, code 8.
    """
    if not np.size(ratios):
        return Trim(rule, np.ones(0, dtype=bool), None, None)
    numbers = checked_ratios(ratios)
    if rule not in TRIM_RULES:
        raise KeyError(rule)
    if rule == NONE:
        return Trim(rule, np.ones(len(numbers), dtype=bool), None, None)
    if rule == WASHINGTON:
        return _washington(numbers)
    low, high = _percentiles(numbers) if rule == PERCENTILE else _fences(numbers, {IQR_1_5: 1.5, IQR_3: 3.0}[rule])
    return Trim(rule, (numbers >= low) & (numbers <= high), low, high)


def _fences(ratios: npt.NDArray[np.float64], multiple: float) -> tuple[float, float]:
    first, third = np.quantile(ratios, [0.25, 0.75])
    return float(first - multiple * (third - first)), float(third + multiple * (third - first))


def _percentiles(ratios: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The 5th and 95th percentile. They drop a tenth of any sample, however good, and IAAO advises fences instead; some
    offices are used to them. Two sales would both be dropped, so below three sales nothing is.
    """
    if len(ratios) < 3:
        return float(ratios.min()), float(ratios.max())
    low, high = np.quantile(ratios, [0.05, 0.95])
    return float(low), float(high)


def _washington(ratios: npt.NDArray[np.float64]) -> Trim:
    """The Washington rule. A ratio on a bound stays. All sales stay when more than 5 % lie outside the bounds."""
    stays = (ratios >= WASHINGTON_LOW) & (ratios <= WASHINGTON_HIGH)
    outside = int(np.sum(~stays))
    if outside > WASHINGTON_SHARE * len(ratios):
        note = f"{outside} of {len(ratios)} sales lie outside, more than 5 %, so all are kept (WAC 458-53-070(4))."
        return Trim(WASHINGTON, np.ones(len(ratios), dtype=bool), WASHINGTON_LOW, WASHINGTON_HIGH, note)
    return Trim(WASHINGTON, stays, WASHINGTON_LOW, WASHINGTON_HIGH)
