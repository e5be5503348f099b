"""Converting whole columns of source texts to columns of the roll.

Plain texts (digits, ISO dates, short texts) are converted by polars. Of all other texts each different one is converted
once by `validators.convert`, the rule for one value. A property-based test holds the two ways equal.
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
_AMBIGUOUS_TEXT = "^#|[\x00\ufffd\x80-\x9f]"  # the rule for one value decides about these


@dataclass
class Converted:
    """A batch as the roll would store it: a column `target.field` for each mapped field, and the findings."""

    values: pl.DataFrame
    findings: list[Finding] = field(default_factory=list)


def roll_field(target: str, name: str, kind: str = "text") -> RollField:
    """What the field can hold. An attribute is of the type its mapping gives it."""
    if name.startswith(ATTRIBUTE):
        return TEXT_FIELD if kind == "text" else _OTHER_FIELD
    return TARGETS[target].fields[name]


def convert_batch(rows: pl.DataFrame, dataset: Dataset) -> Converted:
    """Every mapped field of the batch. A value with a finding that refuses its row is null."""
    converter = _Converter(rows, dataset)
    return Converted(*converter.run())


@dataclass(frozen=True)
class _MappedField:
    """A field of the data set. name: `target.field`. column: what the roll can hold there."""

    name: str
    mapping: FieldMapping
    column: RollField
    is_required: bool


class _Converter:
    def __init__(self, rows: pl.DataFrame, dataset: Dataset) -> None:
        self.rows, self.dataset = rows, dataset
        self.lines = rows[LINE]
        self.findings: list[Finding] = []

    def run(self) -> tuple[pl.DataFrame, list[Finding]]:
        fields = list(self._fields())
        texts = self.rows.lazy().select(text_of(field.mapping).alias(field.name) for field in fields).collect()
        texts = texts.with_columns(
            self._with_slow_sums(texts[field.name], field.mapping)
            for field in fields
            if field.mapping.combine in ("sum", "subtract")
        )
        fast = texts.lazy().select(fast_value(pl.col(field.name), field.mapping, field.column) for field in fields)
        values = fast.collect()
        finished = [self._finish(field, texts[field.name], values[field.name]) for field in fields]
        return pl.DataFrame([self.lines, *finished]), self.findings

    def _fields(self) -> Iterator[_MappedField]:
        for target, mappings in self.dataset.targets().items():
            required = self.dataset.required(target)
            for name, mapping in mappings.items():
                yield _MappedField(
                    f"{target}.{name}", mapping, roll_field(target, name, mapping.type), name in required
                )
        for name, mapping in self.dataset.controls.items():
            yield _MappedField(f"controls.{name}", mapping, TARGETS["properties"].fields[name], False)

    def _with_slow_sums(self, texts: pl.Series, mapping: FieldMapping) -> pl.Series:
        """The texts with the sums of cells that are not plain digits, which are added row by row."""
        slow = texts.is_null()
        if not slow.any():
            return texts
        rows = self.rows.select(mapping.source_columns).filter(slow)
        sums = iter([source_text(row, mapping) for row in rows.iter_rows(named=True)])
        return pl.Series(
            texts.name,
            [next(sums) if is_slow else text for is_slow, text in zip(slow, texts, strict=True)],
            dtype=pl.String,
        )

    def _finish(self, field: _MappedField, texts: pl.Series, values: pl.Series) -> pl.Series:
        """The field's column for the roll. values: those that polars has converted, null elsewhere."""
        mapping = field.mapping
        if mapping.type == "geometry":
            values, findings = geometry_column(texts, self.lines, mapping.shown_as or field.name)
            self.findings += findings
        elif (left := values.is_null() & ((texts != "") | (mapping.default is not None))).any():
            values = self._one_by_one(field, texts, values, left)
        if field.is_required:
            self._refuse_empty(field, texts, values)
        return _filled(values, texts, field.column.when_empty)

    def _one_by_one(self, field: _MappedField, texts: pl.Series, values: pl.Series, left: pl.Series) -> pl.Series:
        """The values with those of the texts that are left, each different text converted by the rule for one value."""
        good: dict[str, Any] = {}
        bad: dict[str, BadValue] = {}
        for text in texts.filter(left).unique().to_list():
            try:
                good[text] = convert(text, field.mapping, field.column)
            except BadValue as error:
                bad[text] = error
        if bad:
            self._report(field, texts, good, bad)
        good = {text: value for text, value in good.items() if value is not None}
        if not good:
            return values
        converted = texts.replace_strict(
            pl.Series(list(good), dtype=pl.String), pl.Series(list(good.values()), dtype=values.dtype), default=None
        )
        return values.zip_with(~left, converted)

    def _report(self, field: _MappedField, texts: pl.Series, good: dict[str, Any], bad: dict[str, BadValue]) -> None:
        """A finding for each row with a bad text. A text whose value is dropped becomes a good one: the empty value."""
        is_bad = texts.is_in(list(bad))
        for line, text in zip(self.lines.filter(is_bad), texts.filter(is_bad), strict=True):
            error = bad[text]
            dropped = field.mapping.outside == "blank" and isinstance(error, OutsideBounds)
            dropped |= not field.is_required and isinstance(error, SpreadsheetError | MarkForNone)
            if dropped:
                good[text] = field.column.when_empty
            self._add(line, field, text, str(error), error.rule, dropped)

    def _refuse_empty(self, field: _MappedField, texts: pl.Series, values: pl.Series) -> None:
        # A null for a text that is not empty has a finding already.
        empty = (values.is_null() & (texts == "")) | ((values == "") if values.dtype == pl.String else False)
        if not empty.any():
            return
        for line in self.lines.filter(empty.fill_null(False)):
            self._add(line, field, "", "is empty", IsEmpty.rule, False)

    def _add(self, line: int, field: _MappedField, text: str, reason: str, rule: str, dropped: bool) -> None:
        shown = WITHHELD if field.name.split(".")[-1] in PERSONAL else text[:LONGEST_SHOWN]
        level = Level.WARN if dropped else Level.REFUSE
        self.findings.append(Finding(line, field.mapping.shown_as or field.name, shown, reason, rule, level, dropped))


