"""The SQL of a layer: the same columns on both databases, and on PostGIS the area filter, the clip and the JSON too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import shapely
from django.db import connection

from terrafusion.roll.geometry import SRID

from ..areas.rounding import geojson_on_postgis
from ..layers.fields import Field
from ..layers.layer import LINE, POINT, POLYGON, ExportLayer, Query
from .selection import Selection

_CASTS = {
    "postgresql": {"text": "text", "integer": "bigint", "decimal": "float8", "date": "date", "boolean": "boolean"},
    "sqlite": {"text": "TEXT", "integer": "INTEGER", "decimal": "REAL", "date": "TEXT", "boolean": "INTEGER"},
}
_COLLECTION_TYPE = {POINT: 1, LINE: 2, POLYGON: 3}


@dataclass(frozen=True)
class Page:
    """A part of a layer in the order of its key. A reader may be given more than the limit."""

    limit: int
    after: int | None = None


@dataclass(frozen=True)
class Statement:
    sql: str
    parameters: tuple[Any, ...]


def query_of(layer: ExportLayer) -> Query:
    if not isinstance(layer.source, Query):
        raise TypeError(f"{layer.name} is made in Python and has no query.")
    return layer.source


def select_columns(
    layer: ExportLayer, selection: Selection, page: Page | None = None, where: Statement | None = None
) -> Statement:
    """Columns fid, the layer's fields and `geometry` (WKB), ordered by the key.

    On SQLite `geometry` is as stored, beside `longitude` and `latitude`, and the area is only tested by boxes: the
    reader does the rest with shapely.
    """
    if connection.vendor == "postgresql":
        inner = _on_postgis(layer, selection, page, where)
        names = ", ".join(["x.fid", *(f"x.{_quoted(field.name)}" for field in layer.fields)])
        return Statement(f"SELECT {names}, ST_AsBinary(x.shape) AS geometry FROM ({inner.sql}) x", inner.parameters)
    return _on_sqlite(layer, selection, page, where)


def count(layer: ExportLayer, selection: Selection, where: Statement | None = None) -> Statement:
    """How many features touch the area; PostGIS only where there is one, because SQLite decides it in Python."""
    query = query_of(layer)
    condition, parameters = _area_condition(query, selection)
    extra = where or Statement("", ())
    return Statement(
        f"SELECT COUNT(*) {query.source}{condition}{extra.sql}", (*query.parameters, *parameters, *extra.parameters)
    )


def select_geojson(layer: ExportLayer, selection: Selection, layer_property: str | None) -> Statement:
    """A line of text for each feature: a GeoJSON Feature in longitude and latitude. PostGIS only."""
    inner = _on_postgis(layer, selection, None, None)
    columns = [f"x.{_quoted(field.name)}" for field in layer.fields]
    number = "x.fid::text"
    before: tuple[Any, ...] = ()
    after: tuple[Any, ...] = ()
    if layer_property is not None:
        columns.insert(0, "%s::text AS layer")
        number = "to_json(%s::text || x.fid)::text"
        before, after = (f"{layer_property}.",), (layer_property,)
    shape, snapped = geojson_on_postgis("x.shape")
    feature = (
        f"""'{{"type":"Feature","id":' || {number} || ',"properties":' || row_to_json(r)::text"""
        f""" || ',"geometry":' || {shape} || '}}'"""
    )
    sql = f"SELECT {feature} FROM ({inner.sql}) x {snapped} CROSS JOIN LATERAL (SELECT {', '.join(columns)}) r"
    return Statement(sql, (*before, *inner.parameters, *after))


def _column(field: Field, vendor: str) -> str:
    return f"{typed(field, vendor)} AS {_quoted(field.name)}"


def typed(field: Field, vendor: str) -> str:
    """The field's expression in the field's own type: attributes of loaded layers are texts or anything."""
    return f"CAST({field.sql} AS {_CASTS[vendor][field.type]})"


def _columns(layer: ExportLayer) -> tuple[list[str], list[Any]]:
    columns = [f"{query_of(layer).key} AS fid", *(_column(field, connection.vendor) for field in layer.fields)]
    # Names from the data may hold a percent sign, which would be taken for a parameter; `_quoted` doubles it.
    return columns, [value for field in layer.fields for value in field.parameters]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


def _paging(query: Query, page: Page | None) -> tuple[str, str, list[Any]]:
    """The condition, the end of the statement (order and limit), and the parameters of the condition."""
    if page is None:
        return "", f" ORDER BY {query.key}", []
    tail = f" ORDER BY {query.key} LIMIT {int(page.limit)}"
    return ("", tail, []) if page.after is None else (f" AND {query.key} > %s", tail, [page.after])


def _area(polygon: Any) -> str:
    return shapely.to_wkb(shapely.set_srid(polygon, SRID), hex=True, include_srid=True)


def _shape(query: Query) -> str:
    """The geometry, or the position that stands in for it."""
    if query.position is None:
        return query.geometry
    longitude, latitude = query.position
    return f"COALESCE({query.geometry}, ST_SetSRID(ST_MakePoint({longitude}, {latitude}), {SRID}))"


def _area_condition(query: Query, selection: Selection) -> tuple[str, list[Any]]:
    if selection.touching is None:
        return "", []
    if connection.vendor == "postgresql":
        # The bare column comes first, because its GiST index can decide; then the point that the export holds.
        tested = [_shape(query), *([f"ST_PointOnSurface({_shape(query)})"] if query.as_points else [])]
        sql = "".join(f" AND ST_Intersects({shape}, %s::geometry)" for shape in tested)
        return sql, [_area(selection.touching)] * len(tested)
    if query.box is None:
        return "", []
    west, south, east, north = selection.touching.bounds
    box = query.box
    sql = f" AND {box}.west <= %s AND {box}.east >= %s AND {box}.south <= %s AND {box}.north >= %s"
    return sql, [east, west, north, south]


def _on_postgis(layer: ExportLayer, selection: Selection, page: Page | None, where: Statement | None) -> Statement:
    """Columns fid, fields, shape. OFFSET 0 keeps the planner from computing the shape twice."""
    query = query_of(layer)
    columns, of_columns = _columns(layer)
    shape, of_shape = _shape_on_postgis(layer, selection)
    condition, of_area = _area_condition(query, selection)
    paging, tail, of_page = _paging(query, page)
    extra = where or Statement("", ())
    sql = f"SELECT {', '.join(columns)}, {shape} AS shape {query.source}{condition}{extra.sql}{paging}{tail}"
    parameters = (*of_columns, *of_shape, *query.parameters, *of_area, *extra.parameters, *of_page)
    if selection.clip_to is not None:
        sql = f"SELECT * FROM ({sql} OFFSET 0) z WHERE NOT ST_IsEmpty(z.shape)"
    return Statement(sql, parameters)


def _shape_on_postgis(layer: ExportLayer, selection: Selection) -> tuple[str, list[Any]]:
    shape, parameters = _shape(query_of(layer)), []
    if query_of(layer).as_points:
        shape = f"ST_PointOnSurface({shape})"
    if selection.clip_to is not None:
        area = _area(selection.clip_to)
        # Nearly every feature lies inside; only those on the edge are worth an intersection.
        shape = (
            f"CASE WHEN ST_CoveredBy({shape}, %s::geometry) THEN {shape}"
            f" ELSE ST_Intersection(ST_MakeValid({shape}), %s::geometry) END"
        )
        parameters = [area, area]
    shape = f"ST_CollectionExtract(ST_Force2D({shape}), {_COLLECTION_TYPE[layer.shape]})"
    return (f"ST_Multi({shape})" if selection.multi and layer.shape != POINT else shape), parameters


def _on_sqlite(layer: ExportLayer, selection: Selection, page: Page | None, where: Statement | None) -> Statement:
    query = query_of(layer)
    columns, of_columns = _columns(layer)
    columns.append(f"{query.geometry} AS geometry")
    if query.position is not None:
        columns += query.position
    condition, of_area = _area_condition(query, selection)
    paging, tail, of_page = _paging(query, page)
    if selection.touching is not None:
        tail = f" ORDER BY {query.key}"  # the exact test comes after; who reads stops when there are enough
    extra = where or Statement("", ())
    return Statement(
        f"SELECT {', '.join(columns)} {query.source}{condition}{extra.sql}{paging}{tail}",
        (*of_columns, *query.parameters, *of_area, *extra.parameters, *of_page),
    )
