"""From adjusted comparables to one value: weights, range and confidence. No Django, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from statistics import median

import numpy as np

from .adjustments import AdjustedSale, whole_dollars
from .comparables import Candidates, Floats

MILLIONTH = Decimal("0.000001")
# Added to every gross adjustment before it is inverted, so that a sale that happens to need no adjustment does not take
# the whole weight. Below ten percent, a smaller adjustment is hardly better evidence.
GROSS_FLOOR_PERCENT = 10.0
INTERVAL = 0.90


def weights_by_gross_adjustment(gross_percents: Sequence[float]) -> tuple[Decimal, ...]:
    """Weights of six decimals that sum to exactly 1. The less a comparable was adjusted, the more it counts.

    gross_percents: one for each comparable, zero or more, in percent of its sale price.
    """
    shares = [1 / (GROSS_FLOOR_PERCENT + gross) for gross in gross_percents]
    exact = [Decimal(share / sum(shares)) for share in shares]
    weights = [weight.quantize(MILLIONTH, ROUND_DOWN) for weight in exact]
    missing = int((1 - sum(weights)) / MILLIONTH)
    by_remainder = sorted(range(len(weights)), key=lambda position: weights[position] - exact[position])
    for position in by_remainder[:missing]:
        weights[position] += MILLIONTH
    return tuple(weights)


def weighted_value(comparables: Sequence[AdjustedSale], weights: Sequence[Decimal]) -> int:
    """Sum of weight x adjusted price, to the dollar."""
    terms = (weight * comparable.adjusted_sale_price for weight, comparable in zip(weights, comparables, strict=True))
    return whole_dollars(sum(terms, Decimal(0)))


def value_range(value: int, fitted: Floats, left_out_residuals: Floats) -> tuple[int, int]:
    """The central 90 % interval of the value, in dollars.

    fitted: the model's log price of each of the n sales. left_out_residuals: the model's log error on each sale when
    that sale is not in the fit. The error of cheap houses differs from that of dear ones, so with 250 sales or more the
    interval is that of the fifth of the market in which the value lies.
    """
    errors = np.abs(left_out_residuals)
    if len(fitted) >= 250:
        edges = np.quantile(fitted, [0.2, 0.4, 0.6, 0.8])
        errors = errors[np.searchsorted(edges, fitted) == np.searchsorted(edges, np.log(value))]
    half_width = float(np.quantile(errors, INTERVAL))
    return whole_dollars(value * np.exp(-half_width)), whole_dollars(value * np.exp(half_width))


LEVELS = ("high", "medium", "low")


@dataclass(frozen=True)
class Confidence:
    """How reliable an estimate is. `level` is one of LEVELS; the reasons say why it is not higher."""

    level: str
    reasons: tuple[str, ...]


def judge(comparables: Sequence[AdjustedSale], candidates: Candidates, number: int) -> Confidence:
    """The confidence in an estimate. number: of comparables the settings want.

    Each weakness is a reason. The confidence is high without a reason, medium with one, and low with more or when the
    adjusted prices have a spread above 20 %.
    """
    prices = [comparable.adjusted_sale_price for comparable in comparables]
    spread = 100 * float(np.std(prices)) / float(np.mean(prices))
    gross = median(comparable.gross_percent for comparable in comparables)
    reasons = []
    if spread > 10:
        reasons.append(f"The adjusted prices scatter by {spread:.0f} % around their mean (10 % is usual).")
    if gross > 25:
        reasons.append(f"Half of the comparables needed more than {gross:.0f} % gross adjustment.")
    if candidates.widened:
        reasons.append(f"The neighborhood has too few sales; searched {candidates.steps[-1].area}.")
    if len(comparables) < number:
        reasons.append(f"Only {len(comparables)} of {number} comparables were found.")
    level = "low" if len(reasons) > 1 or spread > 20 else "medium" if reasons else "high"
    return Confidence(level, tuple(reasons))
