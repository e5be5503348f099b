"""Sales that do not look like arm's length, each with its reasons. Staff decide on them. No Django, no names."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from terrafusion.analytics.engine import or_null

from ..selection import Selection, day_number, in_window, on_days, price_per_sqft, widened
from .related_names import IN_TRUST, RELATED, SAME_COMPANY

if TYPE_CHECKING:
    from terrafusion.analytics.engine import Market

MOST_REASONS = 3
KEYS_AT_A_TIME = 5000
_SHOWN = ("sale_key", "sale_id", "property_id", "sale_date", "sale_price", "coded_valid")
SAME_PRICE_DAYS = 365
MAD = 1.4826  # The median absolute deviation times this is the standard deviation of log-normal prices.
LEAST_SPREAD = 0.05  # of log prices, so that a group of equal houses does not make every cent suspicious

MULTI_PARCEL, PRICE_LOW, PRICE_HIGH = "multi_parcel", "price_low", "price_high"
BY_NAME = {
    RELATED: "Seller and buyer share a surname.",
    IN_TRUST: "One party is the trust or estate of a family that the other party's surname names.",
    SAME_COMPANY: "Seller and buyer are companies of the same name.",
}
SQFT_LOW, SQFT_HIGH = "price_per_sqft_low", "price_per_sqft_high"
VALUE_LOW, VALUE_HIGH = "price_to_value_low", "price_to_value_high"
# By measure: what is compared with the group, and the codes for too low and too high.
MEASURES = {
    "price": ("price", PRICE_LOW, PRICE_HIGH),
    "sqft": ("price per square foot", SQFT_LOW, SQFT_HIGH),
    "value": ("price as a multiple of the market value on the roll", VALUE_LOW, VALUE_HIGH),
}
QUICK_RESALE, SOLD_ON, SAME_PRICE = "quick_resale", "sold_again_soon", "same_price"


@dataclass(frozen=True)
class Thresholds:
    """When a sale is suspicious.

    deviations: a log price further than this many robust standard deviations from its group, up or down. resale_days:
    a resale within so many days is quick. group_size: a group with fewer sales is widened to the sales of its property
    type and year in the whole county.
    """

    deviations: float = 3.0
    resale_days: int = 180
    group_size: int = 15


@dataclass(frozen=True)
class Reason:
    """Why a sale is suspicious. strength: orders the reasons of one sale, the strongest first."""

    code: str
    text: str
    strength: float

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "text": self.text}


@dataclass(frozen=True)
class Flagged:
    """A suspicious sale with up to three reasons. coded_valid: the county's own code says it is at arm's length."""

    sale_key: int
    sale_id: str
    property_id: str | None
    sale_date: Any
    sale_price: int
    coded_valid: bool
    reasons: tuple[Reason, ...]


def screen(
    market: Market,
    selection: Selection,
    thresholds: Thresholds,
    related: Mapping[int, str] | Collection[int],
    include_invalid: bool,
) -> list[Flagged]:
    """The suspicious sales in order of date.

    related: how seller and buyer are related by name (a key of BY_NAME), by the key of the sale; a collection of keys
    means that they share a surname. include_invalid: screen also the sales that the county's own code sets aside.
    """
    by_name = related if isinstance(related, Mapping) else dict.fromkeys(related, RELATED)
    suspicious: dict[int, Mapping[str, Any]] = {}
    for row in market.rows(suspicious_sales(market, selection, thresholds, include_invalid)):
        suspicious.setdefault(row["sale_key"], row)  # the first of several parcels
    flagged = [_flagged(row, _reasons(row, thresholds), by_name) for row in suspicious.values()]
    others = sorted(set(by_name) - set(suspicious))
    flagged += [_flagged(row, [], by_name) for row in _sales_of(market, selection, others, include_invalid)]
    return sorted(flagged, key=lambda sale: (sale.sale_date, sale.sale_key))


def _sales_of(
    market: Market, selection: Selection, keys: Sequence[int], include_invalid: bool
) -> Iterator[Mapping[str, Any]]:
    """A row for each of these sales that the screening looks at, read in batches because a query's text has a limit."""
    screened = screened_sales(market.sales, selection, include_invalid)
    for start in range(0, len(keys), KEYS_AT_A_TIME):
        chosen = screened.filter(screened.sale_key.isin(list(keys[start : start + KEYS_AT_A_TIME])))
        rows = market.rows(chosen.select(*_SHOWN).order_by("sale_key", "property_id"))
        yield from {row["sale_key"]: row for row in reversed(rows)}.values()  # the first of several parcels


def screened_sales(sales: ibis.Table, selection: Selection, include_invalid: bool) -> ibis.Table:
    """The sales a screening looks at."""
    chosen = in_window(sales, selection)
    chosen = chosen.filter(chosen.sale_price > 0)
    return chosen if include_invalid else chosen.filter(chosen.coded_valid)


