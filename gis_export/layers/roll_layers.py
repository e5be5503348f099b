"""The layers of the roll as queries: parcels, assessment summary, sales."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL

from county_configs.models import County
from terrafusion.roll.current import current_sql
from terrafusion.roll.loads import last_change
from terrafusion.roll.models import AssessedValue, Owner, Property, Sale, SaleParcel
from terrafusion.roll.statements import compiled

from . import roll_fields
from .fields import Field
from .layer import POINT, POLYGON, ExportLayer, LayerRequest, Query, table

PROPERTY, SALE, SALE_PARCEL = table(Property), table(Sale), table(SaleParcel)


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
        fields += _owners(asked)
    where = f"p.county_id = %s AND {current_sql('p')}"
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
        f" AND {current_sql('h')} AND {_is_polygon('h.geometry')})"
    )


def _units(asked: LayerRequest) -> tuple[str, tuple[Any, ...]]:
    """Condominium units by the parcel they stand on. A unit with a polygon of its own is a parcel itself."""
    columns, join = "COUNT(*) AS units", ""
    parameters: tuple[Any, ...] = ()
    if asked.include_assessment_data:
        sums = ", ".join(f"CAST(SUM(w.{name}) AS BIGINT) AS {name}" for name in roll_fields.VALUE_COLUMNS)
        columns += f", MAX(w.tax_year) AS tax_year, {sums}"
        values, parameters = _values(asked)
        join = f"LEFT JOIN ({values}) w ON w.roll_property_id = q.id"
    sql = (
        f"SELECT q.parent_parcel_number AS parent, {columns} FROM {PROPERTY} q {join}"
        f" WHERE q.county_id = %s AND q.parent_parcel_number <> '' AND {current_sql('q')}"
        f" AND ({_is_polygon('q.geometry')}) IS NOT TRUE GROUP BY q.parent_parcel_number"
    )
    return sql, (*parameters, asked.county.pk)


def _values(asked: LayerRequest) -> tuple[str, tuple[Any, ...]]:
    """Each record's value in the tax year."""
    of_year = AssessedValue.objects.of_year(asked.tax_year or 0)
    return compiled(of_year.values("roll_property_id", "tax_year", "supplement", "status", *roll_fields.VALUE_COLUMNS))


# RawSQL names a column of the layer's own statement, into which the queryset is compiled.


def _owners(asked: LayerRequest) -> tuple[Field, ...]:
    """Of the newest tax year an owner is known for."""
    own: Any = Owner.objects.filter(roll_property=RawSQL("p.id", ())).of_latest_year().by_share().shown_to(asked.reader)
    names, of_names = compiled(own.values("shown_name", "share", "id"))
    if connection.vendor == "postgresql":
        joined = "string_agg(o.shown_name, '; ' ORDER BY o.share DESC, o.id)"
    else:
        joined = "group_concat(o.shown_name, '; ')"  # in the order of the rows
    address, of_address = compiled(own.values("shown_mailing_address")[:1])
    return roll_fields.owner_fields(f"(SELECT {joined} FROM ({names}) o)", of_names, f"({address})", of_address)


def _parties(asked: LayerRequest) -> tuple[Field, ...]:
    deed: Any = Sale.objects.filter(pk=RawSQL("s.id", ())).parties_shown_to(asked.reader)
    grantor, of_grantor = compiled(deed.values("shown_grantor"))
    grantee, of_grantee = compiled(deed.values("shown_grantee"))
    return roll_fields.party_fields(f"({grantor})", of_grantor, f"({grantee})", of_grantee)


def _left_out() -> Field:
    parcel: Any = SaleParcel.objects.filter(pk=RawSQL("sp.id", ())).judged()
    reason, parameters = compiled(parcel.values("left_out"))
    return roll_fields.left_out_field(f"({reason})", parameters)


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
        fields += _owners(asked)
    own = f"FROM {PROPERTY} p JOIN ({values}) v ON v.roll_property_id = p.id {_ground()} WHERE p.county_id = %s"
    source = f"{own} AND {current_sql('p')}"
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
    """One feature for each parcel a deed conveyed, at a point on it; a retired parcel's too, which says so."""
    fields: tuple[Field, ...] = (*roll_fields.SALE, _left_out(), *roll_fields.PARCEL_BASIC)
    if asked.include_owner_info:
        fields += _parties(asked)
    source = (
        f"FROM {SALE_PARCEL} sp JOIN {SALE} s ON s.id = sp.sale_id JOIN {PROPERTY} p ON p.id = sp.roll_property_id"
        f" {_ground()} WHERE s.county_id = %s AND p.county_id = %s AND {current_sql('s')}"
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
