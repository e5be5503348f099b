"""Turning a source text into a value of the roll, or a reason why it cannot be one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .mapper import YEARS, FieldMapping, RollField

TRUE, FALSE = {"1", "true", "t", "yes", "y"}, {"0", "false", "f", "no", "n"}
PERSONAL = {"grantor", "grantee"}  # names of people stay out of lists and logs
DATE_FORMAT = "%Y-%m-%d"

# A comma only between thousands ("1,5" is no 15); exponents as statistics packages write them (1.225e+006).
_NUMBER = re.compile(
    r"[+-]?(?=\.?\d)(\d{1,3}(,\d{3})+|\d{1,30})?(\.\d{0,30})?(e[+-]?0*\d{1,2})?", re.ASCII | re.IGNORECASE
)
# What a spreadsheet makes of a long identifier: 7.23755E+09, or 7237550310.0
_REWRITTEN = re.compile(r"\d(\.\d+)?[eE]\+\d+|\d+\.0*", re.ASCII)


@dataclass(frozen=True)
class Finding:
    """What is wrong with one value. A warning drops the value; otherwise the whole row is rejected.

    Without a column it is about the whole row.
    """

    line: int
    column: str
    value: str
    reason: str
    is_warning: bool = False

    @property
    def fate(self) -> str:
        return "value dropped" if self.is_warning else "row rejected"

    def __str__(self) -> str:
        place = f"line {self.line}, {self.column} {self.value!r}:" if self.column else f"line {self.line}:"
        return f"{place} {self.reason} ({self.fate})"


class BadValue(Exception):
    """The text is not a value of the field's type; the message is the reason."""


class OutsideBounds(BadValue):
    """A value of the right type that the mapping or the roll does not believe."""


def convert_row(
    line: int,
    source: Mapping[str, str],
    fields: Mapping[str, FieldMapping],
    roll_fields: Mapping[str, RollField],
    required: set[str],
) -> tuple[dict[str, Any], list[Finding]]:
    """The row's values by field name, and what was found.

    Unknown values are what the roll holds for unknown: null, an empty text or the field's default. A value with a
    finding is given as None.
    """
    values: dict[str, Any] = {}
    findings: list[Finding] = []
    for name, mapping in fields.items():
        text = source_text(source, mapping)
        try:
            values[name] = convert(text, mapping, roll_fields[name])
            if name in required and values[name] in (None, ""):
                raise BadValue("is empty")
        except BadValue as error:
            values[name] = None
            warning = mapping.outside == "blank" and isinstance(error, OutsideBounds)
            if warning:
                values[name] = roll_fields[name].when_empty
            shown = "(withheld)" if name in PERSONAL else text[:100]
            findings.append(Finding(line, mapping.column or name, shown, str(error), warning))
    return values, findings


def source_text(source: Mapping[str, str], mapping: FieldMapping) -> str:
    """The text the mapping points at; blank padding of legacy columns removed."""
    if mapping.value is not None:
        return mapping.value
    text = source[mapping.column or ""].strip()
    if mapping.or_column is not None and text.strip("0.") == "":
        text = source[mapping.or_column].strip()
    return text


def convert(text: str, mapping: FieldMapping, roll_field: RollField) -> Any:
    """The value as the roll stores it, so that what is read back compares equal. Raises BadValue with the reason."""
    if "\x00" in text:
        raise BadValue("holds a zero byte")
    if text == "" or text in mapping.unknown:
        if mapping.default is None:
            return roll_field.when_empty
        text = mapping.default
    elif mapping.codes:
        if text not in mapping.codes:
            raise BadValue(f"unknown code; known: {', '.join(mapping.codes)}")
        text = mapping.codes[text]
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
            raise BadValue("looks like a number a spreadsheet has rewritten")
        if text and not any(each.isalnum() for each in text):
            raise BadValue("holds no letter and no digit")
    if mapping.width is not None and text:
        text = text.zfill(mapping.width)
    longest = min((each for each in (mapping.width, roll_field.longest) if each is not None), default=len(text))
    if len(text) > longest:
        raise BadValue(f"longer than {longest} characters")
    if roll_field.choices and text not in roll_field.choices:
        raise BadValue(f"not one of {', '.join(roll_field.choices)}")
    return text


def _text(text: str, mapping: FieldMapping) -> str:
    return text


def _decimal(text: str, mapping: FieldMapping) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise BadValue("not a number")
    return Decimal(text.replace(",", ""))


def _number(text: str, mapping: FieldMapping) -> float:
    return float(_decimal(text, mapping))


def _integer(text: str, mapping: FieldMapping) -> int:
    value = _decimal(text, mapping)
    whole = int(value)
    if value != whole:
        raise BadValue("not a whole number")
    return whole


def _dollars(text: str, mapping: FieldMapping) -> int:
    value = _integer(text.removeprefix("$"), mapping)
    if value < 0:
        raise BadValue("negative dollars")
    return value


def _year(text: str, mapping: FieldMapping) -> int:
    value = _integer(text, mapping)
    if not YEARS[0] <= value <= YEARS[1]:
        raise OutsideBounds(f"not a year from {YEARS[0]} to {YEARS[1]}")
    return value


def _date(text: str, mapping: FieldMapping) -> date:
    written = mapping.format or DATE_FORMAT
    try:
        day = datetime.strptime(text, written).date()  # noqa: DTZ007 - a calendar date has no zone
    except ValueError:
        raise BadValue(f"not a date written as {written}") from None
    if not YEARS[0] <= day.year <= YEARS[1]:
        raise OutsideBounds(f"not a year from {YEARS[0]} to {YEARS[1]}")
    return day


def _boolean(text: str, mapping: FieldMapping) -> bool:
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
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
