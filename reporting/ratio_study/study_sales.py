"""The sales of a ratio study as columns: which of them can be used, and the stratum of each. No Django."""

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
MOST_CODES = 15  # A field with more different numbers than this holds a quantity, not a code.


@dataclass(frozen=True)
class StudySales:
    """The sales of a study; every array has one entry for each sale, shape (n,).

    sale_price: dollars as recorded. assessed_value: dollars of the studied tax year; NaN where the roll has none.
    year_built: NaN where unknown. described: the fields of the property that divide the sales into strata, by name.
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
        """Some of the sales. chosen: a mask, or the positions of the sales in the order wanted."""
        columns = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "described"}
        return StudySales(
            **{name: column[chosen] for name, column in columns.items()},
            described={name: column[chosen] for name, column in self.described.items()},
        )

    def with_prices(self, prices: Floats) -> StudySales:
        return StudySales(**{field.name: getattr(self, field.name) for field in fields(self)} | {"sale_price": prices})

    def in_order(self) -> StudySales:
        """The sales by date, then by sale_id: the same order whatever the order of loading was."""
        return self.at(np.lexsort([self.sale_id.astype(str), self.sale_date]))

    def digest(self) -> str:
        """SHA-256 of everything a study reads of the sales. Their order does not change it."""
        digest, ordered = hashlib.sha256(), self.in_order()
        for field in fields(ordered):
            column = getattr(ordered, field.name)
            parts = column.items() if field.name == "described" else [(field.name, column)]
            for name, values in parts:
                digest.update(f"\n{name}\n".encode())
                if values.dtype == object:
                    digest.update("\x1f".join(map(str, values)).encode())
                else:
                    digest.update(values.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class LeftOut:
    """How many sales cannot stand in a study for one reason. reason: a clause that begins with a capital."""

    reason: str
    sales: int


def usable(sales: StudySales) -> tuple[StudySales, list[LeftOut]]:
    """The sales from which a ratio can be made. Every other sale is counted once, under the first reason that holds.

    The sales are in order of date, then sale_id, so that the order of loading never changes a number.
    """
    sales = sales.in_order()
    prices, values = sales.sale_price, sales.assessed_value
    reasons = [
        ("The sale price is zero, negative or not a number", ~(np.isfinite(prices) & (prices > 0))),
        ("The property has no assessed value in the studied year", ~np.isfinite(values)),
        ("The assessed value is zero or negative", ~(values > 0)),
        ("The same property, date and price stand on another sale too", _repeated(sales)),
    ]
    is_usable, left_out = np.ones(len(sales), dtype=bool), []
    for reason, holds in reasons:
        if number := int(np.sum(is_usable & holds)):
            left_out.append(LeftOut(reason, number))
        is_usable &= ~holds
    return sales.at(is_usable), left_out


def _repeated(sales: StudySales) -> npt.NDArray[np.bool_]:
    """True for every sale but the first of the same property, date and price."""
    seen: set[tuple[Any, ...]] = set()
    repeated = np.zeros(len(sales), dtype=bool)
    for at, key in enumerate(zip(sales.property_id, sales.sale_date.astype(np.int64), sales.sale_price, strict=True)):
        repeated[at] = key in seen
        seen.add(key)
    return repeated


def strata_labels(sales: StudySales, name: str) -> Texts:
    """The stratum of each sale by this field. Shape (n,). Raises KeyError for a field the sales do not have."""
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
    """The label of each value: a code is its own label, a quantity is divided into fifths."""
    is_given = np.array([value is not None and value != "" for value in values], dtype=bool)
    labels = np.full(len(values), UNKNOWN, dtype=object)
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values[is_given])
    if are_numbers and len(set(values[is_given])) > MOST_CODES:
        quantities = values[is_given].astype(np.float64)
        labels[is_given] = _parts_by_size(quantities, quantities, 5, "")
    else:
        labels[is_given] = np.array([*map(_printable, values[is_given])], dtype=object)
    return labels


def _printable(code: Any) -> str:
    """The code without control characters, which neither a chart nor a sheet's name can hold."""
    return "".join(character if character.isprintable() else " " for character in str(code))


def _parts_by_size(ordered_by: Floats, shown: Floats, count: int, unit: str) -> Texts:
    """The label of each value's quantile group: the group's number, and the lowest and highest value shown of it."""
    groups = quantile_group(ordered_by, count)
    labels = {}
    for number, group in enumerate(np.unique(groups).tolist(), start=1):
        low, high = shown[groups == group].min(), shown[groups == group].max()
        labels[group] = f"{number}: {unit}{low:,.10g} to {unit}{high:,.10g}"
    return np.array([labels[group] for group in groups.tolist()], dtype=object)


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
    """Tenths of the sales by the value proxy, which is half price and half assessed value.

    Dividing them by price alone would show regressivity where there is none.
    """
    if not len(sales):
        return np.array([], dtype=object)
    proxy = np.round(value_proxy(sales.assessed_value, sales.sale_price))
    return _parts_by_size(proxy, proxy, 10, "$")


def in_natural_order(labels: Any) -> list[str]:
    """The different labels in the order in which a reader counts: 2 before 10. UNKNOWN comes last."""
    return sorted(set(labels), key=lambda label: (label == UNKNOWN, _natural(label)))


def _natural(label: str) -> list[tuple[int, int, str]]:
    """A sort key that compares the digits in a label as numbers."""
    parts = filter(None, re.split(r"(\d+)", label))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in parts]
