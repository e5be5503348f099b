"""Turning a source text into a value of the roll, or a reason why it cannot be one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from .mapper import FieldMapping

YEARS = (1600, 2100)
TRUE, FALSE = {"1", "true", "t", "yes", "y"}, {"0", "false", "f", "no", "n"}


@dataclass(frozen=True)
class Finding:
    """What is wrong with one value. A warning blanks the value; otherwise the whole row is rejected."""

    line: int
    column: str
    value: str
    reason: str
    is_warning: bool = False


class BadValue(Exception):
    """The text is not a value of the field's type; the message is the reason."""


def convert_row(
    line: int, source: Mapping[str, str], fields: Mapping[str, FieldMapping]
) -> tuple[dict[str, Any], list[Finding]]:
    """The row's values by field name, and what was found. Unknown values are None."""
    values: dict[str, Any] = {}
    findings: list[Finding] = []
    for name, mapping in fields.items():
        text = source_text(source, mapping)
        try:
            values[name] = convert(text, mapping)
        except BadValue as error:
            values[name] = None
            warning = mapping.outside == "blank"
            findings.append(Finding(line, mapping.column or name, text[:100], str(error), warning))
    return values, findings


def source_text(source: Mapping[str, str], mapping: FieldMapping) -> str:
    """The text the mapping points at; blank padding of legacy columns removed."""
    if mapping.value is not None:
        return mapping.value
    text = source[mapping.column or ""].strip()
    if mapping.or_column is not None and text.strip("0.") == "":
        text = source[mapping.or_column].strip()
    return text


def convert(text: str, mapping: FieldMapping) -> Any:
    """Raises BadValue with the reason."""
    if text == "" or text in mapping.unknown:
        return "" if mapping.type == "text" else None
    value = _CONVERTERS[mapping.type](text, mapping)
    if mapping.minimum is not None and value < mapping.minimum:
        raise BadValue(f"below {mapping.minimum:g}")
    if mapping.maximum is not None and value > mapping.maximum:
        raise BadValue(f"above {mapping.maximum:g}")
    return value


def _text(text: str, mapping: FieldMapping) -> str:
    if mapping.codes:
        if text not in mapping.codes:
            raise BadValue(f"unknown code; known: {', '.join(mapping.codes)}")
        text = mapping.codes[text]
    if mapping.width is not None:
        if "e" in text.lower() or "." in text:
            raise BadValue("looks like a number a spreadsheet has rewritten")
        text = text.zfill(mapping.width)
        if len(text) > mapping.width:
            raise BadValue(f"longer than {mapping.width} characters")
    return text


def _decimal(text: str, mapping: FieldMapping) -> Decimal:
    try:
        value = Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise BadValue("not a number") from None
    if not value.is_finite():
        raise BadValue("not a number")
    return value


def _number(text: str, mapping: FieldMapping) -> float:
    return float(_decimal(text, mapping))


def _integer(text: str, mapping: FieldMapping) -> int:
    value = _decimal(text, mapping)
    if value != value.to_integral_value():
        raise BadValue("not a whole number")
    return int(value)


def _dollars(text: str, mapping: FieldMapping) -> int:
    value = _integer(text.removeprefix("$"), mapping)
    if value < 0:
        raise BadValue("negative dollars")
    return value


def _year(text: str, mapping: FieldMapping) -> int:
    value = _integer(text, mapping)
    if not YEARS[0] <= value <= YEARS[1]:
        raise BadValue(f"not a year from {YEARS[0]} to {YEARS[1]}")
    return value


def _date(text: str, mapping: FieldMapping) -> date:
    try:
        return datetime.strptime(text, mapping.format).date()  # noqa: DTZ007 - a calendar date has no zone
    except ValueError:
        raise BadValue(f"not a date written as {mapping.format}") from None


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
