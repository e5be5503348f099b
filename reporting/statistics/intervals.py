"""Confidence intervals: order statistics for the median, a seeded bootstrap for the other measures. No Django.

The bootstrap is compiled by numba on first use. Replicate b draws from a stream of its own, made from the seed and b
alone, so the same seed gives the same numbers on any machine and for any number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy  # loads a part when it is first used, so a process without a study does not pay for it

from .ratio_statistics import (
    Interval,
    NotEnoughSales,
    UnusableSales,
    checked,
    checked_confidence,
    checked_ratios,
    order_free_mean,
    order_free_sum,
)

MEASURES = ("median", "mean", "weighted_mean", "cod", "prd", "ki", "mki")
_AT_A_TIME = 25  # the number of replicates that a thread takes at once


@dataclass(frozen=True)
class MedianInterval(Interval):
    """Two of the sorted ratios, by rank from 1, and the probability that they enclose the true median."""

    low_rank: int
    high_rank: int
    coverage: float


def median_interval(ratios: npt.ArrayLike, confidence: float = 0.95) -> MedianInterval:
    """Interval of the median ratio from order statistics; assumes no distribution.

    Count j sales down and j up from the middle, where j is z sqrt(n)/2, and half a sale more when n is even, rounded
    up. `coverage` is the exact (binomial) probability that the two enclose the median; it is never below the
    confidence, for where the rule's normal approximation should fall short the interval takes one rank more.

    Raises NotEnoughSales when even the lowest and highest ratio enclose the median too seldom (five sales at 95 %),
    or as `checked_ratios` does.
    Source: IAAO Standard on Ratio Studies (April 2013), section 5.5; 14 sales at 90 % give ranks 4 and 11.
    """
    of_sales = np.sort(checked_ratios(ratios))
    n = len(of_sales)
    _require_enough(n, confidence)
    reach = float(scipy.special.ndtri(0.5 + confidence / 2)) * math.sqrt(n) / 2
    j = math.ceil(reach + (0 if n % 2 else 0.5))
    low = max(1, (n + 1) // 2 - j if n % 2 else n // 2 + 1 - j)
    while _coverage(low, n) < confidence:
        low -= 1
    high = n + 1 - low
    return MedianInterval(float(of_sales[low - 1]), float(of_sales[high - 1]), low, high, _coverage(low, n))


def fewest_for_median_interval(confidence: float) -> int:
    """The fewest sales whose lowest and highest ratio enclose the median with this confidence: 1 - 2 / 2^n of them."""
    return max(2, math.ceil(1 - math.log2(1 - checked_confidence(confidence))))


def _require_enough(n: int, confidence: float) -> None:
    if n < (fewest := fewest_for_median_interval(confidence)):
        raise NotEnoughSales(
            f"An interval of the median needs at least {fewest} valid sales at {100 * confidence:g} %; there are {n}."
        )


def _coverage(low_rank: int, n: int) -> float:
    """The probability that the sales of this rank from below and from above enclose the median of the population."""
    return float(1 - 2 * scipy.special.bdtr(low_rank - 1, n, 0.5))


CLAPP_MOST_SALES = 30


def clapp_median_interval(ratios: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """Interval of the median of few sales: between two neighboring order statistics, weighed by binomial probability.

    The bound lies so far between the two that, on a straight line between their binomial tails, each tail is exactly
    half of what the confidence leaves; of 17 sales at 95 % it is 0.9899 of the fifth and 0.0101 of the sixth.

    Raises NotEnoughSales as `median_interval` does, UnusableSales for more than 30 sales.
    Source: Clapp (1989); that the edition of October 2026 takes it for up to 30 sales is unconfirmed.
    """
    of_sales = np.sort(checked_ratios(ratios))
    n, tail = len(of_sales), (1 - checked_confidence(confidence)) / 2
    if n > CLAPP_MOST_SALES:
        raise UnusableSales(f"Clapp's interval is for up to {CLAPP_MOST_SALES} sales; there are {n}.")
    _require_enough(n, confidence)
    tails = scipy.special.bdtr(np.arange(n), n, 0.5)
    rank = int(np.searchsorted(tails, tail, side="right"))  # from 1: its own tail is at most what is allowed
    of_lower = float((tails[rank] - tail) / (tails[rank] - tails[rank - 1]))
    low = of_lower * of_sales[rank - 1] + (1 - of_lower) * of_sales[rank]
    high = of_lower * of_sales[n - rank] + (1 - of_lower) * of_sales[n - rank - 1]
    return Interval(float(low), float(high))


BONETT_SEIER_FEWEST_SALES = 4
_STUDENT_BELOW = 30


def bonett_seier_interval(ratios: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """Interval of the COD in percent, for ratios of any distribution, from the logs of dispersion and median.

    The variance of log(mean absolute deviation) is that of a ratio of moments; that of log(median) comes from two
    order statistics about two standard errors apart; their covariance shortens the interval.

    Raises NotEnoughSales below four sales; UnusableSales when all ratios are alike or one it needs is zero, or as
    `checked_ratios` does.
    Source: Bonett and Seier, Biometrical Journal 48-1 (2006), 14-19. That the edition of October 2026 takes it, with
    Student's t below 30 sales, is unconfirmed.
    """
    of_sales = np.sort(checked_ratios(ratios))
    n = len(of_sales)
    if n < BONETT_SEIER_FEWEST_SALES:
        raise NotEnoughSales(
            f"An interval of the COD needs at least {BONETT_SEIER_FEWEST_SALES} valid sales; there are {n}."
        )
    share = 0.5 + checked_confidence(confidence) / 2
    z = float(scipy.special.ndtri(share) if n >= _STUDENT_BELOW else scipy.special.stdtrit(n - 1, share))
    middle, mean = float(np.median(of_sales)), order_free_mean(of_sales)
    deviation = order_free_mean(np.abs(of_sales - middle))
    if not deviation:
        raise UnusableSales("All ratios are alike, so the COD has no interval.")
    variance = order_free_sum((of_sales - mean) ** 2) / (n - 1)
    skew = (mean - middle) / deviation

    def logs_at(distance: float) -> tuple[float, float]:
        """Logs of the two ratios so many ranks below and above the middle."""
        rank = max(round((n + 1) / 2 - distance), 1)
        if not of_sales[rank - 1]:
            raise UnusableSales("A ratio is zero, so the COD has no interval.")
        return math.log(of_sales[rank - 1]), math.log(of_sales[n - rank])

    low, high = logs_at(math.sqrt(n))
    error_of_median = (high - low) / 4
    error_of_deviation = math.sqrt(max(variance / deviation**2 + skew**2 - 1, 0.0) / n)
    together = error_of_median**2 + error_of_deviation**2 - 2 * skew * error_of_median / math.sqrt(n)
    shrunk = z * math.sqrt(max(together, 0.0)) / (error_of_median + error_of_deviation)
    log_deviation = math.log(n / (n - 1) * deviation)
    low, high = logs_at(shrunk * math.sqrt(n) / 2)
    reach = shrunk * error_of_deviation
    return Interval(100 * math.exp(log_deviation - reach - high), 100 * math.exp(log_deviation + reach - low))


def bootstrap_intervals(
    assessed_values: npt.ArrayLike,
    sale_prices: npt.ArrayLike,
    confidence: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
    threads: int = 1,
) -> dict[str, Interval]:
    """Percentile bootstrap intervals of MEASURES: sales drawn with replacement, every measure from the same draws.

    A measure that some replicate leaves undefined (MKI when all drawn prices are equal) has no interval.

    Memory: 4 bytes a sale and thread. threads: one, because a job has one core; the numbers do not depend on it.
    Raises NotEnoughSales below two sales, UnusableSales as `checked` does or for an assessed value of zero.
    Source: IAAO Standard on Ratio Studies (April 2013), section 5.5; Efron's percentile method.
    """
    values = bootstrap_replicates(assessed_values, sale_prices, replicates, seed, threads)
    tails = [0.5 - checked_confidence(confidence) / 2, 0.5 + confidence / 2]
    low, high = np.quantile(values, tails, axis=0)
    intervals = {name: Interval(float(low[i]), float(high[i])) for i, name in enumerate(MEASURES)}
    return {
        name: interval
        for name, interval in intervals.items()
        if math.isfinite(interval.low) and math.isfinite(interval.high)
    }


def bootstrap_replicates(
    assessed_values: npt.ArrayLike,
    sale_prices: npt.ArrayLike,
    replicates: int = 1000,
    seed: int = 0,
    threads: int = 1,
) -> npt.NDArray[np.float64]:
    """MEASURES of each replicate. Shape (replicates, len(MEASURES))."""
    assessed, prices = checked(assessed_values, sale_prices)
    if len(prices) < 2:
        raise NotEnoughSales("A bootstrap interval needs at least two valid sales.")
    if not (assessed > 0).all():
        raise UnusableSales("A bootstrap interval needs assessed values above zero.")
    # Sales sorted by ratio: a replicate is then a count for each sale, and its median one pass without sorting.
    # Equal ratios by price, so that the order in which the sales are given never changes a draw.
    ratios = assessed / prices
    order = np.argsort(ratios)
    if (ratios[order[1:]] == ratios[order[:-1]]).any():
        order = np.lexsort([prices, ratios])
    assessed, prices = assessed[order], prices[order]
    by_price = np.argsort(prices, kind="stable")
    ascending = prices[by_price]
    last_at_price = np.append(ascending[1:] != ascending[:-1], True)
    arrays = (assessed / prices, assessed, prices, assessed[by_price], ascending, by_price, last_at_price)
    out = np.empty((replicates, len(MEASURES)))
    starts = range(0, replicates, _AT_A_TIME)
    replicate = _compiled()

    def run(start: int) -> None:
        replicate(*arrays, np.uint64(seed & 0xFFFFFFFFFFFFFFFF), start, out[start : start + _AT_A_TIME])

    if threads == 1:
        for start in starts:
            run(start)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, starts))
    return out


@cache
def _compiled() -> Callable[..., None]:
    """The kernel in machine code. numba is imported here, so that only a job that needs it pays for it."""
    import numba

    mixed = numba.njit(_mixed, inline="always")
    try:
        return _kernel(lambda function: numba.njit(function, nogil=True, cache=True), mixed)
    except RuntimeError:  # no folder to keep the code in: it is compiled anew in each process
        return _kernel(lambda function: numba.njit(function, nogil=True), mixed)


def _mixed(state: Any) -> Any:
    """64 random bits of a counter: the finisher of splitmix64 (Steele, Lea and Flood 2014)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _kernel(jit: Callable[[Any], Any], mixed: Any) -> Callable[..., None]:
    def replicate(
        ratios: Any, assessed: Any, prices: Any, assessed_up: Any, prices_up: Any, by_price: Any, last_at_price: Any,
        seed: Any, first: int, out: Any,
    ) -> None:  # fmt: skip
        n = len(ratios)
        sales = np.uint64(n)
        step = np.uint64(0x9E3779B97F4A7C15)
        counts = np.empty(n, np.int32)
        for row in range(len(out)):
            # Two indices from each 64 bits: 32 bits x n / 2^32, uneven by less than n / 2^32.
            state = mixed(seed + mixed(np.uint64(first + row + 1) * step))
            counts[:] = 0
            for _ in range(n // 2):
                state += step
                bits = mixed(state)
                counts[((bits >> np.uint64(32)) * sales) >> np.uint64(32)] += 1
                counts[((bits & np.uint64(0xFFFFFFFF)) * sales) >> np.uint64(32)] += 1
            if n % 2:
                counts[((mixed(state + step) >> np.uint64(32)) * sales) >> np.uint64(32)] += 1
            # Up to the median: sums of the lower half.
            below, seen, at = 0.0, 0, 0
            while seen + counts[at] <= (n - 1) // 2:
                below += counts[at] * ratios[at]
                seen += counts[at]
                at += 1
            middle = ratios[at]
            total_assessed = total_price = total_ratio = 0.0
            upper = at
            if n % 2 == 0 and seen + counts[at] == n // 2:  # the two middle ratios are different sales
                upper = at + 1
                while counts[upper] == 0:
                    upper += 1
                middle = 0.5 * (ratios[at] + ratios[upper])
                below += counts[at] * ratios[at]
                seen += counts[at]
            for i in range(n):
                count = counts[i]
                total_ratio += count * ratios[i]
                total_assessed += count * assessed[i]
                total_price += count * prices[i]
            deviations = (seen * middle - below) + (total_ratio - below - (n - seen) * middle)
            # Gini coefficients in price order: c draws at one price after k others share the rank k + (c + 1) / 2.
            ranked_assessed = ranked_price = assessed_at_price = 0.0
            before, at_price = 0, 0
            for i in range(n):
                count = counts[by_price[i]]
                at_price += count
                assessed_at_price += count * assessed_up[i]
                if last_at_price[i]:
                    rank = before + 0.5 * (at_price + 1)
                    ranked_assessed += rank * assessed_at_price
                    ranked_price += rank * at_price * prices_up[i]
                    before += at_price
                    at_price, assessed_at_price = 0, 0.0
            gini_assessed = 2 * ranked_assessed / (n * total_assessed) - (n + 1) / n
            gini_price = 2 * ranked_price / (n * total_price) - (n + 1) / n
            mean, weighted = total_ratio / n, total_assessed / total_price
            out[row, 0] = middle
            out[row, 1] = mean
            out[row, 2] = weighted
            out[row, 3] = 100 * deviations / n / middle
            out[row, 4] = mean / weighted
            out[row, 5] = gini_assessed - gini_price
            out[row, 6] = gini_assessed / gini_price if gini_price > 0 else np.nan

    compiled: Callable[..., None] = jit(replicate)
    return compiled
