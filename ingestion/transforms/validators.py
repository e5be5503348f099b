"""Converting one source text to a value of the roll, or giving the reason why it is none.

`columns.py` does the same for a whole column. A property-based test holds the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from .mapper import NUMBERED_DATES, FieldMapping, Part, Unit
from .roll_fields import YEARS, RollField

TRUE, FALSE = {"1", "true", "t", "yes", "y"}, {"0", "false", "f", "no", "n"}
DATE_FORMAT = "%Y-%m-%d"
# Padding of legacy columns, removed from both ends of every cell: the White_Space of Unicode, as polars removes it.
WHITESPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_TIME_OF_DAY = re.compile(r"[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?", re.ASCII)

UNCALCULATED = "#NOT CALCULATED"  # for a formula whose result is not in the workbook
# What a spreadsheet shows where a formula failed. Other programs export it as if it were a value.
SPREADSHEET_ERRORS = {
    "#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!",
    "#GETTING_DATA", "#CONNECT!", "#UNKNOWN!", "#BUSY!", "#PYTHON!", "#ERROR!", UNCALCULATED,
}  # fmt: skip
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ZONE = re.compile(r"[ T].*(Z|[+-]\d{2}:?\d{2})$", re.ASCII)

# Commas may stand only between thousands ("1,5" is not 15). Exponents are those of statistics packages (1.225e+006).
_NUMBER = re.compile(
    r"[+-]?(?=\.?\d)(\d{1,3}(,\d{3})+|\d{1,30})?(\.\d{0,30})?(e[+-]?0*\d{1,2})?", re.ASCII | re.IGNORECASE
)
# The largest double and the largest float, which programs of Esri and others write for "no value".
_MARK_FOR_NONE = re.compile(r"-?1\.79\d*E\+?308|-?3\.40\d*E\+?38", re.ASCII | re.IGNORECASE)
# What a spreadsheet makes of a long identifier: 7.23755E+09, or 7237550310.0
_REWRITTEN = re.compile(r"\d(\.\d+)?[eE]\+\d+|\d+\.0*", re.ASCII)

# One square metre is 10.763910... square feet; a foot is 0.3048 metres exactly.
_FOOT = Decimal("0.3048")
_SQFT = {
    "sqft": Decimal(1),
    "square_feet": Decimal(1),
    "acres": Decimal(43_560),
    "square_metres": 1 / _FOOT**2,
    "hectares": 10_000 / _FOOT**2,
}


class Level(StrEnum):
    """What a finding means for its row."""

    REFUSE = "refuse"  # the row is not loaded
    WARN = "warn"  # the value is not loaded, or it is loaded and somebody must look at it
    INFO = "info"  # worth knowing


@dataclass(frozen=True)
class Finding:
    """What is wrong with one value, by which rule. Without a column, the finding is about the whole row."""

    line: int
    column: str
    value: str
    reason: str
    rule: str = "V-TYPE"
    level: Level = Level.REFUSE
    dropped: bool = False  # the row is loaded without the value

    @property
    def fate(self) -> str:
        if self.dropped:
            return "value dropped"
        return {Level.REFUSE: "row rejected", Level.WARN: "kept, to be looked at", Level.INFO: "kept"}[self.level]

    def __str__(self) -> str:
        place = f"line {self.line}, {self.column} {self.value!r}:" if self.column else f"line {self.line}:"
        return f"{place} {self.reason} ({self.fate})"


class BadValue(Exception):
    """The text is not a value of the field's type; the message is the reason."""

    rule = "V-TYPE"


class RewrittenIdentifier(BadValue):
    """A spreadsheet has turned the identifier into a number, and digits may be lost."""

    rule = "V-IDENTIFIER"


class UnknownCode(BadValue):
    """A code the mapping does not list."""

    rule = "V-CODE"


class IsEmpty(BadValue):
    """A value without which the row cannot be kept is missing."""

    rule = "V-EMPTY"


class SpreadsheetError(BadValue):
    """The mark of a formula that failed, or was never calculated, in place of a value."""

    rule = "V-ERROR-CELL"


class MarkForNone(BadValue):
    """The largest number a program can write, which stands for a missing value."""

    rule = "V-NO-NUMBER"


class OutsideBounds(BadValue):
    """A value of the right type outside the bounds of the mapping or of the roll."""

    rule = "V-BOUNDS"


def factor(unit: Unit | None, in_acres: bool) -> Decimal:
    """The factor from the source's unit to the roll's, which is acres or square feet; 1 for numbers without a unit."""
    if unit is None or unit == "feet":
        return Decimal(1)
    return _SQFT[unit] / (_SQFT["acres"] if in_acres else 1)


def source_text(row: Mapping[str, str], mapping: FieldMapping) -> str:
    """The one text that the mapping makes of a row's cells, with padding removed."""
    text = _unified(row, mapping)
    return "" if text in mapping.unknown else text


