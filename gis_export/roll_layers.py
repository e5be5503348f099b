"""The layers of the roll as queries: parcels, assessment summary, sales, and whatever LayerFeature holds."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Max

from county_configs.models import County
from terrafusion.roll.models import AssessedValue, LayerFeature, Owner, Property, Sale, SaleParcel

from . import roll_fields
from .fields import Field, FieldType, short_names
from .layers import LINE, POINT, POLYGON, ExportLayer, LayerError, LayerRequest, Query, Shape, current, table

PROPERTY, VALUE, OWNER = table(Property), table(AssessedValue), table(Owner)
SALE, SALE_PARCEL, FEATURE = table(Sale), table(SaleParcel), table(LayerFeature)
OWN_NAMES = {
    "neighborhoods": "Neighborhoods",
    "zoning": "Zoning",
    "zip_areas": "ZIP areas",
    "county_boundary": "County boundary",
}
CONFIDENTIAL = "CONFIDENTIAL"


def latest_tax_year(county: County) -> int | None:
    """The newest tax year with a value on the county's roll."""
    newest = AssessedValue.objects.filter(roll_property__county=county).order_by("-tax_year").values_list("tax_year")
    return newest[0][0] if newest[:1] else None


# --- Parcels ---


def parcels(asked: LayerRequest) -> ExportLayer:
    """One feature for each polygon of the roll; the condominium units on it are counted and their values added."""
    return _polygons(asked, "parcels", "Parcels", roll_fields.PARCEL, with_units=True)


def parcels_basic(asked: LayerRequest) -> ExportLayer:
    return _polygons(asked, "parcels_basic", "Parcels, in short", roll_fields.PARCEL_BASIC, with_units=False)


def _polygons(
    asked: LayerRequest, name: str, title: str, fields: tuple[Field, ...], *, with_units: bool
) -> ExportLayer:
    joins: list[str] = []
    parameters: list[Any] = []
    if with_units or asked.include_assessment_data:
        units, of_units = _units(asked)
        joins.append(f"LEFT JOIN ({units}) u ON u.parent = p.parcel_number")
        parameters += of_units
    if asked.include_assessment_data:
        values, of_values = _values(asked)
        joins.append(f"LEFT JOIN ({values}) v ON v.roll_property_id = p.id")
        parameters += of_values
        fields += roll_fields.VALUES_OF_POLYGON
    if asked.include_owner_info:
        fields += _owners()
    where = f"p.county_id = %s AND {current(Property, 'p')}"
    polygon = f"p.geometry IS NOT NULL AND {_is_polygon('p.geometry')}"
    lacking = f"FROM {PROPERTY} p WHERE {where} AND p.parent_parcel_number = '' AND ({polygon}) IS NOT TRUE"
    return ExportLayer(
        name=name,
        title=title,
        shape=POLYGON,
        fields=fields,
        source=Query(
            f"FROM {PROPERTY} p {' '.join(joins)} WHERE {where} AND {polygon}",
            (*parameters, asked.county.pk),
            "p.id",
            "p.geometry",
            box="p",
        ),
        label="parcel_number",
        missing_geometry=_count(lacking, (asked.county.pk,)),
    )


def _is_polygon(column: str) -> str:
    """Polygons and what a repair makes of them; the WKB type is bytes 2 to 5 of the BLOB, little-endian."""
    if connection.vendor == "postgresql":
        return f"ST_Dimension({column}) = 2"
    return f"hex(substr({column}, 2, 1)) IN ('03', '06', '07')"


