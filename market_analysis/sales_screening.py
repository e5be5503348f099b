"""Sales that do not look like arm's length, each with its reasons. Suggestions: staff decide. No Django, no names."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from .selection import Selection, day_number, in_window, price_per_sqft

if TYPE_CHECKING:
    from terrafusion.analytics.engine import Market

MOST_REASONS = 3
SAME_PRICE_DAYS = 365
MAD = 1.4826  # times the median absolute deviation: a standard deviation where prices are log-normal
LEAST_SPREAD = 0.05  # of a log price; a group of equal houses must not make every cent suspicious

MULTI_PARCEL, RELATED, PRICE_LOW, PRICE_HIGH = "multi_parcel", "related_names", "price_low", "price_high"
SQFT_LOW, SQFT_HIGH = "price_per_sqft_low", "price_per_sqft_high"
QUICK_RESALE, SOLD_ON, SAME_PRICE = "quick_resale", "sold_again_soon", "same_price"


@dataclass(frozen=True)
class Thresholds:
    """deviations: robust standard deviations of the log price from its group; both sides.

    resale_days: sooner is quick. group_size: a smaller group is widened to the whole county's type and year.
    """

    deviations: float = 3.0
    resale_days: int = 180
    group_size: int = 15


@dataclass(frozen=True)
class Reason:
    """code: one of a closed set. strength: orders the reasons of one sale, the strongest first."""

    code: str
    text: str
    strength: float

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "text": self.text}


@dataclass(frozen=True)
class Flagged:
    """A sale with up to three reasons."""

    sale_key: int
    sale_id: str
    property_id: str | None
    sale_date: Any
    sale_price: int
    reasons: tuple[Reason, ...]


def screen(
    market: Market, selection: Selection, thresholds: Thresholds, related: Collection[int], include_invalid: bool
) -> list[Flagged]:
    """Suspicious sales in order of date. related: keys of the sales whose names look related.

    include_invalid: also those the county's own code already sets aside.
    """
    expression = suspicious_sales(market.sales, selection, thresholds, related, include_invalid)
    found: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in market.rows(expression):
        found[row["sale_key"]].append(row)
    return [_flagged(rows, thresholds, related) for rows in found.values()]


def screened_sales(sales: ibis.Table, selection: Selection, include_invalid: bool) -> ibis.Table:
    """The sales a screening looks at."""
    chosen = in_window(sales, selection)
    chosen = chosen.filter(chosen.sale_price > 0)
    return chosen if include_invalid else chosen.filter(chosen.coded_valid)


def suspicious_sales(
    sales: ibis.Table,
    selection: Selection,
    thresholds: Thresholds,
    related: Collection[int],
    include_invalid: bool,
) -> ibis.Table:
    """One row for each suspicious parcel of a sale, with the figures its reasons are made of."""
    chosen = _with_neighbors_in_time(_columns(screened_sales(sales, selection, include_invalid)))
    for measure in ("price", "sqft"):
        chosen = _with_deviation(chosen, measure, thresholds.group_size)
    suspicious = (
        (chosen.parcel_count > 1)
        | (chosen.price_deviation.abs() > thresholds.deviations)
        | (chosen.sqft_deviation.abs() > thresholds.deviations)
        | (chosen.days_before <= thresholds.resale_days)
        | (chosen.days_after <= thresholds.resale_days)
        | ((chosen.price_before == chosen.sale_price) & (chosen.days_before <= SAME_PRICE_DAYS))
        | ((chosen.price_after == chosen.sale_price) & (chosen.days_after <= SAME_PRICE_DAYS))
    ).fill_null(False)
    if related:
        suspicious = suspicious | chosen.sale_key.isin(sorted(related))
    return chosen.filter(suspicious).order_by("sale_date", "sale_key", "property_id")


def _columns(chosen: ibis.Table) -> ibis.Table:
    single = chosen.parcel_count == 1
    return chosen.select(
        "sale_key", "sale_id", "property_id", "property_key", "sale_date", "sale_price", "parcel_count",
        "neighborhood", "property_type",
        day=day_number(chosen.sale_date),
        year=chosen.sale_date.year().cast("int64"),
        # A deed of several parcels has no price of one; it is suspicious anyway and spoils no group.
        log_price=ibis.ifelse(single, chosen.sale_price.cast("float64").ln(), ibis.null("float64")),
        log_sqft=ibis.ifelse(single, price_per_sqft(chosen), ibis.null("float64")).ln(),
    )  # fmt: skip


def _with_neighbors_in_time(chosen: ibis.Table) -> ibis.Table:
    """The sale of the same property before and after: days between, and its price."""
    own = ibis.window(group_by="property_key", order_by=["day", "sale_key"])

    def other(column: Any, step: str) -> Any:
        # NULL where the property is not on the roll: such sales are no series of one property.
        shifted = getattr(column.cast(ibis.dtype("float64")), step)().over(own)
        return ibis.ifelse(chosen.property_key.notnull(), shifted, ibis.null("float64"))

    return chosen.mutate(
        days_before=chosen.day - other(chosen.day, "lag"),
        price_before=other(chosen.sale_price, "lag"),
        days_after=other(chosen.day, "lead") - chosen.day,
        price_after=other(chosen.sale_price, "lead"),
    )


def _with_deviation(chosen: ibis.Table, measure: str, group_size: int) -> ibis.Table:
    """How many robust deviations the log measure lies from its group's median, and that median.

    The group is neighborhood, property type and year; one that is too small is the county's type and year.
    """
    value = f"log_{measure}"
    narrow, wide = ["neighborhood", "property_type", "year"], ["property_type", "year"]
    near, far = _group(chosen, value, narrow, "near"), _group(chosen, value, wide, "far")
    joined = chosen.left_join(near, narrow).drop(*(f"{each}_right" for each in narrow))
    joined = joined.left_join(far, wide).drop(*(f"{each}_right" for each in wide))
    enough = (joined.near_n >= group_size).fill_null(False)
    far_enough = (joined.far_n >= group_size).fill_null(False)
    nothing = ibis.null("float64")
    middle = ibis.ifelse(enough, joined.near_middle, ibis.ifelse(far_enough, joined.far_middle, nothing))
    spread = ibis.ifelse(enough, joined.near_spread, ibis.ifelse(far_enough, joined.far_spread, nothing))
    joined = joined.mutate(
        **{
            f"{measure}_deviation": (joined[value] - middle) / spread,
            f"{measure}_middle": middle.exp(),
            f"{measure}_group": ibis.ifelse(enough, joined.near_n, joined.far_n),
            f"{measure}_near": enough.cast("int64"),  # ClickHouse has no true boolean to give back
        }
    )
    return joined.drop("near_n", "near_middle", "near_spread", "far_n", "far_middle", "far_spread")


def _group(chosen: ibis.Table, value: str, by: list[str], prefix: str) -> ibis.Table:
    """Number, median and robust spread of each group's known values."""
    known = chosen.filter(chosen[value].notnull()).select(*by, value)
    middles = known.group_by(by).aggregate(n=known.count(), middle=known[value].median())
    joined = known.join(middles, by)
    off = joined.mutate(off=(joined[value] - joined.middle).abs())
    spread = ibis.greatest(MAD * off.off.median(), LEAST_SPREAD)
    grouped = off.group_by([*by, "n", "middle"]).aggregate(spread=spread)
    return grouped.rename({f"{prefix}_{name}": name for name in ("n", "middle", "spread")})