def suspicious_sales(market: Market, selection: Selection, thresholds: Thresholds, include_invalid: bool) -> ibis.Table:
    """A row for each suspicious parcel of a sale, with the figures from which its reasons are made."""
    # The sale before or after a sale of the window may lie outside the window.
    wide = widened(selection, max(thresholds.resale_days, SAME_PRICE_DAYS))
    described = _with_value(_columns(screened_sales(market.sales, wide, include_invalid)), market)
    described = market.worked_out(described, "described_sales")  # Five parts of the query read it.
    chosen = on_days(_with_neighbors_in_time(described), selection)
    chosen = _with_deviations(chosen, on_days(described, selection), thresholds.group_size)
    suspicious = (
        (chosen.parcel_count > 1)
        | (chosen.price_deviation.abs() > thresholds.deviations)
        | (chosen.sqft_deviation.abs() > thresholds.deviations)
        | (chosen.value_deviation.abs() > thresholds.deviations)
        | (chosen.days_before <= thresholds.resale_days)
        | (chosen.days_after <= thresholds.resale_days)
        | ((chosen.price_before == chosen.sale_price) & (chosen.days_before <= SAME_PRICE_DAYS))
        | ((chosen.price_after == chosen.sale_price) & (chosen.days_after <= SAME_PRICE_DAYS))
    ).fill_null(False)
    return chosen.filter(suspicious).order_by("sale_date", "sale_key", "property_id")


def _columns(chosen: ibis.Table) -> ibis.Table:
    single = chosen.parcel_count == 1
    return chosen.select(
        "sale_key", "sale_id", "property_id", "property_key", "sale_date", "sale_price", "parcel_count",
        "neighborhood", "property_type", "coded_valid",
        day=day_number(chosen.sale_date),
        year=chosen.sale_date.year().cast("int64"),
        # The price of a deed of several parcels is the price of none of them, so it must not count in a group.
        log_price=ibis.ifelse(single, chosen.sale_price.cast("float64").ln(), ibis.null("float64")),
        log_sqft=ibis.ifelse(single, price_per_sqft(chosen), ibis.null("float64")).ln(),
    )  # fmt: skip


def _with_value(chosen: ibis.Table, market: Market) -> ibis.Table:
    """The sales with their price over the market value on the newest roll.

    The year of the roll does not matter, because a sale is compared with other sales of its own year.
    """
    values = market.assessed_values
    newest = market.rows(values.aggregate(tax_year=values.tax_year.max()))[0]["tax_year"] or 0
    on_roll = values.filter(values.tax_year == newest).select("property_key", "market_total")
    joined = chosen.left_join(on_roll, "property_key")
    joined = joined.drop(*(name for name in joined.columns if name.endswith("_right")))
    # The value is compared with 0 and not with NULL, because ClickHouse gives 0 where no row joins.
    log_value = ibis.ifelse(joined.market_total > 0, joined.market_total, ibis.null("int64")).cast("float64").ln()
    return joined.mutate(log_value=joined.log_price - log_value).drop("market_total")


def _with_neighbors_in_time(chosen: ibis.Table) -> ibis.Table:
    """The sales with the days to the sale of the same property before and after, and with the prices of those sales."""
    own = ibis.window(group_by="property_key", order_by=["day", "sale_key"])

    def other(column: Any, step: str) -> Any:
        # NULL where the property is not on the roll: sales without a property are no series of one property.
        shifted = getattr(or_null(column), step)().over(own)
        return ibis.ifelse(chosen.property_key.notnull(), shifted, ibis.null("int64"))

    return chosen.mutate(
        days_before=chosen.day - other(chosen.day, "lag"),
        price_before=other(chosen.sale_price, "lag"),
        days_after=other(chosen.day, "lead") - chosen.day,
        price_after=other(chosen.sale_price, "lead"),
    )


def _with_deviations(chosen: ibis.Table, described: ibis.Table, group_size: int) -> ibis.Table:
    """The sales with the median of their group, and how many robust deviations each log measure lies from it.

    A group is the sales of one neighborhood, property type and year; where those are too few, the sales of the type and
    year in the county. described: the same sales without the sales before and after, which the groups do not need.
    """
    narrow, wide = ["neighborhood", "property_type", "year"], ["property_type", "year"]
    for prefix, by in (("near", narrow), ("far", wide)):
        joined = chosen.left_join(_groups(described, by, prefix), by)
        chosen = joined.drop(*(f"{name}_right" for name in by))
    figures: dict[str, Any] = {}
    for measure in MEASURES:
        figures |= _compared(chosen, measure, group_size)
    return chosen.mutate(**figures)