def _units(asked: LayerRequest) -> tuple[str, list[Any]]:
    """Condominium units by the parcel they stand on. A unit with a polygon of its own is a parcel itself."""
    columns, join = "COUNT(*) AS units", ""
    parameters: list[Any] = []
    if asked.include_assessment_data:
        sums = ", ".join(f"CAST(SUM(w.{name}) AS BIGINT) AS {name}" for name in roll_fields.VALUE_COLUMNS)
        columns += f", MAX(w.tax_year) AS tax_year, {sums}"
        values, parameters = _values(asked)
        join = f"LEFT JOIN ({values}) w ON w.roll_property_id = q.id"
    sql = (
        f"SELECT q.parent_parcel_number AS parent, {columns} FROM {PROPERTY} q {join}"
        f" WHERE q.county_id = %s AND q.parent_parcel_number <> '' AND q.geometry IS NULL AND {current(Property, 'q')}"
        " GROUP BY q.parent_parcel_number"
    )
    return sql, [*parameters, asked.county.pk]


def _values(asked: LayerRequest) -> tuple[str, list[Any]]:
    """Each record's value in the tax year, by its latest supplement."""
    sql = (
        f"SELECT a.* FROM {VALUE} a WHERE a.tax_year = %s AND NOT EXISTS (SELECT 1 FROM {VALUE} b"
        " WHERE b.roll_property_id = a.roll_property_id AND b.tax_year = a.tax_year AND b.supplement > a.supplement)"
    )
    return sql, [asked.tax_year or 0]


def _owners() -> tuple[Field, ...]:
    """Of the newest tax year an owner is known for."""
    newest = f"(SELECT MAX(y.tax_year) FROM {OWNER} y WHERE y.roll_property_id = p.id)"
    shown = f"CASE WHEN o.confidential THEN '{CONFIDENTIAL}' ELSE o.name END"
    own = f"FROM {OWNER} o WHERE o.roll_property_id = p.id AND o.tax_year = {newest} AND {current(Owner, 'o')}"
    order = "ORDER BY o.share DESC, o.id"
    if connection.vendor == "postgresql":
        names = f"(SELECT string_agg({shown}, '; ' {order}) {own})"
    else:
        names = f"(SELECT group_concat(each, '; ') FROM (SELECT {shown} AS each {own} {order}))"
    address = (
        f"(SELECT CASE WHEN o.confidential THEN '{CONFIDENTIAL}' ELSE o.mailing_address END {own} {order} LIMIT 1)"
    )
    return roll_fields.owner_fields(names, address)


# --- Records of the roll, units included ---

# The parcel that lends a record without a shape its own.
_GROUND = (
    f"LEFT JOIN {PROPERTY} g ON g.id = CASE WHEN p.geometry IS NULL AND p.parent_parcel_number <> '' THEN"
    f" (SELECT MIN(h.id) FROM {PROPERTY} h WHERE h.county_id = p.county_id"
    " AND h.parcel_number = p.parent_parcel_number AND h.geometry IS NOT NULL) END"
)
_SHAPE = "COALESCE(p.geometry, g.geometry)"
_POSITION = ("p.longitude", "p.latitude")
_LOCATED = f"({_SHAPE} IS NOT NULL OR (p.longitude IS NOT NULL AND p.latitude IS NOT NULL))"


def assessment_summary(asked: LayerRequest) -> ExportLayer:
    """One feature for each record with a value in the tax year, units too, at a point on its parcel."""
    values, of_values = _values(asked)
    fields: tuple[Field, ...] = (*roll_fields.PARCEL_BASIC, *roll_fields.VALUES)
    if asked.include_owner_info:
        fields += _owners()
    own = f"FROM {PROPERTY} p JOIN ({values}) v ON v.roll_property_id = p.id {_GROUND} WHERE p.county_id = %s"
    source = f"{own} AND {current(Property, 'p')}"
    parameters = (*of_values, asked.county.pk)
    return ExportLayer(
        name="assessment_summary",
        title=f"Assessed values of {asked.tax_year}" if asked.tax_year else "Assessed values",
        shape=POINT,
        fields=fields,
        source=Query(f"{source} AND {_LOCATED}", parameters, "p.id", _SHAPE, as_points=True, position=_POSITION),
        label="parcel_number",
        missing_geometry=_count(f"{source} AND NOT {_LOCATED}", parameters),
    )


