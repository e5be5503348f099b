"""The county's mapping file: which column of a source feeds which field of the roll."""

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
    """A column of several, or a part of it.

    from and to: the first and last character to take, both included; the first of a column is 1.
    times: by what its number is multiplied before it is added: 0.5 for half baths.
    """

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

    column: the source's column. or_column: the column used instead where the first is empty or zero.
    columns and combine: several columns, which are added ("sum"), subtracted from the first ("subtract"), joined with
    `separator` ("join"), or of which the first that is not empty is taken ("first").
    value: a constant instead of a column.
    default: the value where the source is empty. unknown: texts of the source that mean "not known".
    codes: the meaning on the roll of each of the county's codes. other_codes: the meaning of every code not listed.
    width: texts are padded to it with leading zeros, which spreadsheets lose.
    format: the format of dates, or several formats, which are tried in this order: one of strptime (`%m/%d/%Y`), with a
    time of day and a zone (`%z`) if the dates have them, `excel_serial` (45448), `epoch_milliseconds` or
    `epoch_seconds`. An ISO date is understood whatever the format; a spreadsheet's own dates are read as such.
    time_zone: the zone in which an instant (with a zone, or since the epoch) becomes a calendar date; UTC by default.
    two_digit_years_from: the earliest year that two digits can mean. With the default 1930, `29` is 2029 and `30` is
    1930.
    unit: the unit in the source, which is converted to the roll's. percent: 100 in the source is 1 on the roll.
    implied_decimals: the number of digits after a decimal point that is not written.
    cents: what happens to dollars with cents, because the roll holds whole dollars: the row is refused ("refuse"), or
    the amount is rounded, with halves rounded up ("half_up"); the control totals show the difference.
    minimum, maximum: the bounds, both allowed values. Outside them the row is refused, or, if `outside` is "blank",
    only the value is dropped with a warning.
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
            for date_format in self.formats:
                _check_date_format(date_format)
        if self.time_zone is not None:
            if self.type != "date":
                raise ValueError(f"time_zone does not go with type {self.type}")
            _check_time_zone(self.time_zone)
        return self

    @property
    def weights(self) -> list[float]:
        """By what each of `columns` is multiplied before it is added."""
        return [part.times if isinstance(part, Part) else 1 for part in self.columns]

    @property
    def is_weighted(self) -> bool:
        return any(weight != 1 for weight in self.weights)

    @property
    def formats(self) -> list[str]:
        """The formats of its dates; an empty list means ISO dates only."""
        return [self.format] if isinstance(self.format, str) else self.format or []

    @property
    def source_columns(self) -> list[str]:
        """Every column it reads."""
        parts = [part.column if isinstance(part, Part) else part for part in self.columns]
        return [column for column in (self.column, self.or_column, *parts) if column is not None]

    @property
    def shown_as(self) -> str:
        """The name in findings: the source's column or columns, which somebody can look up there."""
        return self.column or " + ".join(self.source_columns)