def _flagged(rows: list[Mapping[str, Any]], thresholds: Thresholds, related: Collection[int]) -> Flagged:
    first = rows[0]
    reasons = _reasons(first, thresholds)
    if first["sale_key"] in related:
        reasons.append(Reason(RELATED, "Seller and buyer share a surname.", 50.0))
    reasons.sort(key=lambda each: (-each.strength, each.code))
    return Flagged(
        first["sale_key"], first["sale_id"], first["property_id"], first["sale_date"], first["sale_price"],
        tuple(reasons[:MOST_REASONS]),
    )  # fmt: skip


def _reasons(row: Mapping[str, Any], thresholds: Thresholds) -> list[Reason]:
    reasons = []
    if row["parcel_count"] > 1:
        reasons.append(Reason(MULTI_PARCEL, f"The deed conveys {row['parcel_count']} parcels.", 100.0))
    for measure, words, low, high in (
        ("price", "price", PRICE_LOW, PRICE_HIGH),
        ("sqft", "price per square foot", SQFT_LOW, SQFT_HIGH),
    ):
        deviation = row[f"{measure}_deviation"]
        if deviation is not None and abs(deviation) > thresholds.deviations:
            reasons.append(_price_reason(row, measure, words, low if deviation < 0 else high))
    reasons += _time_reasons(row, thresholds)
    return reasons


def _price_reason(row: Mapping[str, Any], measure: str, words: str, code: str) -> Reason:
    middle, own = row[f"{measure}_middle"], row["sale_price"]
    if measure == "sqft":
        own = row[f"{measure}_middle"] * _ratio(row, measure)
    group = f"neighborhood {row['neighborhood']}" if row[f"{measure}_near"] else "the county"
    kind = row["property_type"].replace("_", "-")
    text = (
        f"The {words}, ${own:,.0f}, is {100 * _ratio(row, measure):.0f} % of the median ${middle:,.0f} of "
        f"{row[f'{measure}_group']:,} {kind} sales of {row['year']} in {group}."
    )
    return Reason(code, text, float(abs(row[f"{measure}_deviation"])))


def _ratio(row: Mapping[str, Any], measure: str) -> float:
    return math.exp(row[f"log_{measure}"]) / float(row[f"{measure}_middle"])


def _time_reasons(row: Mapping[str, Any], thresholds: Thresholds) -> list[Reason]:
    reasons = []
    for code, when, days, price in (
        (QUICK_RESALE, "before", row["days_before"], row["price_before"]),
        (SOLD_ON, "after", row["days_after"], row["price_after"]),
    ):
        if days is None:
            continue
        if price == row["sale_price"] and days <= SAME_PRICE_DAYS:
            reasons.append(
                Reason(SAME_PRICE, f"The same property sold for the same price {days:.0f} days {when}.", 20.0)
            )
        elif days <= thresholds.resale_days:
            text = f"The same property sold for ${price:,.0f} {days:.0f} days {when}."
            reasons.append(Reason(code, text, 2.0 + 2.0 * (1 - days / max(thresholds.resale_days, 1))))
    return reasons
