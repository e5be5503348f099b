"""Trim rules: which sales are left out of a study for their ratio alone. Applied once, never again. No Django.

The rule is part of the result: one choice can turn a failing COD into a passing one. A study therefore shows every
rule side by side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NONE, IQR_1_5, IQR_3, WASHINGTON = "none", "iqr_1_5", "iqr_3", "washington"
TRIM_RULES = {
    NONE: "No trimming",
    IQR_1_5: "Beyond 1.5 x interquartile range",
    IQR_3: "Beyond 3 x interquartile range",
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
    Raises KeyError for a rule not in TRIM_RULES.
    Source: IAAO Standard on Ratio Studies (April 2013), Appendix B; WAC 458-53-070(4) and 458-53-080, code 8.
    """
    of_sales = np.asarray(ratios, dtype=np.float64)
    if rule == NONE or not len(of_sales):
        return Trim(rule, np.ones(len(of_sales), dtype=bool), None, None)
    if rule == WASHINGTON:
        return _washington(of_sales)
    multiple = {IQR_1_5: 1.5, IQR_3: 3.0}[rule]
    first, third = np.quantile(of_sales, [0.25, 0.75])
    low, high = float(first - multiple * (third - first)), float(third + multiple * (third - first))
    return Trim(rule, (of_sales >= low) & (of_sales <= high), low, high)


def _washington(ratios: npt.NDArray[np.float64]) -> Trim:
    """The bounds themselves stay; so do all sales when more than 5 % lie outside."""
    kept = (ratios >= WASHINGTON_LOW) & (ratios <= WASHINGTON_HIGH)
    outside = int(np.sum(~kept))
    if outside > WASHINGTON_SHARE * len(ratios):
        note = f"{outside} of {len(ratios)} sales lie outside, more than 5 %, so all are kept (WAC 458-53-070(4))."
        return Trim(WASHINGTON, np.ones(len(ratios), dtype=bool), WASHINGTON_LOW, WASHINGTON_HIGH, note)
    return Trim(WASHINGTON, kept, WASHINGTON_LOW, WASHINGTON_HIGH)
