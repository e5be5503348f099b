"""The text that a mapping reads for a value of a source, for one value and for a whole column."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

_MIDNIGHT = " 00:00:00"


def cell_text(value: Any) -> str:
    """A value as text. The mapping removes the padding of CHAR columns."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        # Without the zone, without a fraction that is zero, and without the time of day at midnight.
        digits = "seconds" if not value.microsecond else "microseconds" if value.microsecond % 1000 else "milliseconds"
        return value.replace(tzinfo=None).isoformat(sep=" ", timespec=digits).removesuffix(_MIDNIGHT)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def text_of_column(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """`cell_text` for a whole column. A test compares the two for every type the driver gives."""
    if dtype == pl.Boolean:
        text = column.cast(pl.Int8).cast(pl.String)
    elif isinstance(dtype, pl.Datetime):
        text = column.dt.replace_time_zone(None).dt.strftime("%Y-%m-%d %H:%M:%S%.f").str.strip_suffix(_MIDNIGHT)
    elif dtype == pl.Date:
        text = column.dt.strftime("%Y-%m-%d")
    elif dtype == pl.Binary:
        text = column.bin.encode("hex")
    else:
        text = column.cast(pl.String)
    return text.fill_null("")
