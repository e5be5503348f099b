"""Trim rules: which sales are left out of a study for their ratio alone. Applied once, never again. No Django.

The rule is part of the result: one choice can turn a failing COD into a passing one. A study therefore shows every
rule side by side.
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
    """kept: shape (n,), True where the sale stays. low, high: the bounds, both kept; None without bounds."""

    rule: str
    kept: npt.NDArray[np.bool_]
    low: float | None
    high: float | None
    note: str = ""

    @property
    def trimmed(self) -> int:
        return int(np.sum(~self.kept))


def trim(ratios: npt.ArrayLike, rule: str) -> Trim:
    """Applies the rule once to ratios of shape (n,).

    The fences are Q1 - k IQR and Q3 + k IQR, quartiles by linear interpolation (Hyndman-Fan type 7).
    Raises KeyError for a rule not in TRIM_RULES, UnusableSales for a ratio that is negative or not a number: no bound
    holds such a one, and it would take the others with it. Of no ratios none is trimmed.
    Source: IAAO Standard on Ratio Studies (April 2013), Appendix B; WAC 458-53-070(4) and 458-53-080, code 8.
    """
    if not np.size(ratios):
        return Trim(rule, np.ones(0, dtype=bool), None, None)
    of_sales = checked_ratios(ratios)
    if rule not in TRIM_RULES:
        raise KeyError(rule)
    if rule == NONE:
        return Trim(rule, np.ones(len(of_sales), dtype=bool), None, None)
    if rule == WASHINGTON:
        return _washington(of_sales)
    low, high = _percentiles(of_sales) if rule == PERCENTILE else _fences(of_sales, {IQR_1_5: 1.5, IQR_3: 3.0}[rule])
    return Trim(rule, (of_sales >= low) & (of_sales <= high), low, high)


def _fences(ratios: npt.NDArray[np.float64], multiple: float) -> tuple[float, float]:
    first, third = np.quantile(ratios, [0.25, 0.75])
    return float(first - multiple * (third - first)), float(third + multiple * (third - first))


def _percentiles(ratios: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Drops a tenth of any sample, however good: some offices are used to it; IAAO advises fences instead.

    Of two sales it would drop both, so they are kept.
    """
    if len(ratios) < 3:
        return float(ratios.min()), float(ratios.max())
    low, high = np.quantile(ratios, [0.05, 0.95])
    return float(low), float(high)


def _washington(ratios: npt.NDArray[np.float64]) -> Trim:
    """The bounds themselves stay; so do all sales when more than 5 % lie outside."""
    kept = (ratios >= WASHINGTON_LOW) & (ratios <= WASHINGTON_HIGH)
    outside = int(np.sum(~kept))
    if outside > WASHINGTON_SHARE * len(ratios):
        note = f"{outside} of {len(ratios)} sales lie outside, more than 5 %, so all are kept (WAC 458-53-070(4))."
        return Trim(WASHINGTON, np.ones(len(ratios), dtype=bool), WASHINGTON_LOW, WASHINGTON_HIGH, note)
    return Trim(WASHINGTON, kept, WASHINGTON_LOW, WASHINGTON_HIGH)
