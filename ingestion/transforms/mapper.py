"""Which source column feeds which field of the roll, as the county's mapping file says it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from county_configs.county_file import faults_in
from terrafusion.errors import ConfigurationError
from terrafusion.roll.models import Property, Sale

FieldType = Literal["text", "integer", "number", "decimal", "dollars", "date", "year", "boolean"]

# What a mapping may fill; keys and bookkeeping are ours.
_OURS = {"id", "county", "parcel_number_key", "created_at", "updated_at", "retired_at", "attributes", "is_valid"}
_GEOMETRY = {"geometry", "west", "south", "east", "north"}
PROPERTY_FIELDS = {field.name for field in Property._meta.concrete_fields} - _OURS - _GEOMETRY
SALE_FIELDS = ({field.name for field in Sale._meta.concrete_fields} - _OURS) | {"property_id"}
REQUIRED = {"properties": {"property_id", "parcel_number"}, "sales": {"sale_id", "sale_date", "sale_price"}}


class FieldMapping(BaseModel):
    """One field of the roll.

    column: where it comes from; or_column: used instead where the first is empty or zero.
    value: a constant instead of a column. width: pads with leading zeros, which spreadsheets lose.
    unknown: source texts that mean "not known". minimum, maximum: bounds, both allowed; outside, the row is refused,
    or only the value is dropped with a warning when `outside` is "blank".
    """

    model_config = ConfigDict(extra="forbid")

    column: str | None = None
    or_column: str | None = None
    value: str | None = None
    type: FieldType = "text"
    format: str = "%Y-%m-%d"
    width: int | None = Field(default=None, ge=1, le=64)
    unknown: list[str] = []
    codes: dict[str, str] = {}
    minimum: float | None = None
    maximum: float | None = None
    outside: Literal["refuse", "blank"] = "refuse"

    @model_validator(mode="after")
    def _one_origin(self) -> FieldMapping:
        if (self.column is None) == (self.value is None):
            raise ValueError("write either column or value")
        return self

    @property
    def columns(self) -> list[str]:
        return [each for each in (self.column, self.or_column) if each is not None]


class Mapping(BaseModel):
    """A mapping file. One source row may feed a property, a sale, or both."""

    model_config = ConfigDict(extra="forbid")

    properties: dict[str, FieldMapping] = {}
    sales: dict[str, FieldMapping] = {}

    @model_validator(mode="after")
    def _known_fields(self) -> Mapping:
        for target, allowed in (("properties", PROPERTY_FIELDS), ("sales", SALE_FIELDS)):
            fields = getattr(self, target)
            if unknown := sorted(set(fields) - allowed):
                raise ValueError(f"{target}: unknown {', '.join(unknown)}; allowed: {', '.join(sorted(allowed))}")
            if fields and (missing := sorted(REQUIRED[target] - set(fields))):
                raise ValueError(f"{target}: {', '.join(missing)} must be mapped")
        if not self.properties and not self.sales:
            raise ValueError("map properties, sales, or both")
        return self

    def missing_columns(self, columns: list[str]) -> list[str]:
        """Columns the mapping needs and the source lacks, in the mapping's order."""
        fields = [*self.properties.values(), *self.sales.values()]
        needed = dict.fromkeys(name for field in fields for name in field.columns)
        return [name for name in needed if name not in columns]


def read_mapping(path: Path) -> Mapping:
    """Raises ConfigurationError naming file, place and what is allowed."""
    try:
        return Mapping.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigurationError(f"There is no mapping {path.parent.name}/{path.name}.") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path.name}: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(f"{path.name}: {faults_in(error)}") from error
