"""Layers as they were loaded: zoning, neighborhoods, ZIP areas, the county boundary, and any other."""

from __future__ import annotations

from typing import Any

from django.db import connection

from county_configs.models import County
from terrafusion.roll.current import current_sql
from terrafusion.roll.models import LayerFeature

from ..county_settings import GisExportSection
from . import roll_fields
from .fields import Field, FieldType, short_names, unique_names
from .layer import DIMENSION, POLYGON, ExportLayer, LayerError, LayerRequest, Query, Shape, table
from .names import title_of

FEATURE = table(LayerFeature)
TITLES = {
    "neighborhoods": "Neighborhoods",
    "zoning": "Zoning",
    "zip_areas": "ZIP areas",
    "county_boundary": "County boundary",
}
# Columns the formats make themselves. A second column of such a name would be refused, or read as the format's own.
RESERVED = ("fid", "geometry", "geom", "shape", "shape_length", "shape_area", "objectid", "layer", "bbox", "wkt")
LARGEST = 10**18 - 1  # every whole number of 18 digits fits 64 bits


def loaded_layers(county: County) -> list[str]:
    features = LayerFeature.objects.in_county(county).current()
    return sorted(features.values_list("layer", flat=True).distinct())


def hidden_attributes(county: County) -> frozenset[str]:
    """Attributes (in lower case) that county.yaml hides from everybody, such as the owner's name in a parcel layer."""
    return frozenset(attribute.lower() for attribute in county.section(GisExportSection).hidden_attributes)


def loaded_layer(request: LayerRequest, name: str) -> ExportLayer:
    """A layer as it was loaded, with the key, the name and the attributes of its features as columns."""
    features = LayerFeature.objects.in_county(request.county).current().filter(layer=name)
    source = f"FROM {FEATURE} f WHERE f.county_id = %s AND f.layer = %s AND {current_sql('f')}"
    parameters = (request.county.pk, name)
    return ExportLayer(
        name=name,
        title=TITLES.get(name) or title_of(name),
        shape=_shape(source, parameters, name),
        fields=(*roll_fields.AREA, *_attribute_fields(source, parameters, hidden_attributes(request.county))),
        source=Query(f"{source} AND f.geometry IS NOT NULL", parameters, "f.id", "f.geometry", box="f"),
        label="name",
        count_missing=features.filter(geometry=None).count,
    )


_SHAPES: dict[int, Shape] = {dimension: shape for shape, dimension in DIMENSION.items()}
# By the second byte of a shape's WKB, its geometry type.
_DIMENSIONS = {"01": 0, "04": 0, "02": 1, "05": 1, "03": 2, "06": 2, "07": 2}


def _shape(source: str, parameters: tuple[Any, ...], name: str) -> Shape:
    """Polygon, line or point: what the features are. Raises LayerError for a mixture, which most formats refuse."""
    on_postgis = connection.vendor == "postgresql"
    kind = "ST_Dimension(f.geometry)" if on_postgis else "hex(substr(f.geometry, 2, 1))"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT {kind} {source} AND f.geometry IS NOT NULL", parameters)
        dimensions = {code if on_postgis else _DIMENSIONS[code] for (code,) in cursor.fetchall()}
    if len(dimensions) > 1:
        mixture = " and ".join(f"{_SHAPES[dimension]}s" for dimension in sorted(dimensions))
        raise LayerError(f"Layer {name!r} mixes {mixture}; load them as layers of their own.")
    return _SHAPES[dimensions.pop()] if dimensions else POLYGON


_JSON_TYPES: dict[str, FieldType] = {
    "integer": "integer", "real": "decimal", "number": "decimal", "true": "boolean", "false": "boolean",
    "boolean": "boolean", "text": "text", "string": "text",
}  # fmt: skip


def _attribute_fields(source: str, parameters: tuple[Any, ...], hidden: frozenset[str]) -> tuple[Field, ...]:
    """A column for each attribute that any feature has, of the narrowest type that holds all its values."""
    types: dict[str, set[FieldType]] = {}
    for key, kind in _attribute_types(source, parameters):
        if kind != "null" and key.lower() not in hidden:
            types.setdefault(key, set()).add(_JSON_TYPES.get(kind, "text"))
    names = unique_names(types, [*RESERVED, *(field.name for field in roll_fields.AREA)])
    shorts = short_names(names.values(), [field.short_name for field in roll_fields.AREA])
    return tuple(_attribute_field(key, name, shorts[name], types[key]) for key, name in names.items())


def _attribute_types(source: str, parameters: tuple[Any, ...]) -> list[tuple[str, str]]:
    if connection.vendor == "postgresql":
        # The text of a number tells its type: 40.0 is a decimal, and so is a number too long for a bigint.
        kind = "CASE WHEN j.value::text ~ '^-?[0-9]{1,18}$' THEN 'integer' ELSE jsonb_typeof(j.value) END"
        join = source.replace(" WHERE ", " CROSS JOIN LATERAL jsonb_each(f.attributes) j WHERE ", 1)
    else:
        kind = (
            f"CASE WHEN j.type = 'integer' AND j.atom NOT BETWEEN -{LARGEST} AND {LARGEST} THEN 'real' ELSE j.type END"
        )
        join = source.replace(" WHERE ", ", json_each(f.attributes) j WHERE ", 1)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT j.key, {kind} {join}", parameters)
        return cursor.fetchall()


def _attribute_field(key: str, name: str, short: str, types: set[FieldType]) -> Field:
    if types == {"integer", "decimal"}:
        types = {"decimal"}
    kind: FieldType = next(iter(types)) if len(types) == 1 else "text"
    if connection.vendor == "postgresql":
        sql, parameter = "f.attributes ->> %s", key
    else:
        # json_extract gives 1 and 0 for booleans; for every other type it gives what ->> gives in PostgreSQL.
        sql, parameter = "json_extract(f.attributes, %s)", f'$."{key}"'
    return Field(name, short, kind, f"{key}, as loaded.", sql=sql, parameters=(parameter,))