def _unified(row: Mapping[str, str], mapping: FieldMapping) -> str:
    if mapping.value is not None:
        return mapping.value
    if mapping.column is not None:
        text = row[mapping.column].strip(WHITESPACE)
        if mapping.or_column is not None and text.strip("0.") == "":
            return row[mapping.or_column].strip(WHITESPACE)
        return text
    parts = [_part(row, part) for part in mapping.columns]
    if mapping.combine == "join":
        return mapping.separator.join(filter(None, parts))
    if mapping.combine == "first":
        return next(filter(None, parts), "")
    return _summed(parts, mapping.weights, subtract=mapping.combine == "subtract")


def _part(row: Mapping[str, str], part: str | Part) -> str:
    if isinstance(part, Part):
        cell = row[part.column]
        return (cell if part.start is None else cell[part.start - 1 : part.end]).strip(WHITESPACE)
    return row[part].strip(WHITESPACE)


def _summed(parts: list[str], weights: list[float], *, subtract: bool) -> str:
    """The sum as text. Parts that cannot be added are shown with + between them, which is no number."""
    if not any(parts):
        return ""
    if not all(_NUMBER.fullmatch(part) for part in parts if part):
        return " + ".join(part or "0" for part in parts)
    numbers = [Decimal(part.replace(",", "")) if part else Decimal(0) for part in parts]
    if any(weight != 1 for weight in weights):
        numbers = [number * Decimal(str(weight)) for number, weight in zip(numbers, weights, strict=True)]
    first, *others = numbers
    return f"{first - sum(others) if subtract else first + sum(others):f}"


def convert(text: str, mapping: FieldMapping, roll_field: RollField) -> Any:
    """The value as the roll stores it, so that it equals what is read back. Raises BadValue with the reason."""
    if "\x00" in text:
        raise BadValue("holds a zero byte")
    if text.upper() in SPREADSHEET_ERRORS and text not in mapping.codes:
        raise SpreadsheetError(
            "a formula that was never calculated; open the workbook in Excel and save it"
            if text == UNCALCULATED
            else "an error of the spreadsheet, not a value"
        )
    if text == "":
        if mapping.default is None:
            return roll_field.when_empty
        text = mapping.default
    elif mapping.codes:
        if text not in mapping.codes and mapping.other_codes is None:
            raise UnknownCode(f"unknown code; known: {', '.join(mapping.codes)}")
        text = mapping.codes.get(text, mapping.other_codes or "")
        if text == "":
            return roll_field.when_empty
    value = _CONVERTERS[mapping.type](text, mapping)
    if isinstance(value, str):
        return _checked_text(value, mapping, roll_field)
    if isinstance(value, int | float | Decimal):
        _check_bounds(value, mapping.minimum, mapping.maximum)
        _check_bounds(value, roll_field.lowest, roll_field.highest)
    if isinstance(value, Decimal) and roll_field.decimal_places is not None:
        return value.quantize(Decimal(1).scaleb(-roll_field.decimal_places), ROUND_HALF_UP)
    return value


def _check_bounds(value: float | Decimal, lowest: float | None, highest: float | None) -> None:
    if lowest is not None and value < lowest:
        raise OutsideBounds(f"below {lowest:.10g}")
    if highest is not None and value > highest:
        raise OutsideBounds(f"above {highest:.10g}")


def _checked_text(text: str, mapping: FieldMapping, roll_field: RollField) -> str:
    if roll_field.is_identifier:
        if _REWRITTEN.fullmatch(text):
            raise RewrittenIdentifier("looks like a number a spreadsheet has rewritten")
        if text and not any(character.isalnum() for character in text):
            raise BadValue("holds no letter and no digit")
    if "\ufffd" in text:
        raise BadValue("holds a character that an earlier conversion has lost")
    if mapping.width is not None and text:
        text = text.zfill(mapping.width)
    limits = (mapping.width, roll_field.longest)
    longest = min((limit for limit in limits if limit is not None), default=len(text))
    if len(text) > longest:
        raise BadValue(f"longer than {longest} characters")
    if roll_field.choices and text not in roll_field.choices:
        raise BadValue(f"not one of {', '.join(roll_field.choices)}")
    return text


def _text(text: str, mapping: FieldMapping) -> str:
    return text


def _decimal(text: str, mapping: FieldMapping) -> Decimal:
    if _MARK_FOR_NONE.fullmatch(text):
        raise MarkForNone("the largest number there is, a mark for none")
    if not _NUMBER.fullmatch(text):
        raise BadValue("not a number")
    value = Decimal(text.replace(",", ""))
    if mapping.implied_decimals and "." not in text:
        value = value.scaleb(-mapping.implied_decimals)
    if mapping.percent:
        value = value.scaleb(-2)
    return value * factor(mapping.unit, mapping.type == "decimal")


