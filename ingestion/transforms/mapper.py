"""Which source column feeds which field of the roll, as the county's mapping file says it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from county_configs.safe_yaml import faults_with_lines, read_yaml
from terrafusion.errors import ConfigurationError

from .near_names import did_you_mean
from .queries import Query
from .roll_fields import TARGETS, Target

FieldType = Literal["text", "integer", "number", "decimal", "dollars", "date", "year", "boolean", "geometry"]
NUMERIC = {"integer", "number", "decimal", "dollars", "year"}
Unit = Literal["sqft", "acres", "feet", "square_metres", "square_feet", "hectares"]
ATTRIBUTE = "attributes."  # attributes.zoning: {column: ...} puts a text where the roll has no column
ATTRIBUTE_TYPES = ("text", "integer", "number", "boolean")
NUMBERED_DATES = ("excel_serial", "epoch_milliseconds", "epoch_seconds")  # dates that are written as a number
SIMPLE = "main"  # the data set of a mapping file that has only one


class Part(BaseModel):
    """Some characters of a column: the first is 1, both ends are included. Or its number so many times: 0.5 of half
    baths."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    start: int | None = Field(default=None, alias="from", ge=1)
    end: int | None = Field(default=None, alias="to", ge=1)
    times: float = Field(default=1, gt=0, le=1000, allow_inf_nan=False)

    @model_validator(mode="after")
    def _both_ends(self) -> Part:
        if (self.start is None) != (self.end is None):
            raise ValueError("from and to go together")
        return self


class FieldMapping(BaseModel):
    """One field of the roll.

    column: where it comes from; or_column: used instead where the first is empty or zero.
    columns and combine: several, added ("sum"), subtracted from the first ("subtract"), joined with `separator`
    ("join"), or the first that says something ("first"). value: a constant instead of a column.
    default: used where the source says nothing. unknown: source texts that mean "not known".
    codes: the county's codes and what each means on the roll; other_codes: what any code not listed means.
    width: pads with leading zeros, which spreadsheets lose.
    format: how dates are written, or several of such ways, tried in this order: strptime's (`%m/%d/%Y`), with a time of
    day and a zone (`%z`) where they have them, `excel_serial` (45448), `epoch_milliseconds` or `epoch_seconds`. An ISO
    date, which is what a spreadsheet's own dates are read as, is understood whatever the format says.
    time_zone: where an instant (with a zone, or since the epoch) becomes a calendar date; UTC unless it is said.
    two_digit_years_from: 1930 unless it is said: `29` is 2029, `30` is 1930.
    unit: the source's, converted to the roll's. percent: 100 in the source is 1 on the roll.
    implied_decimals: digits after a decimal point that is not written.
    cents: what becomes of dollars that are not whole, the roll's being so: the row is refused ("refuse"), or the amount
    rounded, halves up ("half_up"), which the control totals then show.
    minimum, maximum: bounds, both allowed; outside, the row is refused, or only the value is dropped with a warning
    when `outside` is "blank".
    """

    model_config = ConfigDict(extra="forbid")

    column: str | None = None
    or_column: str | None = None
    columns: list[str | Part] = Field(default=[], max_length=20)
    combine: Literal["sum", "subtract", "join", "first"] | None = None
    separator: str = Field(default=" ", max_length=10)
    value: str | None = None
    default: str | None = None
    type: FieldType = "text"
    format: str | list[str] | None = None
    time_zone: str | None = None
    two_digit_years_from: int = Field(default=1930, ge=1800, le=2000)
    width: int | None = Field(default=None, ge=1, le=64)
    unknown: list[str] = []
    codes: dict[str, str] = {}
    other_codes: str | None = None
    unit: Unit | None = None
    percent: bool = False
    implied_decimals: int = Field(default=0, ge=0, le=9)
    cents: Literal["refuse", "half_up"] = "refuse"
    minimum: float | None = Field(default=None, allow_inf_nan=False)
    maximum: float | None = Field(default=None, allow_inf_nan=False)
    outside: Literal["refuse", "blank"] = "refuse"

    @model_validator(mode="after")
    def _one_origin(self) -> FieldMapping:
        if sum((self.column is not None, bool(self.columns), self.value is not None)) != 1:
            raise ValueError("write either column or value, or columns with combine")
        if self.or_column is not None and self.column is None:
            raise ValueError("or_column goes with column")
        if bool(self.columns) != (self.combine is not None):
            raise ValueError("columns and combine go together")
        if self.is_weighted and (self.combine not in ("sum", "subtract") or self.type == "dollars"):
            raise ValueError("times goes with sum or subtract, and not with dollars")
        return self

    @model_validator(mode="after")
    def _options_of_the_type(self) -> FieldMapping:
        numeric = self.type in NUMERIC
        if (self.minimum is not None or self.maximum is not None) and not numeric:
            raise ValueError(f"minimum and maximum do not go with type {self.type}")
        if (self.unit is not None or self.implied_decimals) and not numeric:
            raise ValueError(f"unit and implied_decimals do not go with type {self.type}")
        if self.cents != "refuse" and self.type != "dollars":
            raise ValueError(f"cents does not go with type {self.type}")
        if self.percent and self.type not in ("decimal", "number"):
            raise ValueError(f"percent does not go with type {self.type}")
        if self.width is not None and self.type != "text":
            raise ValueError(f"width does not go with type {self.type}")
        if self.other_codes is not None and not self.codes:
            raise ValueError("other_codes goes with codes")
        if self.format is not None:
            if self.type != "date":
                raise ValueError(f"format does not go with type {self.type}")
            for written in self.formats:
                _check_date_format(written)
        if self.time_zone is not None:
            if self.type != "date":
                raise ValueError(f"time_zone does not go with type {self.type}")
            _check_time_zone(self.time_zone)
        return self

    @property
    def weights(self) -> list[float]:
        """How many times each of `columns` counts."""
        return [part.times if isinstance(part, Part) else 1 for part in self.columns]

    @property
    def is_weighted(self) -> bool:
        return any(weight != 1 for weight in self.weights)

    @property
    def formats(self) -> list[str]:
        """The ways its dates are written; none is ISO alone."""
        return [self.format] if isinstance(self.format, str) else self.format or []

    @property
    def source_columns(self) -> list[str]:
        """Every column it reads."""
        parts = [each.column if isinstance(each, Part) else each for each in self.columns]
        return [each for each in (self.column, self.or_column, *parts) if each is not None]

    @property
    def shown_as(self) -> str:
        """What a finding calls it: the source's column, so that it can be looked up there."""
        return self.column or " + ".join(self.source_columns)


