"""What each part of the roll takes from a source: its fields, its key, and the fields that are required."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from django.db import models
from django.db.backends.base.operations import BaseDatabaseOperations

from terrafusion.roll.geometry import GeometryField, Located
from terrafusion.roll.models import AssessedValue, Improvement, LayerFeature, Owner, Property, Sale

YEARS = (1600, 2100)
IDENTIFIERS = {"property_id", "parcel_number", "parent_parcel_number", "sale_id", "owner_id", "feature_id"}
DOLLARS = {
    "sale_price", "value", "market_land", "market_improvement", "market_total", "current_use_value",
    "new_construction", "exempt_value", "taxable_value", "assessed_value",
}  # fmt: skip
PERSONAL = {"grantor", "grantee", "name", "mailing_address"}  # personal data, which must not be in lists and logs

# Fields that a mapping may not fill: TerraFusion's own keys and bookkeeping.
_OURS = {
    "id", "county", "roll_property", "parcel_number_key", "created_at", "updated_at", "retired_at", "attributes",
    "is_valid", "west", "south", "east", "north", "lineage",
}  # fmt: skip
# Bounds narrower than those of the column's type.
_BOUNDS: dict[str, tuple[float, float]] = {
    "longitude": (-180, 180),
    "latitude": (-90, 90),
    "year_built": YEARS,
    "effective_year": YEARS,
    "tax_year": YEARS,
    "acres": (0, 10**9),
    "share": (0, 1),
    "baths": (0, 1000),
    "stories": (0, 1000),
}


@dataclass(frozen=True)
class RollField:
    """What a field of the roll can hold, the same on every database. Both bounds are allowed values."""

    types: tuple[str, ...]
    when_empty: Any
    lowest: float | None = None
    highest: float | None = None
    longest: int | None = None
    choices: tuple[str, ...] = ()
    decimal_places: int | None = None
    is_identifier: bool = False


def _roll_field(column: models.Field) -> RollField:
    types: tuple[str, ...] = ("text",)
    lowest, highest = _BOUNDS.get(column.name, (None, None))
    if isinstance(column, GeometryField):
        types = ("geometry",)
    elif isinstance(column, models.IntegerField):
        types = ("dollars",) if column.name in DOLLARS else ("integer", "year")
        if lowest is None:
            lowest, highest = BaseDatabaseOperations.integer_field_ranges[column.get_internal_type()]
    elif isinstance(column, models.FloatField):
        types = ("number", "integer")
    elif isinstance(column, models.DecimalField):
        types = ("decimal",)
    elif isinstance(column, models.DateField):
        types = ("date",)
    elif isinstance(column, models.BooleanField):
        types = ("boolean",)
    default = column.get_default()
    return RollField(
        types=types,
        when_empty=default.value if isinstance(default, Enum) else default,
        lowest=lowest,
        highest=highest,
        longest=column.max_length,
        choices=tuple(str(value) for value, _ in column.choices or ()),
        decimal_places=getattr(column, "decimal_places", None),
        is_identifier=column.name in IDENTIFIERS,
    )


@dataclass(frozen=True)
class Target:
    """A part of the roll that a source row can feed.

    key: the fields that identify a record within the county. required: a row without these fields is refused.
    amounts: the fields in dollars that the control totals add up.
    """

    name: str
    model: type[models.Model]
    key: tuple[str, ...]
    required: frozenset[str]
    amounts: tuple[str, ...] = ()
    fields: Mapping[str, RollField] = field(default_factory=dict)

    @property
    def hangs_on_property(self) -> bool:
        """Whether its rows belong to a property, and to a county only through it."""
        return "roll_property" in self._columns

    @property
    def names_property(self) -> bool:
        """Whether each of its source rows names a property."""
        return self.hangs_on_property or self.model is Sale

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def is_located(self) -> bool:
        """Whether it has a geometry."""
        return issubclass(self.model, Located)

    @property
    def retires(self) -> bool:
        """Whether its rows can be retired. Assessed values cannot: the value of a year stays what it was."""
        return "retired_at" in self._columns

    @property
    def has_attributes(self) -> bool:
        return "attributes" in self._columns

    @property
    def _columns(self) -> set[str]:
        return {column.name for column in self.model._meta.concrete_fields}


def _target(
    name: str, model: type[models.Model], key: tuple[str, ...], required: set[str], amounts: tuple[str, ...] = ()
) -> Target:
    fields = {column.name: _roll_field(column) for column in model._meta.concrete_fields if column.name not in _OURS}
    if model is not Property and model is not LayerFeature:
        fields["property_id"] = _roll_field(Property._meta.get_field("property_id"))
    return Target(name, model, key, frozenset(required), amounts, fields)


MARKET = ("market_land", "market_improvement", "market_total")
VALUE_AMOUNTS = (*MARKET, "assessed_value", "current_use_value", "new_construction", "exempt_value", "taxable_value")
# In the order in which they are written: properties come before what belongs to them.
TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        _target("properties", Property, ("property_id",), {"property_id", "parcel_number"}),
        _target(
            "improvements", Improvement, ("property_id", "improvement_number"),
            {"property_id", "improvement_number", "improvement_type"}, ("value",),
        ),
        _target(
            "owners", Owner, ("property_id", "tax_year", "owner_id"),
            {"property_id", "tax_year", "owner_id", "name"},
        ),
        _target(
            "assessed_values", AssessedValue, ("property_id", "tax_year", "supplement"),
            {"property_id", "tax_year", *MARKET, "taxable_value"}, VALUE_AMOUNTS,
        ),
        _target("sales", Sale, ("sale_id",), {"property_id", "sale_id", "sale_date", "sale_price"}, ("sale_price",)),
        _target("layers", LayerFeature, ("layer", "feature_id"), {"layer", "feature_id", "geometry"}),
    )
}  # fmt: skip