def sales(asked: LayerRequest) -> ExportLayer:
    """One feature for each parcel a deed conveyed, at a point on it."""
    fields: tuple[Field, ...] = (*roll_fields.SALE, *roll_fields.PARCEL_BASIC)
    if asked.include_owner_info:
        fields += roll_fields.PARTIES
    source = (
        f"FROM {SALE_PARCEL} sp JOIN {SALE} s ON s.id = sp.sale_id JOIN {PROPERTY} p ON p.id = sp.roll_property_id"
        f" {_GROUND} WHERE s.county_id = %s AND p.county_id = %s AND {current(Sale, 's')}"
    )
    parameters = (asked.county.pk, asked.county.pk)
    return ExportLayer(
        name="sales",
        title="Sales",
        shape=POINT,
        fields=fields,
        source=Query(f"{source} AND {_LOCATED}", parameters, "sp.id", _SHAPE, as_points=True, position=_POSITION),
        label="sale_id",
        missing_geometry=_count(f"{source} AND NOT {_LOCATED}", parameters),
    )


def _count(source: str, parameters: tuple[Any, ...]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) {source}", parameters)
        return int(cursor.fetchone()[0])


# --- Loaded layers ---


def loaded_layers(county: County) -> list[str]:
    return sorted(LayerFeature.objects.filter(county=county).values_list("layer", flat=True).distinct())


def loaded_layer(asked: LayerRequest, name: str) -> ExportLayer:
    """A layer as it was loaded: key, name, and its attributes as columns."""
    features = LayerFeature.objects.filter(county=asked.county, layer=name)
    source = f"FROM {FEATURE} f WHERE f.county_id = %s AND f.layer = %s AND {current(LayerFeature, 'f')}"
    parameters = (asked.county.pk, name)
    return ExportLayer(
        name=name,
        title=OWN_NAMES.get(name, name.replace("_", " ").capitalize()),
        shape=_shape(source, parameters, name),
        fields=(*roll_fields.AREA, *_attribute_fields(source, parameters)),
        source=Query(f"{source} AND f.geometry IS NOT NULL", parameters, "f.id", "f.geometry", box="f"),
        label="name",
        missing_geometry=features.filter(geometry=None).count(),
    )


_SHAPES: dict[int, Shape] = {0: POINT, 1: LINE, 2: POLYGON}
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


def _attribute_fields(source: str, parameters: tuple[Any, ...]) -> tuple[Field, ...]:
    """A column for each attribute any feature has, of the narrowest type that holds every value."""
    seen: dict[str, set[FieldType]] = {}
    for key, kind in _attribute_types(source, parameters):
        if kind != "null":
            seen.setdefault(key, set()).add(_JSON_TYPES.get(kind, "text"))
    reserved = {each.name.lower() for each in roll_fields.AREA} | {"fid", "geometry"}
    names = {key: f"{key}_1" if key.lower() in reserved else key for key in sorted(seen)}
    shorts = short_names(names.values(), [each.short_name for each in roll_fields.AREA])
    return tuple(_attribute_field(key, name, shorts[name], seen[key]) for key, name in names.items())


def _attribute_types(source: str, parameters: tuple[Any, ...]) -> list[tuple[str, str]]:
    if connection.vendor == "postgresql":
        whole = "jsonb_typeof(j.value) = 'number' AND j.value::numeric = trunc(j.value::numeric)"
        kind = f"CASE WHEN {whole} THEN 'integer' ELSE jsonb_typeof(j.value) END"
        join = source.replace(" WHERE ", " CROSS JOIN LATERAL jsonb_each(f.attributes) j WHERE ", 1)
    else:
        kind = "j.type"
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


def last_change(county: County) -> str:
    """When the county's roll last changed, in UTC; "" for an empty roll. The as-of time of an export."""
    newest = Property.objects.in_county(county).aggregate(newest=Max("updated_at"))["newest"]
    return f"{newest:%Y-%m-%dT%H:%M:%SZ}" if newest else ""
