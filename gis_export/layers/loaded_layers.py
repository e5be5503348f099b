"""Layers as they were loaded: zoning, neighborhoods, ZIP areas, the county boundary, and any other."""

from __future__ import annotations

from typing import Any

from django.db import connection

from county_configs.models import County
from terrafusion.roll.current import current_sql
from terrafusion.roll.models import LayerFeature

from . import roll_fields
from .fields import Field, FieldType, short_names, unique_names
from .layer import DIMENSION, POLYGON, ExportLayer, LayerError, LayerRequest, Query, Shape, table
from .names import title_of

FEATURE = table(LayerFeature)
OWN_NAMES = {
    "neighborhoods": "Neighborhoods",
    "zoning": "Zoning",
    "zip_areas": "ZIP areas",
    "county_boundary": "County boundary",
}
# Columns the formats make themselves; a second one of the name would be refused or read as theirs.
RESERVED = ("fid", "geometry", "geom", "shape", "shape_length", "shape_area", "objectid", "layer", "bbox", "wkt")
LARGEST = 10**18 - 1  # every whole number of 18 digits fits 64 bits


def loaded_layers(county: County) -> list[str]:
    features = LayerFeature.objects.in_county(county).current()
    return sorted(features.values_list("layer", flat=True).distinct())


def hidden_attributes(county: County) -> frozenset[str]:
    """In lower case: attributes county.yaml keeps from everybody, such as an owner's name in a layer of parcels."""
    return frozenset(each.lower() for each in county.settings.gis_export.hidden_attributes)


def loaded_layer(asked: LayerRequest, name: str) -> ExportLayer:
    """A layer as it was loaded: key, name, and its attributes as columns."""
    features = LayerFeature.objects.in_county(asked.county).current().filter(layer=name)
    source = f"FROM {FEATURE} f WHERE f.county_id = %s AND f.layer = %s AND {current_sql('f')}"
    parameters = (asked.county.pk, name)
    return ExportLayer(
        name=name,
        title=OWN_NAMES.get(name) or title_of(name),
        shape=_shape(source, parameters, name),
        fields=(*roll_fields.AREA, *_attribute_fields(source, parameters, hidden_attributes(asked.county))),
        source=Query(f"{source} AND f.geometry IS NOT NULL", parameters, "f.id", "f.geometry", box="f"),
        label="name",
        count_missing=features.filter(geometry=None).count,
    )


_SHAPES: dict[int, Shape] = {dimension: shape for shape, dimension in DIMENSION.items()}
_DIMENSIONS = {"01": 0, "04": 0, "02": 1, "05": 1, "03": 2, "06": 2, "07": 2}


def _shape(source: str, parameters: tuple[Any, ...], name: str) -> Shape:
    """What the layer's features are. Raises LayerError for a mixture: most formats hold one kind in a layer."""
    on_postgis = connection.vendor == "postgresql"
    kind = "ST_Dimension(f.geometry)" if on_postgis else "hex(substr(f.geometry, 2, 1))"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT {kind} {source} AND f.geometry IS NOT NULL", parameters)
        found = {each if on_postgis else _DIMENSIONS[each] for (each,) in cursor.fetchall()}
    if len(found) > 1:
        named = " and ".join(f"{_SHAPES[each]}s" for each in sorted(found))
        raise LayerError(f"Layer {name!r} mixes {named}; load them as layers of their own.")
    return _SHAPES[found.pop()] if found else POLYGON


_JSON_TYPES: dict[str, FieldType] = {
    "integer": "integer", "real": "decimal", "number": "decimal", "true": "boolean", "false": "boolean",
    "boolean": "boolean", "text": "text", "string": "text",
}  # fmt: skip


def _attribute_fields(source: str, parameters: tuple[Any, ...], hidden: frozenset[str]) -> tuple[Field, ...]:
    """A column for each attribute any feature has, of the narrowest type that holds every value."""
    seen: dict[str, set[FieldType]] = {}
    for key, kind in _attribute_types(source, parameters):
        if kind != "null" and key.lower() not in hidden:
            seen.setdefault(key, set()).add(_JSON_TYPES.get(kind, "text"))
    names = unique_names(seen, [*RESERVED, *(each.name for each in roll_fields.AREA)])
    shorts = short_names(names.values(), [each.short_name for each in roll_fields.AREA])
    return tuple(_attribute_field(key, name, shorts[name], seen[key]) for key, name in names.items())


def _attribute_types(source: str, parameters: tuple[Any, ...]) -> list[tuple[str, str]]:
    if connection.vendor == "postgresql":
        # By its text: 40.0 is a decimal, and so is what a bigint may not hold.
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
        # json_extract gives booleans as 1 and 0, the text of any other type with ->>.
        sql, parameter = "json_extract(f.attributes, %s)", f'$."{key}"'
    return Field(name, short, kind, f"{key}, as loaded.", sql=sql, parameters=(parameter,))