def _check_date_format(text: str) -> None:
    """A format without the year would silently date every sale in 1900. One without a day is the month's first."""
    if text in NUMBERED_DATES:
        return
    day = datetime(2013, 11, 25, tzinfo=UTC)
    try:
        read = datetime.strptime(day.strftime(text), text)  # noqa: DTZ007 - a calendar date has no zone
    except ValueError:
        read = None
    if read is None or read.date() not in (day.date(), day.date().replace(day=1)):
        words = ", ".join(NUMBERED_DATES)
        raise ValueError(
            f"{text!r} does not say year, month and day, or at least year and month; write for example %m/%d/%Y, "
            f"or {words}"
        )


def _check_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError(f"{name!r} is no time zone; write for example America/Los_Angeles") from None


class FileOptions(BaseModel):
    """How a file is written, where that cannot be seen from the file itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: Literal["utf-8", "latin-1", "cp1252", "cp437"] | None = None
    quoting: Literal["double", "none"] | None = Field(
        default=None,
        description="double: values may stand in double quotes (RFC 4180); none: a quote mark is part of its value. "
        "Not said: quotes are believed where they close and enclose no rows of the file.",
    )
    skip_lines: int = Field(default=0, ge=0, le=1000, description="Title lines before the header.")
    sheet: str | None = None
    layer: str | None = None
    fixed_width: dict[str, tuple[int, int]] = Field(
        default={}, description="Column: first and last position, the first of a line being 1."
    )
    short_lines: Literal["refuse", "blank"] = Field(
        default="refuse",
        description="What a fixed-width line lacks is blank; or a line that lacks more than its last "
        "column is refused.",
    )


class Dataset(BaseModel):
    """One table, file or query. One of its rows may feed several parts of the roll.

    complete: it lists every record of its kind, so that what it no longer has is retired.
    update_only: it adds fields to records that another data set brings.
    match: the field of the roll by which its rows find their property, when that is not `property_id`.
    controls: class and tax area by which its dollars are totalled, where the same row does not feed the property.
    """

    model_config = ConfigDict(extra="forbid")

    source: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]{0,30}$")
    file: FileOptions = FileOptions()
    query: Query | None = None
    complete: bool = False
    update_only: bool = False
    match: Literal["property_id", "parcel_number"] = "property_id"
    watermark: str | None = None
    rejection_limit_percent: float = Field(default=1, ge=0, le=100)
    retirement_limit_percent: float = Field(default=10, ge=0, le=100)
    controls: dict[Literal["property_class", "tax_code_area"], FieldMapping] = {}
    properties: dict[str, FieldMapping] = {}
    improvements: dict[str, FieldMapping] = {}
    owners: dict[str, FieldMapping] = {}
    assessed_values: dict[str, FieldMapping] = {}
    sales: dict[str, FieldMapping] = {}
    layers: dict[str, FieldMapping] = {}

    @model_validator(mode="after")
    def _known_fields(self) -> Dataset:
        if not self.targets():
            raise ValueError(f"map {', '.join(list(TARGETS)[:-1])} or layers")
        if (self.query is None) != (self.source is None):
            raise ValueError("query goes with source, the name of the database it is put to")
        for name in self.targets():
            self._check_target(TARGETS[name])
        return self

    def _check_target(self, target: Target) -> None:
        fields: dict[str, FieldMapping] = getattr(self, target.name)
        plain = {name for name in fields if not name.startswith(ATTRIBUTE)}
        if unknown := sorted(plain - set(target.fields)):
            raise ValueError(
                f"{target.name}.{unknown[0]}: unknown field{did_you_mean(unknown[0], target.fields)}; "
                f"allowed: {', '.join(sorted(target.fields))}"
            )
        if missing := sorted(self.required(target.name) - set(fields)):
            raise ValueError(f"{target.name}: {', '.join(missing)} must be mapped")
        for name, each in fields.items():
            if name.startswith(ATTRIBUTE):
                if not target.has_attributes or each.type not in ATTRIBUTE_TYPES:
                    kinds = ", ".join(ATTRIBUTE_TYPES)
                    raise ValueError(f"{target.name}.{name}: only properties and layers keep attributes, as {kinds}")
            elif each.type not in target.fields[name].types:
                raise ValueError(f"{target.name}.{name}: type must be {' or '.join(target.fields[name].types)}")
            elif each.outside == "blank" and name in self.required(target.name):
                raise ValueError(f"{target.name}.{name}: a row without it cannot be kept, so outside must be refuse")

    def targets(self) -> dict[str, dict[str, FieldMapping]]:
        """The parts it feeds, parents first."""
        return {name: getattr(self, name) for name in TARGETS if getattr(self, name)}

    def required(self, target: str) -> frozenset[str]:
        """What a row must say. A row that describes a property need not name it again for its sale or value."""
        if self.update_only:
            return frozenset({self.match if target == "properties" else each for each in TARGETS[target].key})
        named = {"property_id"} if target != "properties" and self.properties else set()
        return TARGETS[target].required - named

    def fields(self) -> list[FieldMapping]:
        return [*(each for fields in self.targets().values() for each in fields.values()), *self.controls.values()]

    def source_columns(self) -> list[str]:
        """Every column it reads, in the mapping's order."""
        names = [name for each in self.fields() for name in each.source_columns]
        return list(dict.fromkeys([*names, *([self.watermark] if self.watermark else [])]))

    @property
    def asked(self) -> Query:
        """The query of a data set that comes from a database."""
        if self.query is None:
            raise ConfigurationError("This data set reads a file; it has no query.")
        return self.query

    def as_written(self) -> dict[str, Any]:
        """As the mapping file says it, defaults left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def with_typed_attributes(self, kinds: dict[str, str]) -> Dataset:
        """The data set, a layer's attributes of the type the source gives their columns where the mapping says none.

        kinds: by column, as the source names its types. Only files that type their columns (layers, Parquet) do.
        """
        layers = {
            name: each.model_copy(update={"type": kind})
            if name.startswith(ATTRIBUTE)
            and "type" not in each.model_fields_set
            and not each.codes
            and (kind := _number_kind(kinds.get(each.column or "")))
            else each
            for name, each in self.layers.items()
        }
        return self.model_copy(update={"layers": layers})

    def missing_columns(self, columns: list[str]) -> list[str]:
        return [name for name in self.source_columns() if name not in columns]


def _number_kind(kind: str | None) -> str | None:
    if kind is None or not re.fullmatch(r"u?int\d+|float\d*|double|bool", kind):
        return None
    return "boolean" if kind == "bool" else "integer" if "int" in kind else "number"


class Mapping(BaseModel):
    """A mapping file: one data set written at the top level, or several by name under `datasets`.

    variables: what queries may call `$name`, for example the tax year; a load may give others.
    """

    model_config = ConfigDict(extra="forbid")

    datasets: dict[str, Dataset] = Field(min_length=1)
    variables: dict[str, int | str] = {}

    @model_validator(mode="before")
    @classmethod
    def _simple_form(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and "datasets" not in raw:
            return {"datasets": {SIMPLE: raw}}
        return raw

    def of_source(self, source: str) -> dict[str, Dataset]:
        """The queries put to a database, in the file's order."""
        return {name: each for name, each in self.datasets.items() if each.source == source}

    def sources(self) -> list[str]:
        return list(dict.fromkeys(each.source for each in self.datasets.values() if each.source))

    def of_file(self, name: str | None) -> tuple[str, Dataset]:
        """The data set that reads a file: the one named, or the only one. Raises ConfigurationError."""
        for_files = {key: each for key, each in self.datasets.items() if each.source is None}
        if name is None and len(for_files) == 1:
            return next(iter(for_files.items()))
        if name is None or name not in for_files:
            known = ", ".join(for_files) or "none"
            asked = f"Unknown data set {name!r}." if name else "Say which data set of the mapping the file is."
            raise ConfigurationError(f"{asked} Data sets for files: {known}.")
        return name, for_files[name]


def read_mapping(path: Path) -> Mapping:
    """Raises ConfigurationError naming file, line, place and what is allowed."""
    raw, root = read_yaml(path)
    try:
        return Mapping.model_validate(raw)
    except ValidationError as error:
        raise ConfigurationError(
            "; ".join(faults_with_lines(error, root, f"{path.parent.name}/{path.name}"))
        ) from error