def _filled(values: pl.Series, texts: pl.Series, when_empty: Any) -> pl.Series:
    """The values with what the roll stores for an empty text. A refused value stays null: its row is not loaded."""
    if when_empty is None or values.dtype == pl.Binary or not values.null_count():
        return values
    blank = pl.Series(values.name, [when_empty], dtype=values.dtype)
    return values.zip_with(~(values.is_null() & (texts == "")), blank.new_from_index(0, len(values)))


# --- From cells to one text ---


def text_of(mapping: FieldMapping) -> pl.Expr:
    """What `validators.source_text` gives, for a whole column; null for sums that must be added row by row."""
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
    parts = [_cell(part) for part in mapping.columns]
    filled = [pl.when(part != "").then(part) for part in parts]
    if mapping.combine == "join":
        return pl.concat_str(filled, separator=mapping.separator, ignore_nulls=True).fill_null("")
    if mapping.combine == "first":
        return pl.coalesce(filled).fill_null("")
    plain = pl.all_horizontal([part.str.contains(r"^\d{0,15}$") for part in parts]) & (not mapping.is_weighted)
    numbers = [part.cast(pl.Int64, strict=False).fill_null(0) for part in parts]
    result = reduce(lambda a, b: a + b if mapping.combine == "sum" else a - b, numbers).cast(pl.String)
    nothing = pl.all_horizontal([part == "" for part in parts])
    return pl.when(nothing).then(pl.lit("")).when(plain).then(result)


# --- From one text to a value, where that is plain ---


def fast_value(text: pl.Expr, mapping: FieldMapping, column: RollField) -> pl.Expr:
    """The value of a plain text; null where the rule for one value must decide."""
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
    """Whether the number is multiplied, because its unit is not the roll's."""
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
    longest = min((length for length in (mapping.width, column.longest) if length is not None), default=None)
    if longest is not None:
        fits &= value.str.len_chars() <= longest
    if mapping.width is not None:
        fits &= text.str.contains(r"^[0-9A-Za-z]*$")  # polars and Python pad a text with a sign differently
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
    """Dollars as plain digits: without a dollar sign, commas between thousands, and cents that are zero."""
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
