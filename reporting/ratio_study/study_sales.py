"""The sales of a ratio study as columns: which can be used, and what divides them into strata. No Django."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from ..statistics.ratio_statistics import Floats
from ..statistics.vertical_equity import quantile_group, value_proxy

Texts = npt.NDArray[np.object_]
UNKNOWN = "(not given)"
VALUE_DECILE, AGE_BAND, SALE_YEAR, SALE_QUARTER = "value_decile", "age_band", "sale_year", "sale_quarter"
DERIVED_STRATA = (VALUE_DECILE, AGE_BAND, SALE_YEAR, SALE_QUARTER)
AGE_BAND_YEARS = 10
LAST_AGE_BAND = 100
MOST_CODES = 15  # more different numbers than this are a quantity, not a code


@dataclass(frozen=True)
class StudySales:
    """One entry a sale, each array of shape (n,).

    sale_price: dollars as recorded. assessed_value: dollars of the studied tax year; NaN where the roll has none.
    year_built: NaN where unknown. described: fields of the property, by name, for strata.
    """

    sale_id: Texts
    property_id: Texts
    parcel_number: Texts
    property_class: Texts
    sale_date: npt.NDArray[np.datetime64]
    sale_price: Floats
    assessed_value: Floats
    year_built: Floats
    described: Mapping[str, Texts]

    def __len__(self) -> int:
        return len(self.sale_id)

    @property
    def ratios(self) -> Floats:
        return self.assessed_value / self.sale_price

    def at(self, chosen: npt.NDArray[Any]) -> StudySales:
        """The chosen sales: a mask or positions."""
        of_each = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "described"}
        return StudySales(
            **{name: column[chosen] for name, column in of_each.items()},
            described={name: column[chosen] for name, column in self.described.items()},
        )

    def with_prices(self, prices: Floats) -> StudySales:
        return StudySales(**{field.name: getattr(self, field.name) for field in fields(self)} | {"sale_price": prices})

    def in_order(self) -> StudySales:
        """By date, then sale_id: one order, whatever the order of loading was."""
        return self.at(np.lexsort([self.sale_id.astype(str), self.sale_date]))

    def digest(self) -> str:
        """SHA-256 of everything a study reads of the sales; the order in which they stand does not change it."""
        found, ordered = hashlib.sha256(), self.in_order()
        for field in fields(ordered):
            column = getattr(ordered, field.name)
            parts = column.items() if field.name == "described" else [(field.name, column)]
            for name, values in parts:
                found.update(f"\n{name}\n".encode())
                if values.dtype == object:
                    found.update("\x1f".join(map(str, values)).encode())
                else:
                    found.update(values.tobytes())
        return found.hexdigest()


@dataclass(frozen=True)
class LeftOut:
    """Sales that cannot stand in a study, and why."""

    reason: str
    sales: int


def usable(sales: StudySales) -> tuple[StudySales, list[LeftOut]]:
    """The sales from which a ratio can be made; each other is counted once, under the first reason that holds.

    Sorted by date, then sale_id, so that the order of loading never changes a number.
    """
    sales = sales.in_order()
    prices, values = sales.sale_price, sales.assessed_value
    reasons = [
        ("The sale price is zero, negative or not a number", ~(np.isfinite(prices) & (prices > 0))),
        ("The property has no assessed value in the studied year", ~np.isfinite(values)),
        ("The assessed value is zero or negative", ~(values > 0)),
        ("The same property, date and price stand on another sale too", _repeated(sales)),
    ]
    kept, left_out = np.ones(len(sales), dtype=bool), []
    for reason, holds in reasons:
        if number := int(np.sum(kept & holds)):
            left_out.append(LeftOut(reason, number))
        kept &= ~holds
    return sales.at(kept), left_out


def _repeated(sales: StudySales) -> npt.NDArray[np.bool_]:
    """True for every sale but the first of the same property, date and price."""
    seen: set[tuple[Any, ...]] = set()
    repeated = np.zeros(len(sales), dtype=bool)
    for at, key in enumerate(zip(sales.property_id, sales.sale_date.astype(np.int64), sales.sale_price, strict=True)):
        repeated[at] = key in seen
        seen.add(key)
    return repeated


def strata_labels(sales: StudySales, name: str) -> Texts:
    """The stratum of each sale under this field. Shape (n,). Raises KeyError for a field the sales do not have."""
    if name == SALE_YEAR:
        return sales.sale_date.astype("datetime64[Y]").astype(str).astype(object)
    if name == SALE_QUARTER:
        months = sales.sale_date.astype("datetime64[M]").astype(np.int64)
        return np.array([f"{1970 + month // 12}-Q{month % 12 // 3 + 1}" for month in months.tolist()], dtype=object)
    if name == AGE_BAND:
        return _age_bands(sales)
    if name == VALUE_DECILE:
        return _value_deciles(sales)
    return _labels_of(sales.described[name])


def _labels_of(values: Texts) -> Texts:
    """Codes as they are; a quantity of many different values in fifths."""
    given = np.array([value is not None and value != "" for value in values], dtype=bool)
    labels = np.full(len(values), UNKNOWN, dtype=object)
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in values[given])
    if numbers and len(set(values[given])) > MOST_CODES:
        quantities = values[given].astype(np.float64)
        labels[given] = _parts_by_size(quantities, quantities, 5, "")
    else:
        labels[given] = np.array([*map(_printable, values[given])], dtype=object)
    return labels


def _printable(code: Any) -> str:
    """Without control characters, which neither a chart nor a sheet's name can hold."""
    return "".join(each if each.isprintable() else " " for each in str(code))


def _parts_by_size(ordered_by: Floats, shown: Floats, count: int, unit: str) -> Texts:
    """The quantile group of each, named by its number and its lowest and highest value."""
    group = quantile_group(ordered_by, count)
    labels = {}
    for number, each in enumerate(np.unique(group).tolist(), start=1):
        low, high = shown[group == each].min(), shown[group == each].max()
        labels[each] = f"{number}: {unit}{low:,.10g} to {unit}{high:,.10g}"
    return np.array([labels[each] for each in group.tolist()], dtype=object)


def _age_bands(sales: StudySales) -> Texts:
    """Age of the dwelling at the sale, in bands of ten years."""
    sold = sales.sale_date.astype("datetime64[Y]").astype(np.int64) + 1970
    ages = np.maximum(sold - sales.year_built, 0)
    labels = []
    for age in ages.tolist():
        if np.isnan(age):
            labels.append(UNKNOWN)
            continue
        start = min(int(age) // AGE_BAND_YEARS * AGE_BAND_YEARS, LAST_AGE_BAND)
        labels.append(
            f"{LAST_AGE_BAND} years and more"
            if start == LAST_AGE_BAND
            else f"{start} to {start + AGE_BAND_YEARS - 1} years"
        )
    return np.array(labels, dtype=object)


def _value_deciles(sales: StudySales) -> Texts:
    """Tenths by the value proxy, half price and half value: ordering by price alone would feign regressivity."""
    if not len(sales):
        return np.array([], dtype=object)
    proxy = np.round(value_proxy(sales.assessed_value, sales.sale_price))
    return _parts_by_size(proxy, proxy, 10, "$")


def in_natural_order(labels: Any) -> list[str]:
    """Sorted as a reader counts: 2 before 10; what is not given last."""
    return sorted(set(labels), key=lambda each: (each == UNKNOWN, _natural(each)))


def _natural(label: str) -> list[tuple[int, int, str]]:
    return [
        (0, int(each), "") if each.isdecimal() else (1, 0, each.lower()) for each in re.split(r"(\d+)", label) if each
    ]
