"""Which source column feeds which field of the roll, as the county's mapping file says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import yaml
from django.db import models
from django.db.backends.base.operations import BaseDatabaseOperations
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from county_configs.county_file import faults_in
from terrafusion.errors import ConfigurationError
from terrafusion.roll.models import AssessedValue, Property, Sale

FieldType = Literal["text", "integer", "number", "decimal", "dollars", "date", "year", "boolean"]
NUMERIC = {"integer", "number", "decimal", "dollars", "year"}

YEARS = (1600, 2100)
IDENTIFIERS = {"property_id", "parcel_number", "parent_parcel_number", "sale_id"}
VALUE_AMOUNTS = ("market_land", "market_improvement", "market_total", "taxable_value")
REQUIRED = {
    "properties": {"property_id", "parcel_number"},
    "sales": {"sale_id", "sale_date", "sale_price"},
    "assessed_values": {"tax_year", *VALUE_AMOUNTS},
}

# What a mapping may not fill: keys and bookkeeping are ours, geometry comes from layers.
_OURS = {
    "id",
    "county",
    "parcel_number_key",
    "created_at",
    "updated_at",
    "retired_at",
    "attributes",
    "is_valid",
    "roll_property",
}
_GEOMETRY = {"geometry", "west", "south", "east", "north"}
# What the column itself would accept though no property has it.
_BOUNDS: dict[str, tuple[float, float]] = {
    "longitude": (-180, 180),
    "latitude": (-90, 90),
    "year_built": YEARS,
    "effective_year": YEARS,
    "acres": (0, 10**9),
    "baths": (0, 1000),
    "stories": (0, 1000),
}


@dataclass(frozen=True)
class RollField:
    """What a field of the roll can hold, the same on every database; both bounds are allowed."""

    types: tuple[str, ...]
    when_empty: Any
    lowest: float | None = None
    highest: float | None = None
    longest: int | None = None
    choices: tuple[str, ...] = ()
    decimal_places: int | None = None
    is_identifier: bool = False


def _roll_field(field: models.Field) -> RollField:
    types: tuple[str, ...] = ("text",)
    lowest, highest = _BOUNDS.get(field.name, (None, None))
    if isinstance(field, models.IntegerField):
        types = ("integer", "year", "dollars")
        if lowest is None:
            lowest, highest = BaseDatabaseOperations.integer_field_ranges[field.get_internal_type()]
    elif isinstance(field, models.FloatField):
        types = ("number", "integer")
    elif isinstance(field, models.DecimalField):
        types = ("decimal",)
    elif isinstance(field, models.DateField):
        types = ("date",)
    elif isinstance(field, models.BooleanField):
        types = ("boolean",)
    default = field.get_default()
    return RollField(
        types=types,
        when_empty=default.value if isinstance(default, Enum) else default,
        lowest=lowest,
        highest=highest,
        longest=field.max_length,
        choices=tuple(str(value) for value, _ in field.choices or ()),
        decimal_places=getattr(field, "decimal_places", None),
        is_identifier=field.name in IDENTIFIERS,
    )


def _roll_fields(model: type[models.Model]) -> dict[str, RollField]:
    names = _OURS | _GEOMETRY
    return {field.name: _roll_field(field) for field in model._meta.concrete_fields if field.name not in names}


PROPERTY_FIELDS = _roll_fields(Property)
SALE_FIELDS = _roll_fields(Sale) | {"property_id": PROPERTY_FIELDS["property_id"]}
VALUE_FIELDS = _roll_fields(AssessedValue) | {"property_id": PROPERTY_FIELDS["property_id"]}


class FieldMapping(BaseModel):
    """One field of the roll.

    column: where it comes from; or_column: used instead where the first is empty or zero.
    value: a constant instead of a column. default: used where the source says nothing.
    unknown: source texts that mean "not known". codes: the county's codes and what each means on the roll.
    width: pads with leading zeros, which spreadsheets lose. format: how dates are written.
    minimum, maximum: bounds, both allowed; outside, the row is refused, or only the value is dropped with a warning
    when `outside` is "blank".
    """

    model_config = ConfigDict(extra="forbid")

    column: str | None = None
    or_column: str | None = None
    value: str | None = None
    default: str | None = None
    type: FieldType = "text"
    format: str | None = None
    width: int | None = Field(default=None, ge=1, le=64)
    unknown: list[str] = []
    codes: dict[str, str] = {}
    minimum: float | None = Field(default=None, allow_inf_nan=False)
    maximum: float | None = Field(default=None, allow_inf_nan=False)
    outside: Literal["refuse", "blank"] = "refuse"

    @model_validator(mode="after")
    def _one_origin(self) -> FieldMapping:
        if (self.column is None) == (self.value is None):
            raise ValueError("write either column or value")
        if self.or_column is not None and self.column is None:
            raise ValueError("or_column goes with column")
        return self

    @model_validator(mode="after")
    def _options_of_the_type(self) -> FieldMapping:
        if (self.minimum is not None or self.maximum is not None) and self.type not in NUMERIC:
            raise ValueError(f"minimum and maximum do not go with type {self.type}")
        if self.width is not None and self.type != "text":
            raise ValueError(f"width does not go with type {self.type}")
        if self.format is not None:
            if self.type != "date":
                raise ValueError(f"format does not go with type {self.type}")
            _check_date_format(self.format)
        return self

    @property
    def columns(self) -> list[str]:
        return [each for each in (self.column, self.or_column) if each is not None]


def _check_date_format(text: str) -> None:
    """A format that leaves out the year would silently date every sale in 1900."""
    day = date(2013, 11, 25)
    try:
        read = datetime.strptime(day.strftime(text), text).date()  # noqa: DTZ007 - a calendar date has no zone
    except ValueError:
        read = None
    if read != day:
        raise ValueError(f"{text!r} does not say year, month and day; write for example %m/%d/%Y")


class Mapping(BaseModel):
    """A mapping file. One source row may feed a property, a sale, an assessed value, or several of them."""

    model_config = ConfigDict(extra="forbid")

    properties: dict[str, FieldMapping] = {}
    sales: dict[str, FieldMapping] = {}
    assessed_values: dict[str, FieldMapping] = {}

    @model_validator(mode="after")
    def _known_fields(self) -> Mapping:
        if not self.properties and not self.sales and not self.assessed_values:
            raise ValueError("map properties, sales, assessed_values, or several of them")
        targets = (("properties", PROPERTY_FIELDS), ("sales", SALE_FIELDS), ("assessed_values", VALUE_FIELDS))
        for target, allowed in targets:
            fields: dict[str, FieldMapping] = getattr(self, target)
            if unknown := sorted(set(fields) - set(allowed)):
                raise ValueError(f"{target}: unknown {', '.join(unknown)}; allowed: {', '.join(sorted(allowed))}")
            if fields and (missing := sorted(self.required(target) - set(fields))):
                raise ValueError(f"{target}: {', '.join(missing)} must be mapped")
            for name, field in fields.items():
                if field.type not in allowed[name].types:
                    raise ValueError(f"{target}.{name}: type must be {' or '.join(allowed[name].types)}")
                if field.outside == "blank" and name in self.required(target):
                    raise ValueError(f"{target}.{name}: a row without it cannot be kept, so outside must be refuse")
        return self

    def required(self, target: str) -> set[str]:
        """A sale or value names its property itself when the same row does not describe one."""
        names_itself = target != "properties" and not self.properties
        return REQUIRED[target] | ({"property_id"} if names_itself else set())

    def missing_columns(self, columns: list[str]) -> list[str]:
        """Columns the mapping needs and the source lacks, in the mapping's order."""
        fields = [*self.properties.values(), *self.sales.values(), *self.assessed_values.values()]
        needed = dict.fromkeys(name for field in fields for name in field.columns)
        return [name for name in needed if name not in columns]


def read_mapping(path: Path) -> Mapping:
    """Raises ConfigurationError naming file, place and what is allowed."""
    try:
        return Mapping.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigurationError(f"There is no mapping {path.parent.name}/{path.name}.") from None
    except OSError as error:
        raise ConfigurationError(f"{path.name} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name}: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(f"{path.name}: {faults_in(error)}") from error
