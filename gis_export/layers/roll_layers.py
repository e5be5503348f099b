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


def parcels(request: LayerRequest) -> ExportLayer:
    """One feature for every polygon of the roll, with the number and the added values of the units on it."""
    return _polygons(request, "parcels", "Parcels", roll_fields.PARCEL, with_units=True)


def parcels_basic(request: LayerRequest) -> ExportLayer:
    """One feature for every polygon of the roll, with few fields: identity, address and classes."""
    return _polygons(request, "parcels_basic", "Parcels, in short", roll_fields.PARCEL_BASIC, with_units=False)


def _polygons(
    request: LayerRequest, name: str, title: str, fields: tuple[Field, ...], *, with_units: bool
) -> ExportLayer:
    joins: list[str] = []
    parameters: list[Any] = []
    if with_units or request.include_assessment_data:
        units, of_units = _units(request)
        # Of several polygons with one parcel number the first alone gets the units, or they would be added twice.
        joins.append(f"LEFT JOIN ({units}) u ON u.parent = p.parcel_number AND p.id = {_ground_of('p.parcel_number')}")
        parameters += of_units
    if request.include_assessment_data:
        values, of_values = _values(request)
        joins.append(f"LEFT JOIN ({values}) v ON v.roll_property_id = p.id")
        parameters += of_values
        fields += roll_fields.VALUES_OF_POLYGON
    if request.include_owner_info:
        fields += _owners(request)
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
            (*parameters, request.county.pk),
            "p.id",
            "p.geometry",
            box="p",
        ),
        label="parcel_number",
        count_missing=lambda: count_rows(lacking, (request.county.pk,)),
    )


def _is_polygon(column: str) -> str:
    """A condition that is true of polygons, multipolygons and the collections that a repair can make of them.

    On SQLite it reads the second byte of the WKB, which is the first of the little-endian type number.
    """
    if connection.vendor == "postgresql":
        return f"ST_Dimension({column}) = 2"
    return f"hex(substr({column}, 2, 1)) IN ('03', '06', '07')"


def _ground_of(parcel_number: str) -> str:
    """An expression for the key of the current parcel of p's county that has that number and a polygon.

    The first of several is taken.
    """
    return (
        f"(SELECT MIN(h.id) FROM {PROPERTY} h WHERE h.county_id = p.county_id AND h.parcel_number = {parcel_number}"
        f" AND {current_sql('h')} AND {_is_polygon('h.geometry')})"
    )


def _units(request: LayerRequest) -> tuple[str, tuple[Any, ...]]:
    """A query for the condominium units of each parcel. A unit with a polygon of its own is a parcel itself."""
    columns, join = "COUNT(*) AS units", ""
    parameters: tuple[Any, ...] = ()
    if request.include_assessment_data:
        sums = ", ".join(f"CAST(SUM(w.{name}) AS BIGINT) AS {name}" for name in roll_fields.VALUE_COLUMNS)
        columns += f", MAX(w.tax_year) AS tax_year, {sums}"
        values, parameters = _values(request)
        join = f"LEFT JOIN ({values}) w ON w.roll_property_id = q.id"
    sql = (
        f"SELECT q.parent_parcel_number AS parent, {columns} FROM {PROPERTY} q {join}"
        f" WHERE q.county_id = %s AND q.parent_parcel_number <> '' AND {current_sql('q')}"
        f" AND ({_is_polygon('q.geometry')}) IS NOT TRUE GROUP BY q.parent_parcel_number"
    )
    return sql, (*parameters, request.county.pk)


def _values(request: LayerRequest) -> tuple[str, tuple[Any, ...]]:
    """A query for the value of every record in the tax year."""
    of_year = AssessedValue.objects.of_year(request.tax_year or 0)
    return compiled(of_year.values("roll_property_id", "tax_year", "supplement", "status", *roll_fields.VALUE_COLUMNS))


# The querysets below are compiled into the layer's own statement; RawSQL names a column of that statement.


def _owners(request: LayerRequest) -> tuple[Field, ...]:
    """The owner fields, from the newest tax year for which an owner is known."""
    own: Any = (
        Owner.objects.filter(roll_property=RawSQL("p.id", ())).of_latest_year().by_share().shown_to(request.reader)
    )
    names, of_names = compiled(own.values("shown_name", "share", "id"))
    if connection.vendor == "postgresql":
        joined = "string_agg(o.shown_name, '; ' ORDER BY o.share DESC, o.id)"
    else:
        joined = "group_concat(o.shown_name, '; ')"  # in the order of the rows
    address, of_address = compiled(own.values("shown_mailing_address")[:1])
    return roll_fields.owner_fields(f"(SELECT {joined} FROM ({names}) o)", of_names, f"({address})", of_address)


def _parties(request: LayerRequest) -> tuple[Field, ...]:
    deed: Any = Sale.objects.filter(pk=RawSQL("s.id", ())).parties_shown_to(request.reader)
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
    """A join of g, the parcel whose shape stands for a unit that has none of its own."""
    unit = "p.geometry IS NULL AND p.parent_parcel_number <> ''"
    return f"LEFT JOIN {PROPERTY} g ON g.id = CASE WHEN {unit} THEN {_ground_of('p.parent_parcel_number')} END"


def assessment_summary(request: LayerRequest) -> ExportLayer:
    """One feature for every record with a value in the tax year, at a point on its parcel; units are records too."""
    values, of_values = _values(request)
    fields: tuple[Field, ...] = (*roll_fields.PARCEL_BASIC, *roll_fields.VALUES)
    if request.include_owner_info:
        fields += _owners(request)
    own = f"FROM {PROPERTY} p JOIN ({values}) v ON v.roll_property_id = p.id {_ground()} WHERE p.county_id = %s"
    source = f"{own} AND {current_sql('p')}"
    parameters = (*of_values, request.county.pk)
    return ExportLayer(
        name="assessment_summary",
        title=f"Assessed values of {request.tax_year}" if request.tax_year else "Assessed values",
        shape=POINT,
        fields=fields,
        source=Query(f"{source} AND {_LOCATED}", parameters, "p.id", _SHAPE, as_points=True, position=_POSITION),
        label="parcel_number",
        count_missing=lambda: count_rows(f"{source} AND NOT {_LOCATED}", parameters),
    )


def sales(request: LayerRequest) -> ExportLayer:
    """One feature for every parcel that a deed conveyed, at a point on it. Retired parcels are included and marked."""
    fields: tuple[Field, ...] = (*roll_fields.SALE, _left_out(), *roll_fields.PARCEL_BASIC)
    if request.include_owner_info:
        fields += _parties(request)
    source = (
        f"FROM {SALE_PARCEL} sp JOIN {SALE} s ON s.id = sp.sale_id JOIN {PROPERTY} p ON p.id = sp.roll_property_id"
        f" {_ground()} WHERE s.county_id = %s AND p.county_id = %s AND {current_sql('s')}"
    )
    parameters = (request.county.pk, request.county.pk)
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
    """The number of rows that the FROM clause and its conditions select."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) {source}", parameters)
        return int(cursor.fetchone()[0])
