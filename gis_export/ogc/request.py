"""The parameters of a request for items. An unknown one is refused (OGC 17-069r4, 7.6), so misspellings are noticed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from rest_framework.exceptions import ValidationError

from county_configs.models import County
from terrafusion.web.query_parameters import refuse_unknown

from ..areas.area_of_interest import BadArea, read_area
from ..areas.coordinate_systems import STORAGE, CoordinateSystem, box_to_degrees, coordinate_system
from ..layers.fields import Field
from ..layers.layer import ExportLayer, Query
from ..reading.statements import Statement, typed

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
DEFAULT_LIMIT, HIGHEST_LIMIT = 100, 10_000
FORMATS = ("json", "geojson")  # two names of the only format
FILTERED_TYPES = ("text", "integer")
_OWN = ("bbox", "bbox-crs", "crs", "limit", "after", "datetime", "f")


def crs_uri(system: CoordinateSystem) -> str:
    return f"http://www.opengis.net/def/crs/EPSG/0/{system.code}"


def systems_of(county: County) -> dict[str, CoordinateSystem]:
    """The coordinate systems in which the county's items are offered, by URI. CRS84, the default, is the first."""
    others = (STORAGE, county.crs, "EPSG:3857")
    systems = {CRS84: coordinate_system(STORAGE)}
    return systems | {crs_uri(system): system for system in map(coordinate_system, others)}


@dataclass(frozen=True)
class ItemsRequest:
    """What a request for items wants.

    area: None for the whole county. crs: the URI of the coordinate system. after: the id of the last feature before
    this page. where: the conditions that filters by property and date add to the query.
    """

    area: Any
    crs: str
    system: CoordinateSystem
    limit: int
    after: int | None
    where: Statement


def read_request(parameters: Mapping[str, str], layer: ExportLayer, county: County) -> ItemsRequest:
    """The request these parameters make. Raises ValidationError (400) naming the parameter that is wrong."""
    fields = {
        field.name: field
        for field in layer.fields
        if field.type in FILTERED_TYPES and field.sql and field.name not in _OWN  # an attribute may be called limit
    }
    if any("\0" in text for text in parameters.values()):
        raise ValidationError("A value cannot hold a NUL character.")  # PostgreSQL cannot compare with one
    refuse_unknown(parameters, (*_OWN, *fields))
    systems = systems_of(county)
    crs = _system(parameters, "crs", systems)
    conditions = [_equals(fields[name], value) for name, value in parameters.items() if name in fields]
    if (period := parameters.get("datetime")) is not None:
        conditions.append(_during(period, layer))
    where = Statement(
        "".join(condition.sql for condition in conditions),
        tuple(value for condition in conditions for value in condition.parameters),
    )
    return ItemsRequest(
        area=_bbox(parameters, systems),
        crs=crs,
        system=systems[crs],
        limit=min(_whole(parameters, "limit", DEFAULT_LIMIT, least=1), HIGHEST_LIMIT),
        after=_whole(parameters, "after", 0, least=0) if "after" in parameters else None,
        where=where,
    )


def check_format(parameters: Mapping[str, str]) -> None:
    if parameters.get("f", "json") not in FORMATS:
        raise ValidationError({"f": ["Unknown format. Allowed: json."]})


def _system(parameters: Mapping[str, str], name: str, systems: Mapping[str, CoordinateSystem]) -> str:
    uri = parameters.get(name, CRS84)
    if uri not in systems:
        raise ValidationError({name: [f"Unknown coordinate system {uri!r}. Allowed: {', '.join(systems)}."]})
    return uri


def _whole(parameters: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = parameters.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= least):
        raise ValidationError({name: [f"Write a whole number of at least {least}."]})
    return int(text)


def _bbox(parameters: Mapping[str, str], systems: Mapping[str, CoordinateSystem]) -> Any:
    """The box in longitude and latitude; None without one. The two heights among six numbers are ignored."""
    crs = _system(parameters, "bbox-crs", systems)
    if "bbox" not in parameters:
        return None
    try:
        numbers = [float(number) for number in parameters["bbox"].split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (4, 6):
        raise ValidationError({"bbox": ["Write four numbers: west,south,east,north."]})
    if len(numbers) == 6:
        numbers = [*numbers[:2], *numbers[3:5]]
    if crs != CRS84:
        numbers = box_to_degrees(systems[crs], *numbers)
    try:
        return read_area({"type": "bbox", "coordinates": numbers}).polygon
    except BadArea as error:
        raise ValidationError({"bbox": [str(error)]}) from error


def _equals(field: Field, value: str) -> Statement:
    # A column of the roll is compared as it is, so that its index is used. An attribute of a loaded layer is stored as
    # JSON and needs a cast to its type.
    sql = typed(field, connection.vendor) if field.parameters else field.sql
    if field.type == "text":
        return Statement(f" AND {sql} = %s", (*field.parameters, value))
    if not (value.isascii() and value.removeprefix("-").isdigit()) or len(value) > 18:
        raise ValidationError({field.name: ["Write a whole number."]})
    return Statement(f" AND {sql} = %s", (*field.parameters, int(value)))


def _during(period: str, layer: ExportLayer) -> Statement:
    """The condition for a day or an interval. Layers without a date are of every time (OGC 17-069r4, 7.15.4)."""
    ends = period.split("/")
    if len(ends) > 2 or not any(end not in ("", "..") for end in ends):
        raise ValidationError({"datetime": ["Write a day, or start/end where one may be .. for open."]})
    first, last = _day(ends[0]), _day(ends[-1])
    dated = next((field for field in layer.fields if field.type == "date" and field.sql), None)
    if dated is None or not isinstance(layer.source, Query):
        return Statement("", ())
    sql, parameters = "", []
    for sign, day in ((">=", first), ("<=", last)):
        if day is not None:
            sql += f" AND {dated.sql} {sign} %s"
            parameters.append(day.isoformat())
    return Statement(sql, tuple(parameters))


def _day(text: str) -> date | None:
    if text in ("", ".."):
        return None
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise ValidationError({"datetime": [f"{text!r} is not a date; write 2025-01-31."]}) from None
