"""Values of a legacy database between two statements: as JSON stores them, and in the type of their column.

A watermark, or the key at which a page ends, goes back to the server as a value in the type of its column. The server
would have to convert a text, and a DATETIME of SQL Server takes no more than three decimals (Msg 241).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

LAST = "last"  # written instead of a moment, it means that of the last load
SQLITE, SQL_SERVER = "sqlite", "microsoft"
EARLIEST_YEAR = {"datetime": 1753, "smalldatetime": 1900}  # of SQL Server's older types
_INTEGERS = ("int", "bigint", "smallint", "tinyint", "integer", "numeric", "decimal", "number")
_EXACT = (*_INTEGERS, "money", "smallmoney")
_MOMENTS = ("datetime", "datetime2", "smalldatetime", "timestamp")
FINEST = ("datetime2(7)", "datetimeoffset(7)")  # Python has no seventh decimal, so keys of these types become texts
_EXAMPLES = "write for example 2026-01-31 or 2026-01-31T08:00:00.997, or last"


class BadWatermark(ValueError):
    """The text is not a moment, or not one the column can hold; the message says what to write."""


# --- What kind of watermark a column is ---


def family(kind: str) -> str:
    """The family of a type: date, moment (without zone), zoned, rowversion, integer, or text for any other."""
    kind = kind.lower()
    name = re.split(r"[ (]", kind, maxsplit=1)[0]
    if name == "datetimeoffset" or "with time zone" in kind or name == "timestamptz":
        return "zoned"
    if name == "date":
        return "date"
    if name == "rowversion":
        return "rowversion"
    if name in _MOMENTS:
        return "moment"
    return "integer" if name in _INTEGERS else "text"


def is_exact(kind: str) -> bool:
    """Whether numbers of the type are stored without rounding, so that their sums are exact."""
    return kind.lower().partition("(")[0] in _EXACT


def decimals(kind: str) -> int:
    """The decimals of a second that the column stores, at most six: the driver gives no seventh."""
    name, _, rest = kind.lower().partition("(")
    if name == "datetime":
        return 3
    if name == "smalldatetime":
        return 0
    return min(int(rest.rstrip(")")), 6) if rest.rstrip(")").isdigit() else 6


def watermark_text(value: Any, kind: str) -> str:
    """The value with the precision of its column, written so that the text of a later value sorts after it."""
    if isinstance(value, bytes):
        return f"0x{value.hex().upper()}"
    if isinstance(value, datetime):
        zone = "" if value.tzinfo is None else "+00:00"
        value = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        digits = decimals(kind)
        text = value.isoformat(sep=" ", timespec="microseconds")
        return (text[: 20 + digits] if digits else text[:19]) + zone
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | Decimal):
        return f"{int(value):020d}"
    return str(value)


def watermark_value(text: str, kind: str) -> Any:
    """The text as a value of the column's type. Raises BadWatermark."""
    kinds = {"date": _date, "moment": _moment, "zoned": _zoned, "rowversion": _bytes, "integer": _integer}
    read = kinds.get(family(kind))
    return text if read is None else read(text, kind)


def check_watermark(text: str) -> None:
    """Raises BadWatermark for a text that is no watermark of any type, before a database is queried."""
    for read in (_any_moment, _bytes, _integer):
        try:
            read(text, "")
        except BadWatermark:
            continue
        return
    raise BadWatermark(f"{text!r} is not a moment; {_EXAMPLES}")


def _any_moment(text: str, kind: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadWatermark(f"{text!r} is not a moment; {_EXAMPLES}") from None


def _moment(text: str, kind: str) -> datetime:
    value = _any_moment(text, kind)
    if value.tzinfo is not None:
        raise BadWatermark(f"{text!r} names a zone, which a {kind} has not; write the database's own local time")
    earliest = EARLIEST_YEAR.get(kind.lower(), 1)
    if value.year < earliest:
        raise BadWatermark(f"{text!r} is before {earliest}, where {kind} begins")
    return value


def _zoned(text: str, kind: str) -> datetime:
    value = _any_moment(text, kind)
    if value.tzinfo is None:
        raise BadWatermark(f"{text!r} names no zone, and a {kind} has one; write for example 2026-01-31T08:00:00-08:00")
    return value


def _date(text: str, kind: str) -> date:
    return _any_moment(text, kind).date()


def _bytes(text: str, kind: str) -> bytes:
    if not re.fullmatch(r"0x([0-9A-Fa-f]{2}){1,8}", text.strip()):
        raise BadWatermark(f"{text!r} is not a {kind or 'rowversion'}; write for example 0x00000000000007D1")
    return bytes.fromhex(text.strip()[2:])


def _integer(text: str, kind: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,20}", text.strip(), re.ASCII):
        raise BadWatermark(f"{text!r} is not a whole number, which the watermark's {kind} wants")
    return int(text)


# --- Keys, from page to page and from run to run ---


def to_json(value: Any) -> Any:
    """A key as JSON stores it, together with its type where JSON does not have that type."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else ["decimal", f"{value:f}"]
    if isinstance(value, datetime):
        return ["datetime", value.isoformat()]
    if isinstance(value, date):
        return ["date", value.isoformat()]
    if isinstance(value, bytes | bytearray | memoryview):
        return ["bytes", bytes(value).hex()]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "bytes": bytes.fromhex,
}


def from_json(value: Any) -> Any:
    """The key that `to_json` turned into this value."""
    if not isinstance(value, list):
        return value
    kind, text = value
    return _FROM_TEXT[kind](text)


# --- As parameters ---


def bound(value: Any, vendor: str) -> Any:
    """The value as the vendor's driver takes it. SQLite has no type for moments: it compares texts."""
    if vendor != SQLITE:
        return value
    if isinstance(value, datetime):
        text = value.isoformat(sep=" ")  # without zeros at the end: as a text, .997 is less than .997000
        return text.rstrip("0") if "." in text else text
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def placeholder(kind: str, vendor: str) -> str:
    """The placeholder of a parameter that is compared with a column of this type.

    SQL Server converts a DATETIME to DATETIME2 before it compares: .997 becomes .9966667, which is less than .997 as a
    parameter. Cast to DATETIME, the parameter is rounded to the same tick of a 300th of a second.
    """
    if vendor == SQL_SERVER and (kind.lower() == "datetime" or kind.lower() in FINEST):
        return f"CAST(%s AS {kind.lower()})"
    return "%s"
