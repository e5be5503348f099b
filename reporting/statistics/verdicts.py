"""Whether a stratum meets the standard, judged by the interval of a measure and never by its point alone. No Django."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .ratio_statistics import Interval

MEETS, FAILS = "meets", "does not meet"
MOST_SALES_NAMED = 1_000_000


@dataclass(frozen=True)
class Band:
    """The range a standard accepts. Both bounds are included."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Verdict:
    """Whether a measure meets the standard. word: "meets", "does not meet" or "cannot tell with n = 18".

    sales_needed: about how many sales would settle the verdict if the measure stayed where it is. None when the verdict
    is settled, when no number of sales would settle it because the measure lies on the bound, or when there is no
    interval.
    """

    measure: str
    word: str
    band: Band
    sales_needed: int | None = None

    @property
    def is_settled(self) -> bool:
        return self.word in (MEETS, FAILS)


def judge(measure: str, value: float | None, interval: Interval | None, band: Band, n: int) -> Verdict:
    """A measure meets the standard when its whole interval lies inside the band, and does not meet it when the whole
    interval lies outside. Otherwise the verdict is "cannot tell".

    Source: IAAO Standard on Ratio Studies (April 2013), section 5.5: a jurisdiction is out of compliance only when
    the interval says so with the stated confidence.
    """
    if value is None or interval is None or not all(map(math.isfinite, (value, interval.low, interval.high))):
        return Verdict(measure, cannot_tell(n), band)
    if band.low <= interval.low and interval.high <= band.high:
        return Verdict(measure, MEETS, band)
    if interval.high < band.low or interval.low > band.high:
        return Verdict(measure, FAILS, band)
    return Verdict(measure, cannot_tell(n), band, _sales_needed(value, interval, band, n))


def cannot_tell(n: int) -> str:
    return f"cannot tell with n = {n}"


def _sales_needed(value: float, interval: Interval, band: Band, n: int) -> int | None:
    """About how many sales it takes until the interval no longer crosses a bound: it shrinks with the root of n."""
    below, above = max(value - interval.low, 0.0), max(interval.high - value, 0.0)
    if band.holds(value):
        crossed = [(below, value - band.low), (above, band.high - value)]
    else:
        crossed = [(above, band.low - value)] if value < band.low else [(below, value - band.high)]
    times = max((reach / room if room > 0 else math.inf) if reach > room else 1.0 for reach, room in crossed)
    needed = n * times**2
    if not math.isfinite(needed) or needed > MOST_SALES_NAMED:
        return None
    return max(n + 1, math.ceil(needed))
