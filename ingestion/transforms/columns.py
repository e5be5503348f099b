"""Whole columns of source texts into columns of the roll.

What is plain (digits, ISO dates, short texts) is converted by polars. Every other text goes, once for each different
text, through `validators.convert`, the rule for one value; a property-based test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import polars as pl

from ingestion.connectors.source import LINE

from .geometries import geometry_column
from .mapper import ATTRIBUTE, Dataset, FieldMapping, Part
from .roll_fields import PERSONAL, TARGETS, YEARS, RollField
from .validators import (
    BadValue,
    Finding,
    IsEmpty,
    Level,
    MarkForNone,
    OutsideBounds,
    SpreadsheetError,
    convert,
    source_text,
)

WITHHELD = "(withheld)"
LONGEST_SHOWN = 100

TEXT_FIELD = RollField(types=("text",), when_empty="", longest=1000)  # attributes.*
_OTHER_FIELD = RollField(types=(), when_empty=None)
_DTYPES: dict[str, Any] = {
    "text": pl.String,
    "integer": pl.Int64,
    "dollars": pl.Int64,
    "year": pl.Int64,
    "number": pl.Float64,
    "date": pl.Date,
    "boolean": pl.Boolean,
}
_WHOLE = r"^-?\d{1,15}$"
_PLAIN_NUMBER = r"^-?\d{1,15}(\.\d{1,9})?$"
_ISO_DATE = r"^\d{4}-\d{2}-\d{2}$"
_AMBIGUOUS_TEXT = "^#|[\x00\ufffd\x80-\x9f]"  # left to the rule for one value


@dataclass
class Converted:
    """A batch as the roll would store it: a column `target.field` for each mapped field, and what was found."""

    values: pl.DataFrame
    findings: list[Finding] = field(default_factory=list)


def roll_field(target: str, name: str, kind: str = "text") -> RollField:
    """What the field can hold; an attribute is of the kind its mapping says."""
    if name.startswith(ATTRIBUTE):
        return TEXT_FIELD if kind == "text" else _OTHER_FIELD
    return TARGETS[target].fields[name]


def convert_batch(rows: pl.DataFrame, dataset: Dataset) -> Converted:
    """Every mapped field of the batch. A value with a finding that refuses its row is null."""
    converter = _Converter(rows, dataset)
    return Converted(*converter.run())


class _Converter:
    def __init__(self, rows: pl.DataFrame, dataset: Dataset) -> None:
        self.rows, self.dataset = rows, dataset
        self.lines = rows[LINE]
        self.findings: list[Finding] = []

    def run(self) -> tuple[pl.DataFrame, list[Finding]]:
        named = list(self._fields())
        texts = self.rows.lazy().select(text_of(each).alias(name) for name, each, _, _ in named).collect()
        texts = texts.with_columns(
            self._with_slow_sums(texts[name], each) for name, each, _, _ in named if each.combine in ("sum", "subtract")
        )
        fast = texts.lazy().select(fast_value(pl.col(name), each, column) for name, each, column, _ in named).collect()
        values = [self._finish(texts[name], fast[name], each, column, must) for name, each, column, must in named]
        return pl.DataFrame([self.lines, *values]), self.findings

    def _fields(self) -> Iterator[tuple[str, FieldMapping, RollField, bool]]:
        for target, fields in self.dataset.targets().items():
            required = self.dataset.required(target)
            for name, each in fields.items():
                yield f"{target}.{name}", each, roll_field(target, name, each.type), name in required
        for name, each in self.dataset.controls.items():
            yield f"controls.{name}", each, TARGETS["properties"].fields[name], False

    def _with_slow_sums(self, texts: pl.Series, mapping: FieldMapping) -> pl.Series:
        """Sums of what is not plain digits, row by row."""
        slow = texts.is_null()
        if not slow.any():
            return texts
        wanted = self.rows.select(mapping.source_columns).filter(slow)
        sums = iter([source_text(row, mapping) for row in wanted.iter_rows(named=True)])
        return pl.Series(
            texts.name,
            [next(sums) if late else text for late, text in zip(slow, texts, strict=True)],
            dtype=pl.String,
        )

    def _finish(
        self, texts: pl.Series, values: pl.Series, mapping: FieldMapping, column: RollField, required: bool
    ) -> pl.Series:
        if mapping.type == "geometry":
            values, found = geometry_column(texts, self.lines, mapping.shown_as or texts.name)
            self.findings += found
        elif (left := values.is_null() & ((texts != "") | (mapping.default is not None))).any():
            values = self._one_by_one(texts, values, left, mapping, column, required)
        if required:
            self._refuse_empty(texts, values, mapping)
        return _filled(values, texts, column.when_empty)

    def _one_by_one(
        self,
        texts: pl.Series,
        values: pl.Series,
        left: pl.Series,
        mapping: FieldMapping,
        column: RollField,
        required: bool,
    ) -> pl.Series:
        """Each different text that is left, by the rule for one value."""
        good: dict[str, Any] = {}
        bad: dict[str, BadValue] = {}
        for text in texts.filter(left).unique().to_list():
            try:
                good[text] = convert(text, mapping, column)
            except BadValue as error:
                bad[text] = error
        if bad:
            self._report(texts, mapping, column, good, bad, required)
        good = {text: value for text, value in good.items() if value is not None}
        if not good:
            return values
        found = texts.replace_strict(
            pl.Series(list(good), dtype=pl.String), pl.Series(list(good.values()), dtype=values.dtype), default=None
        )
        return values.zip_with(~left, found)

    def _report(
        self,
        texts: pl.Series,
        mapping: FieldMapping,
        column: RollField,
        good: dict[str, Any],
        bad: dict[str, BadValue],
        required: bool,
    ) -> None:
        hit = texts.is_in(list(bad))
        for line, text in zip(self.lines.filter(hit), texts.filter(hit), strict=True):
            error = bad[text]
            dropped = mapping.outside == "blank" and isinstance(error, OutsideBounds)
            dropped |= not required and isinstance(error, SpreadsheetError | MarkForNone)
            if dropped:
                good[text] = column.when_empty
            self._add(line, texts.name, mapping, text, str(error), error.rule, dropped)

    def _refuse_empty(self, texts: pl.Series, values: pl.Series, mapping: FieldMapping) -> None:
        # Null for a text that says something has a finding already.
        empty = (values.is_null() & (texts == "")) | ((values == "") if values.dtype == pl.String else False)
        if not empty.any():
            return
        for line in self.lines.filter(empty.fill_null(False)):
            self._add(line, texts.name, mapping, "", "is empty", IsEmpty.rule, False)

    def _add(
        self, line: int, name: str, mapping: FieldMapping, text: str, reason: str, rule: str, dropped: bool
    ) -> None:
        shown = WITHHELD if name.split(".")[-1] in PERSONAL else text[:LONGEST_SHOWN]
        level = Level.WARN if dropped else Level.REFUSE
        self.findings.append(Finding(line, mapping.shown_as or name, shown, reason, rule, level, dropped))


def _filled(values: pl.Series, texts: pl.Series, when_empty: Any) -> pl.Series:
    """What the roll holds for "not said". A value refused stays null: its row is not loaded."""
    if when_empty is None or values.dtype == pl.Binary or not values.null_count():
        return values
    blank = pl.Series(values.name, [when_empty], dtype=values.dtype)
    return values.zip_with(~(values.is_null() & (texts == "")), blank.new_from_index(0, len(values)))


# --- From cells to one text ---


def text_of(mapping: FieldMapping) -> pl.Expr:
    """The text `validators.source_text` gives, for a column; null for sums it has to work out row by row."""
    if mapping.value is not None:
        text = pl.lit(mapping.value)
    elif mapping.column is not None:
        text = _cell(mapping.column)
        if mapping.or_column is not None:
            nothing = text.str.contains(r"^[0.]*$")
            text = pl.when(nothing).then(_cell(mapping.or_column)).otherwise(text)
    else:
        text = _combined(mapping)
    if mapping.unknown:
        text = pl.when(text.is_in(mapping.unknown)).then(pl.lit("")).otherwise(text)
    return text


def _cell(part: str | Part) -> pl.Expr:
    if isinstance(part, Part):
        cell = pl.col(part.column)
        if part.start is not None and part.end is not None:
            cell = cell.str.slice(part.start - 1, part.end - part.start + 1)
        return cell.str.strip_chars()
    return pl.col(part).str.strip_chars()


def _combined(mapping: FieldMapping) -> pl.Expr:
    parts = [_cell(each) for each in mapping.columns]
    if mapping.combine == "join":
        filled = [pl.when(each != "").then(each) for each in parts]
        return pl.concat_str(filled, separator=mapping.separator, ignore_nulls=True).fill_null("")
    if mapping.combine == "first":
        return pl.coalesce([pl.when(each != "").then(each) for each in parts]).fill_null("")
    plain = pl.all_horizontal([each.str.contains(r"^\d{0,15}$") for each in parts]) & (not mapping.is_weighted)
    numbers = [each.cast(pl.Int64, strict=False).fill_null(0) for each in parts]
    result = reduce(lambda a, b: a + b if mapping.combine == "sum" else a - b, numbers).cast(pl.String)
    nothing = pl.all_horizontal([each == "" for each in parts])
    return pl.when(nothing).then(pl.lit("")).when(plain).then(result)


# --- From one text to a value, where that is plain ---


def fast_value(text: pl.Expr, mapping: FieldMapping, column: RollField) -> pl.Expr:
    """The value, or null where the rule for one value must decide."""
    dtype = _dtype(mapping, column)
    if mapping.type == "geometry" or mapping.codes or mapping.type == "boolean":
        value = _undecided(text, dtype)
    elif mapping.type == "text":
        value = _fast_text(text, mapping, column)
    elif mapping.type == "date":
        value = _fast_date(text, mapping)
    elif _is_converted(mapping) or mapping.implied_decimals or mapping.percent:
        value = _undecided(text, dtype)
    else:
        value = _fast_number(text, mapping, column, dtype)
    return value.alias(text.meta.output_name())


def _is_converted(mapping: FieldMapping) -> bool:
    """Its number is multiplied on the way: a unit of another size, or acres, which may come from square feet."""
    same = (None, "feet") if mapping.type == "decimal" else (None, "feet", "sqft", "square_feet")
    return mapping.unit not in same


def _undecided(text: pl.Expr, dtype: Any) -> pl.Expr:
    return pl.when(text.is_null()).then(pl.lit(None, dtype=dtype))


def _dtype(mapping: FieldMapping, column: RollField) -> Any:
    if mapping.type == "geometry":
        return pl.Binary
    if mapping.type == "decimal":
        return pl.Decimal(22, column.decimal_places or 0)
    # A whole number may feed a column that holds fractions.
    if mapping.type == "integer" and "number" in column.types:
        return pl.Float64
    return _DTYPES[mapping.type]


def _fast_text(text: pl.Expr, mapping: FieldMapping, column: RollField) -> pl.Expr:
    value = text if mapping.width is None else pl.when(text != "").then(text.str.zfill(mapping.width)).otherwise(text)
    fits = text != ""
    longest = min((each for each in (mapping.width, column.longest) if each is not None), default=None)
    if longest is not None:
        fits &= value.str.len_chars() <= longest
    if mapping.width is not None:
        fits &= text.str.contains(r"^[0-9A-Za-z]*$")  # zfill treats a sign in its own way
    if column.is_identifier:
        fits &= (
            text.str.contains(r"^[0-9A-Za-z][0-9A-Za-z /_-]*$")
            & ~text.str.contains(r"^\d[eE]\d")
            & (text.str.len_chars() <= 15)
        )
    else:
        fits &= ~text.str.contains(_AMBIGUOUS_TEXT)
    if column.choices:
        fits &= value.is_in(list(column.choices))
    return pl.when(fits).then(value)


def plain_dollars(text: pl.Expr) -> pl.Expr:
    """Dollars as the digits they are: without sign of currency, commas between thousands and cents that are nothing."""
    bare = text.str.replace(r"\.0{1,9}$", "").str.strip_prefix("$")
    return pl.when(bare.str.contains(r"^\d{1,3}(,\d{3})+$")).then(bare.str.replace_all(",", "")).otherwise(bare)


def _fast_date(text: pl.Expr, mapping: FieldMapping) -> pl.Expr:
    if mapping.format is not None:
        return _undecided(text, pl.Date)
    day = pl.when(text.str.contains(_ISO_DATE)).then(text).str.to_date("%Y-%m-%d", strict=False)
    return pl.when(day.dt.year().is_between(*YEARS)).then(day)


def _fast_number(text: pl.Expr, mapping: FieldMapping, column: RollField, dtype: Any) -> pl.Expr:
    if mapping.type == "dollars":
        text = plain_dollars(text)
    whole = mapping.type in ("integer", "year", "dollars")
    pattern = _WHOLE if whole else _PLAIN_NUMBER
    if mapping.type == "decimal":
        pattern = rf"^-?\d{{1,15}}(\.\d{{1,{column.decimal_places or 1}}})?$"
    value = pl.when(text.str.contains(pattern)).then(text).cast(pl.Int64 if whole else dtype, strict=False)
    good = pl.lit(True)
    for lowest in (mapping.minimum, column.lowest, *((0,) if mapping.type == "dollars" else ())):
        if lowest is not None:
            good &= value >= lowest
    for highest in (mapping.maximum, column.highest):
        if highest is not None:
            good &= value <= highest
    if mapping.type == "year":
        good &= value.is_between(*YEARS)
    return pl.when(good).then(value).cast(dtype)