def _check_date_format(text: str) -> None:
    """Raises ValueError for a format without year or month: without the year, every sale would be dated in 1900.

    A format without a day is allowed; its dates are the first of the month.
    """
    if text in NUMBERED_DATES:
        return
    day = datetime(2013, 11, 25, tzinfo=UTC)
    try:
        parsed = datetime.strptime(day.strftime(text), text)  # noqa: DTZ007 - a calendar date has no zone
    except ValueError:
        parsed = None
    if parsed is None or parsed.date() not in (day.date(), day.date().replace(day=1)):
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
    """What must be known to read a file, and cannot be seen from the file itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: Literal["utf-8", "latin-1", "cp1252", "cp437"] | None = None
    quoting: Literal["double", "none"] | None = Field(
        default=None,
        description="double: values may stand in double quotes (RFC 4180); none: a quote mark is part of its value. "
        "By default quotes count where they are closed and do not enclose whole rows of the file.",
    )
    skip_lines: int = Field(default=0, ge=0, le=1000, description="Title lines before the header.")
    sheet: str | None = None
    layer: str | None = None
    fixed_width: dict[str, tuple[int, int]] = Field(
        default={}, description="The first and last position of each column; the first position of a line is 1."
    )
    short_lines: Literal["refuse", "blank"] = Field(
        default="refuse",
        description="blank: the missing end of a fixed-width line is blank; "
        "refuse: a line that lacks more than its last column is refused.",
    )


class Dataset(BaseModel):
    """One table, file or query. A row of it may feed several parts of the roll.

    complete: it lists every record of its kind, so that a record it no longer lists is retired.
    update_only: it adds fields to records that another data set creates.
    match: the field of the roll by which its rows find their property, if that is not `property_id`.
    controls: the property class and tax code area by which its dollars are totalled, where its rows do not feed the
    property itself.
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
        for name, mapping in fields.items():
            if name.startswith(ATTRIBUTE):
                if not target.has_attributes or mapping.type not in ATTRIBUTE_TYPES:
                    kinds = ", ".join(ATTRIBUTE_TYPES)
                    raise ValueError(f"{target.name}.{name}: only properties and layers keep attributes, as {kinds}")
            elif mapping.type not in target.fields[name].types:
                raise ValueError(f"{target.name}.{name}: type must be {' or '.join(target.fields[name].types)}")
            elif mapping.outside == "blank" and name in self.required(target.name):
                raise ValueError(f"{target.name}.{name}: a row without it cannot be kept, so outside must be refuse")

    def targets(self) -> dict[str, dict[str, FieldMapping]]:
        """The fields of each part of the roll that it feeds; properties come before what belongs to them."""
        return {name: getattr(self, name) for name in TARGETS if getattr(self, name)}

    def required(self, target: str) -> frozenset[str]:
        """The fields a row must have. A row that feeds a property need not name it again for its sale or value."""
        if self.update_only:
            return frozenset({self.match if target == "properties" else name for name in TARGETS[target].key})
        known = {"property_id"} if target != "properties" and self.properties else set()
        return TARGETS[target].required - known

    def fields(self) -> list[FieldMapping]:
        mappings = [mapping for fields in self.targets().values() for mapping in fields.values()]
        return [*mappings, *self.controls.values()]

    def source_columns(self) -> list[str]:
        """Every column it reads, in the order of the mapping file."""
        names = [name for mapping in self.fields() for name in mapping.source_columns]
        return list(dict.fromkeys([*names, *([self.watermark] if self.watermark else [])]))

    @property
    def database_query(self) -> Query:
        """The query of a data set that comes from a database. Raises ConfigurationError for one that reads a file."""
        if self.query is None:
            raise ConfigurationError("This data set reads a file; it has no query.")
        return self.query

    def as_written(self) -> dict[str, Any]:
        """The data set as in the mapping file, without the settings left at their defaults."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def with_typed_attributes(self, kinds: dict[str, str]) -> Dataset:
        """The data set with the source's types for those attributes of a layer to which the mapping gives no type.

        kinds: the types of the columns as the source names them. Only layers and Parquet files have them.
        """

        def typed(name: str, mapping: FieldMapping) -> FieldMapping:
            has_own_type = "type" in mapping.model_fields_set or bool(mapping.codes)
            kind = _number_kind(kinds.get(mapping.column or ""))
            if not name.startswith(ATTRIBUTE) or has_own_type or kind is None:
                return mapping
            return mapping.model_copy(update={"type": kind})

        return self.model_copy(update={"layers": {name: typed(name, mapping) for name, mapping in self.layers.items()}})

    def missing_columns(self, columns: list[str]) -> list[str]:
        return [name for name in self.source_columns() if name not in columns]


def _number_kind(kind: str | None) -> str | None:
    if kind is None or not re.fullmatch(r"u?int\d+|float\d*|double|bool", kind):
        return None
    return "boolean" if kind == "bool" else "integer" if "int" in kind else "number"


class Mapping(BaseModel):
    """A mapping file: one data set at the top level, or several by name under `datasets`.

    variables: the values that queries use as `$name`, for example the tax year; a load may give others.
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
        """The data sets that read a database, in the order of the mapping file."""
        return {name: dataset for name, dataset in self.datasets.items() if dataset.source == source}

    def sources(self) -> list[str]:
        return list(dict.fromkeys(dataset.source for dataset in self.datasets.values() if dataset.source))

    def of_file(self, name: str | None) -> tuple[str, Dataset]:
        """The data set that reads a file: the one of this name, or the only one. Raises ConfigurationError."""
        for_files = {key: dataset for key, dataset in self.datasets.items() if dataset.source is None}
        if name is None and len(for_files) == 1:
            return next(iter(for_files.items()))
        if name is None or name not in for_files:
            known = ", ".join(for_files) or "none"
            fault = f"Unknown data set {name!r}." if name else "Say which data set of the mapping the file is."
            raise ConfigurationError(f"{fault} Data sets for files: {known}.")
        return name, for_files[name]


def read_mapping(path: Path) -> Mapping:
    """The mapping in the file. Raises ConfigurationError naming file, line, place and what is allowed."""
    raw, root = read_yaml(path)
    try:
        return Mapping.model_validate(raw)
    except ValidationError as error:
        raise ConfigurationError(
            "; ".join(faults_with_lines(error, root, f"{path.parent.name}/{path.name}"))
        ) from error
