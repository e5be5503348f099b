"""The dollars of the source, read a second time in another way, so that faults of the conversion show.

Every amount is exact to a hundredth of a cent, as in SQL Server's MONEY. The roll holds whole dollars; what rounding
adds or takes away is counted as an amount of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import reduce

import polars as pl

from ingestion.transforms.mapper import Dataset, FieldMapping
from ingestion.transforms.roll_fields import TARGETS

SOURCE = "source."  # begins the name of a column of a staged part: source.<target>.<amount>
PLACES = 4
AMOUNT = pl.Decimal(38, PLACES)
_PLAIN = r"^-?\d{1,18}(\.\d{1,4})?$"
_LARGEST = 18  # digits before the point

Shown = int | str  # an amount in JSON: whole dollars as a number, others as a text that loses nothing


def amount_fields(dataset: Dataset) -> Iterator[tuple[str, str, FieldMapping]]:
    for target, fields in dataset.targets().items():
        for name in TARGETS[target].amounts:
            if name in fields:
                yield target, name, fields[name]


def source_amounts(rows: pl.DataFrame, dataset: Dataset) -> list[pl.Series]:
    return [
        raw_amounts(rows, mapping).alias(f"{SOURCE}{target}.{name}") for target, name, mapping in amount_fields(dataset)
    ]


def raw_amounts(rows: pl.DataFrame, mapping: FieldMapping) -> pl.Series:
    """The dollars and cents of each row; null where the text is no number."""
    if mapping.value is not None:
        return _constant(mapping.value, rows.height)
    columns = [_amounts(rows[name], mapping) for name in mapping.source_columns]
    if mapping.or_column is not None:
        return columns[0].zip_with((columns[0] != 0) & columns[0].is_not_null(), columns[1])
    if mapping.combine == "subtract":
        return reduce(lambda a, b: a - b.fill_null(0), columns[1:], columns[0].fill_null(0))
    if mapping.combine == "sum":
        return reduce(lambda a, b: a + b.fill_null(0), columns[1:], columns[0].fill_null(0))
    return columns[0]


def _constant(text: str, height: int) -> pl.Series:
    return pl.Series([dollars(text)], dtype=AMOUNT).new_from_index(0, height)


def _amounts(texts: pl.Series, mapping: FieldMapping) -> pl.Series:
    texts = texts.str.strip_chars()
    plain = texts if not mapping.implied_decimals else pl.Series([None], dtype=pl.String).new_from_index(0, len(texts))
    plain = plain.set(~plain.str.contains(_PLAIN).fill_null(False), None)
    amounts = plain.cast(AMOUNT, strict=False)
    left = amounts.is_null() & (texts != "")
    if left.any():
        known = {text: dollars(text, mapping.implied_decimals) for text in texts.filter(left).unique()}
        readable = {text: value for text, value in known.items() if value is not None and text not in mapping.unknown}
        if readable:
            values = texts.replace_strict(
                list(readable), pl.Series(list(readable.values()), dtype=AMOUNT), default=None, return_dtype=AMOUNT
            )
            amounts = amounts.zip_with(~left, values)
    if mapping.default is not None and (blank := amounts.is_null() & (texts.is_in(["", *mapping.unknown]))).any():
        amounts = amounts.zip_with(~blank, _constant(mapping.default, len(texts)))
    return amounts


def dollars(text: str, implied_decimals: int = 0) -> Decimal | None:
    """The amount that a text states, or None if it states none."""
    try:
        value = Decimal(text.replace(",", "").replace("$", "").replace("\xa0", "").strip())
        if implied_decimals and "." not in text:
            value = value.scaleb(-implied_decimals)
        if not value.is_finite() or value.adjusted() >= _LARGEST:
            return None
        return value.quantize(Decimal(1).scaleb(-PLACES))
    except (InvalidOperation, ValueError):
        return None


def rounding(name: str) -> pl.Expr:
    """The difference between an amount and the same amount in whole dollars, halves rounded away from zero."""
    return pl.col(name) - pl.col(name).round(0, mode="half_away_from_zero")


# --- As the record of a load keeps them, and as people read them ---


def as_kept(amount: Decimal | int) -> Shown:
    """1250 becomes a number and 1250.5 the text 1250.50, because JSON has no exact fractions."""
    if amount == int(amount):
        return int(amount)
    cents = Decimal(amount).quantize(Decimal("0.01"))
    return f"{cents if cents == amount else Decimal(amount).normalize():f}"


def as_read(amount: Shown) -> str:
    """The amount as a text with commas between thousands."""
    return f"{amount if isinstance(amount, int) else Decimal(amount):,}"
