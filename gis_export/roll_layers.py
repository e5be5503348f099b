"""The layers of the roll as queries: parcels, assessment summary, sales."""

from __future__ import annotations

from typing import Any

from django.db import connection

from county_configs.models import County
from terrafusion.roll.current_values import latest_tax_years
from terrafusion.roll.loads import last_change
from terrafusion.roll.models import AssessedValue, Owner, Property, Sale, SaleParcel

from . import roll_fields
from .fields import Field
from .layers import POINT, POLYGON, ExportLayer, LayerRequest, Query, current, table

PROPERTY, VALUE, OWNER = table(Property), table(AssessedValue), table(Owner)
SALE, SALE_PARCEL = table(Sale), table(SaleParcel)
CONFIDENTIAL = "CONFIDENTIAL"


def latest_tax_year(county: County) -> int | None:
    """The newest tax year with a value on the county's roll."""
    return latest_tax_years([county.pk]).get(county.pk)


def as_of(county: County) -> str:
    """When the county's roll last changed, in UTC; "" for an empty roll. The as-of time of an export."""
    moment = last_change(county)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else ""


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
        # Of several polygons with one parcel number the first alone gets the units, or they would be added twice.
        joins.append(f"LEFT JOIN ({units}) u ON u.parent = p.parcel_number AND p.id = {_ground_of('p.parcel_number')}")
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
    stands_on_one = f"p.parent_parcel_number <> '' AND {_ground_of('p.parent_parcel_number')} IS NOT NULL"
    lacking = f"FROM {PROPERTY} p WHERE {where} AND ({polygon}) IS NOT TRUE AND NOT ({stands_on_one})"
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
        count_missing=lambda: count_rows(lacking, (asked.county.pk,)),
    )


def _is_polygon(column: str) -> str:
    """Polygons and what a repair makes of them; the WKB type is bytes 2 to 5 of the BLOB, little-endian."""
    if connection.vendor == "postgresql":
        return f"ST_Dimension({column}) = 2"
    return f"hex(substr({column}, 2, 1)) IN ('03', '06', '07')"


def _ground_of(parcel_number: str) -> str:
    """The key of the current parcel of p's county with that number and a polygon; the first of several."""
    return (
        f"(SELECT MIN(h.id) FROM {PROPERTY} h WHERE h.county_id = p.county_id AND h.parcel_number = {parcel_number}"
        f" AND {current(Property, 'h')} AND {_is_polygon('h.geometry')})"
    )


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
        f" WHERE q.county_id = %s AND q.parent_parcel_number <> '' AND {current(Property, 'q')}"
        f" AND ({_is_polygon('q.geometry')}) IS NOT TRUE GROUP BY q.parent_parcel_number"
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


def _parties() -> tuple[Field, ...]:
    """Hidden where any owner of a conveyed parcel, of whichever year, is confidential: a deed would name them."""
    hidden = (
        f"EXISTS (SELECT 1 FROM {SALE_PARCEL} x JOIN {OWNER} o ON o.roll_property_id = x.roll_property_id"
        " WHERE x.sale_id = s.id AND o.confidential)"
    )
    shown = (f"CASE WHEN {hidden} THEN '{CONFIDENTIAL}' ELSE s.{name} END" for name in ("grantor", "grantee"))
    return roll_fields.party_fields(*shown)


# --- Records of the roll, units included ---

_SHAPE = "COALESCE(p.geometry, g.geometry)"
_POSITION = ("p.longitude", "p.latitude")
_LOCATED = f"({_SHAPE} IS NOT NULL OR (p.longitude IS NOT NULL AND p.latitude IS NOT NULL))"


def _ground() -> str:
    """Joins g, the parcel that lends a unit without a shape its own."""
    unit = "p.geometry IS NULL AND p.parent_parcel_number <> ''"
    return f"LEFT JOIN {PROPERTY} g ON g.id = CASE WHEN {unit} THEN {_ground_of('p.parent_parcel_number')} END"


def assessment_summary(asked: LayerRequest) -> ExportLayer:
    """One feature for each record with a value in the tax year, units too, at a point on its parcel."""
    values, of_values = _values(asked)
    fields: tuple[Field, ...] = (*roll_fields.PARCEL_BASIC, *roll_fields.VALUES)
    if asked.include_owner_info:
        fields += _owners()
    own = f"FROM {PROPERTY} p JOIN ({values}) v ON v.roll_property_id = p.id {_ground()} WHERE p.county_id = %s"
    source = f"{own} AND {current(Property, 'p')}"
    parameters = (*of_values, asked.county.pk)
    return ExportLayer(
        name="assessment_summary",
        title=f"Assessed values of {asked.tax_year}" if asked.tax_year else "Assessed values",
        shape=POINT,
        fields=fields,
        source=Query(f"{source} AND {_LOCATED}", parameters, "p.id", _SHAPE, as_points=True, position=_POSITION),
        label="parcel_number",
        count_missing=lambda: count_rows(f"{source} AND NOT {_LOCATED}", parameters),
    )


def sales(asked: LayerRequest) -> ExportLayer:
    """One feature for each parcel a deed conveyed, at a point on it."""
    fields: tuple[Field, ...] = (*roll_fields.SALE, *roll_fields.PARCEL_BASIC)
    if asked.include_owner_info:
        fields += _parties()
    source = (
        f"FROM {SALE_PARCEL} sp JOIN {SALE} s ON s.id = sp.sale_id JOIN {PROPERTY} p ON p.id = sp.roll_property_id"
        f" {_ground()} WHERE s.county_id = %s AND p.county_id = %s AND {current(Sale, 's')}"
    )
    parameters = (asked.county.pk, asked.county.pk)
    return ExportLayer(
        name="sales",
        title="Sales",
        shape=POINT,
        fields=fields,
        source=Query(f"{source} AND {_LOCATED}", parameters, "sp.id", _SHAPE, as_points=True, position=_POSITION),
        label="sale_id",
        count_missing=lambda: count_rows(f"{source} AND NOT {_LOCATED}", parameters),
    )


def count_rows(source: str, parameters: tuple[Any, ...]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) {source}", parameters)
        return int(cursor.fetchone()[0])