def _groups(sales: ibis.Table, by: list[str], prefix: str) -> ibis.Table:
    """Number, median and median absolute deviation of each group, for every measure."""
    middles = sales.group_by(by).aggregate(**{f"{m}_middle": sales[f"log_{m}"].median() for m in MEASURES})
    joined = sales.select(*by, *(f"log_{m}" for m in MEASURES)).join(middles, by)
    off = {m: (joined[f"log_{m}"] - joined[f"{m}_middle"]).abs() for m in MEASURES}
    return joined.group_by(by).aggregate(
        **{f"{prefix}_{m}_n": joined[f"log_{m}"].count() for m in MEASURES},
        **{f"{prefix}_{m}_middle": joined[f"{m}_middle"].max() for m in MEASURES},
        **{f"{prefix}_{m}_spread": off[m].median() for m in MEASURES},
    )


def _compared(chosen: ibis.Table, measure: str, group_size: int) -> dict[str, Any]:
    """The columns that compare one measure with its group."""
    near, far = (chosen[f"{group}_{measure}_n"] >= group_size for group in ("near", "far"))
    nothing = ibis.null("float64")

    def of_group(figure: str) -> Any:
        narrow, wide = (chosen[f"{group}_{measure}_{figure}"] for group in ("near", "far"))
        return ibis.ifelse(near, narrow, ibis.ifelse(far, wide, nothing))

    spread = ibis.greatest(MAD * of_group("spread"), LEAST_SPREAD)
    return {
        f"{measure}_deviation": (chosen[f"log_{measure}"] - of_group("middle")) / spread,
        f"{measure}_middle": of_group("middle").exp(),
        f"{measure}_group": ibis.ifelse(near, chosen[f"near_{measure}_n"], chosen[f"far_{measure}_n"]),
        f"{measure}_near": near.cast("int64"),  # ClickHouse returns no true boolean.
    }


def _flagged(row: Mapping[str, Any], reasons: list[Reason], by_name: Mapping[int, str]) -> Flagged:
    if code := by_name.get(row["sale_key"]):
        reasons = [*reasons, Reason(code, BY_NAME[code], 50.0)]
    strongest = sorted(reasons, key=lambda reason: (-reason.strength, reason.code))
    shown = {name: row[name] for name in _SHOWN} | {"coded_valid": bool(row["coded_valid"])}
    return Flagged(**shown, reasons=tuple(strongest[:MOST_REASONS]))


@dataclass(frozen=True)
class Precision:
    """How well a reason agrees with the county's own codes.

    flagged: the number of sales with the reason. set_aside: how many of them the county's code sets aside.
    """

    flagged: int
    set_aside: int

    @property
    def percent(self) -> float:
        return 100 * self.set_aside / self.flagged


def precision_of_reasons(flagged: Iterable[Flagged]) -> dict[str, Precision]:
    """How well each reason agrees with the county's own codes, by the reason's code, the most frequent first.

    The figures have a meaning only where the screening looked at all sales and the county codes some of them as not at
    arm's length.
    """
    set_aside: dict[str, list[bool]] = defaultdict(list)
    for sale in flagged:
        for code in {reason.code for reason in sale.reasons}:
            set_aside[code].append(not sale.coded_valid)
    ordered = sorted(set_aside.items(), key=lambda item: (-len(item[1]), item[0]))
    return {code: Precision(len(sales), sum(sales)) for code, sales in ordered}


def _reasons(row: Mapping[str, Any], thresholds: Thresholds) -> list[Reason]:
    reasons = []
    if row["parcel_count"] > 1:
        reasons.append(Reason(MULTI_PARCEL, f"The deed conveys {row['parcel_count']} parcels.", 100.0))
    for measure, (words, low, high) in MEASURES.items():
        deviation = row[f"{measure}_deviation"]
        if deviation is not None and abs(deviation) > thresholds.deviations:
            reasons.append(_price_reason(row, measure, words, low if deviation < 0 else high))
    reasons += _time_reasons(row, thresholds)
    return reasons


def _price_reason(row: Mapping[str, Any], measure: str, words: str, code: str) -> Reason:
    own, middle = math.exp(row[f"log_{measure}"]), float(row[f"{measure}_middle"])
    group = f"neighborhood {row['neighborhood']}" if row[f"{measure}_near"] else "the county"
    kind = row["property_type"].replace("_", "-")
    shown = (f"{own:.2f}", f"{middle:.2f}") if measure == "value" else (f"${own:,.0f}", f"${middle:,.0f}")
    text = (
        f"The {words}, {shown[0]}, is {100 * own / middle:.0f} % of the median {shown[1]} of "
        f"{row[f'{measure}_group']:,} {kind} sales of {row['year']} in {group}."
    )
    return Reason(code, text, float(abs(row[f"{measure}_deviation"])))


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
