"""The level of the market through time, as a price index has it. No Django."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MarketLevels:
    """days (since the epoch) and log_levels: straight between the points, level beyond them."""

    days: Floats
    log_levels: Floats

    def log_at(self, days: Floats) -> Floats:
        """Logarithm of the level on each day. Only differences mean something."""
        return np.interp(days, self.days, self.log_levels)


def levels_of(periods: Sequence[tuple[date, float]], days_a_period: float | None = None) -> MarketLevels:
    """The start of each period (one at least) and its mean level, above zero, which stands in the period's middle.

    days_a_period: None takes the shortest step between two periods.
    """
    ordered = sorted(periods)
    starts = days_since_epoch([start for start, _ in ordered])
    # A single level is the same on every day.
    length = days_a_period or (float(np.diff(starts).min()) if len(starts) > 1 else 0.0)
    return MarketLevels(starts + length / 2, np.log([level for _, level in ordered]))


def days_since_epoch(dates: Sequence[date] | npt.NDArray[np.datetime64]) -> Floats:
    return np.asarray(dates, dtype="datetime64[D]").astype(np.int64).astype(np.float64)
