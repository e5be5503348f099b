"""Values of a legacy database between two statements: as JSON keeps them, and in the type their column has.

A watermark, or the key at which a page ends, goes back to the server as a value of its column's own type. A text would
be converted there, and SQL Server's DATETIME takes no more than three decimals (Msg 241).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

LAST = "last"  # instead of a moment: that of the last load
SQLITE, SQL_SERVER = "sqlite", "microsoft"
EARLIEST_YEAR = {"datetime": 1753, "smalldatetime": 1900}  # of SQL Server's older types
_INTEGERS = ("int", "bigint", "smallint", "tinyint", "integer", "numeric", "decimal", "number")
_EXACT = (*_INTEGERS, "money", "smallmoney")
_MOMENTS = ("datetime", "datetime2", "smalldatetime", "timestamp")
FINEST = ("datetime2(7)", "datetimeoffset(7)")  # whose last digit Python has not: as keys they travel as texts
_EXAMPLES = "write for example 2026-01-31 or 2026-01-31T08:00:00.997, or last"


class BadWatermark(ValueError):
    """The text is no moment, or none the column can hold; the message says what to write."""


# --- What kind of watermark a column is ---


def family(kind: str) -> str:
    """date, moment (without zone), zoned, rowversion, integer; or text, where the type is none of them."""
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
    """Whether it is a type of numbers that add up to the last digit."""
    return kind.lower().partition("(")[0] in _EXACT


def decimals(kind: str) -> int:
    """Digits after the second that the column keeps; of the seven of DATETIME2 the driver gives six."""
    name, _, rest = kind.lower().partition("(")
    if name == "datetime":
        return 3
    if name == "smalldatetime":
        return 0
    return min(int(rest.rstrip(")")), 6) if rest.rstrip(")").isdigit() else 6


def watermark_text(value: Any, kind: str) -> str:
    """The value with its column's own precision, so written that a later one is the greater text."""
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
    """Raises BadWatermark for what no column could mean, before a database is asked."""
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


def kept(value: Any) -> Any:
    """A key as JSON keeps it, with its type where JSON has none."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else ["decimal", f"{value:f}"]
    if isinstance(value, datetime):
        return ["datetime", value.isoformat()]
    if isinstance(value, date):
        return ["date", value.isoformat()]
    if isinstance(value, bytes | bytearray | memoryview):
        return ["bytes", bytes(value).hex()]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


_RESTORED: dict[str, Callable[[str], Any]] = {
    "decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "bytes": bytes.fromhex,
}


def restored(value: Any) -> Any:
    """What `kept` was given."""
    if not isinstance(value, list):
        return value
    kind, text = value
    return _RESTORED[kind](text)


# --- As parameters ---


def bound(value: Any, vendor: str) -> Any:
    """The value as the vendor's driver binds it by type. SQLite has no moments: there they are texts."""
    if vendor != SQLITE:
        return value
    if isinstance(value, datetime):
        text = value.isoformat(sep=" ")  # at its shortest: .997 is less than .997000 there
        return text.rstrip("0") if "." in text else text
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def placeholder(kind: str, vendor: str) -> str:
    """A parameter compared with a column of this type.

    SQL Server compares a DATETIME as the DATETIME2 it stands for: .997 is .9966667, less than a parameter that says
    .997. As a DATETIME the parameter is the same tick, a 300th of a second.
    """
    if vendor == SQL_SERVER and (kind.lower() == "datetime" or kind.lower() in FINEST):
        return f"CAST(%s AS {kind.lower()})"
    return "%s"