def _number(text: str, mapping: FieldMapping) -> float:
    return float(_decimal(text, mapping))


def _integer(text: str, mapping: FieldMapping) -> int:
    value = _decimal(text, mapping)
    if mapping.unit is not None:  # a converted area is never whole
        value = value.to_integral_value(ROUND_HALF_UP)  # for numbers of any length; quantize has a limit
    whole = int(value)
    if value != whole:
        raise BadValue("not a whole number")
    return whole


def _dollars(text: str, mapping: FieldMapping) -> int:
    value = _decimal(text.removeprefix("$"), mapping)
    if mapping.unit is not None or mapping.cents == "half_up":
        value = value.to_integral_value(ROUND_HALF_UP)  # for numbers of any length; quantize has a limit
    if value != int(value):
        raise BadValue("not a whole number of dollars; write cents: half_up in the mapping to round it")
    if value < 0:
        raise BadValue("negative dollars")
    return int(value)


def _year(text: str, mapping: FieldMapping) -> int:
    value = _integer(text, mapping)
    if not YEARS[0] <= value <= YEARS[1]:
        raise OutsideBounds(f"not a year from {YEARS[0]} to {YEARS[1]}")
    return value


def _date(text: str, mapping: FieldMapping) -> date:
    for date_format in mapping.formats:
        day = _formatted_date(text, date_format, mapping)
        if day is not None:
            return _in_known_years(day)
    day = _iso_date(text, mapping)
    if day is None:
        raise BadValue(f"not a date written as {' or '.join(mapping.formats or [DATE_FORMAT])}")
    return _in_known_years(day)


def _in_known_years(day: date) -> date:
    if not YEARS[0] <= day.year <= YEARS[1]:
        raise OutsideBounds(f"not a year from {YEARS[0]} to {YEARS[1]}")
    return day


def _formatted_date(text: str, date_format: str, mapping: FieldMapping) -> date | None:
    """The date; None when the text is not written in this format."""
    if date_format in NUMBERED_DATES:
        return _numbered_date(text, date_format, mapping)
    try:
        moment = datetime.strptime(text, date_format)  # noqa: DTZ007 - a calendar date has no zone
    except ValueError:
        return None
    if "%y" in date_format:
        first = mapping.two_digit_years_from
        moment = _in_year(moment, first + (moment.year - first) % 100)
    return _calendar_date(moment, mapping)


def _in_year(moment: datetime, year: int) -> datetime:
    try:
        return moment.replace(year=year)
    except ValueError:  # 29 February of 2000 in 1900
        raise BadValue(f"no date of {year}") from None


def _numbered_date(text: str, date_format: str, mapping: FieldMapping) -> date | None:
    if not re.fullmatch(r"-?\d{1,15}(\.\d{0,9})?", text, re.ASCII):
        return None
    number = float(text)
    try:
        if date_format == "excel_serial":
            # Excel counts a 29 February 1900 that never was, so from 1 March 1900 on its day 0 is 30 December 1899.
            return (datetime(1899, 12, 30) + timedelta(days=int(number))).date()  # noqa: DTZ001
        seconds = number / 1000 if date_format == "epoch_milliseconds" else number
        return _calendar_date(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds), mapping)
    except OverflowError:
        return None


def _iso_date(text: str, mapping: FieldMapping) -> date | None:
    if not _ISO_DATE.match(text):
        return None
    zone = _ZONE.search(text[10:])
    if zone is None:
        if text[10:] and not _TIME_OF_DAY.fullmatch(text[10:]):
            return None
        text = text[:10]  # the date of a DATETIME without a zone
    try:
        return _calendar_date(datetime.fromisoformat(text), mapping)
    except ValueError:
        return None


def _calendar_date(moment: datetime, mapping: FieldMapping) -> date | None:
    """The date of an instant in the time zone of the mapping; None outside the calendar's years 1 to 9999.

    Midnight in UTC keeps its date: programs write it for a date without a time.
    """
    if moment.tzinfo is None or mapping.time_zone is None:
        return moment.date()
    try:
        instant = moment.astimezone(UTC)
        return instant.date() if instant.time() == time() else instant.astimezone(ZoneInfo(mapping.time_zone)).date()
    except OverflowError:
        return None


def _boolean(text: str, mapping: FieldMapping) -> bool:
    word = text.lower()
    if _NUMBER.fullmatch(word) and Decimal(word.replace(",", "")) in (0, 1):
        word = str(int(Decimal(word)))  # a flag that was stored as a number: 0.0, 1.00
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise BadValue("not yes or no")


_CONVERTERS = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "decimal": _decimal,
    "dollars": _dollars,
    "date": _date,
    "year": _year,
    "boolean": _boolean,
}
