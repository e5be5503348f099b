"""Geometry on SQLite and PostGIS alike: shapely in Python, longitude and latitude (EPSG:4326) in storage.

See docs/decisions/0001-portable-geometry-field.md.
"""

from __future__ import annotations

import json
from typing import Any, Self

import numpy as np
import shapely
from django.core.exceptions import ValidationError
from django.db import connections, models
from django.db.models.expressions import RawSQL
from django.db.models.lookups import FieldGetDbPrepValueMixin
from shapely.geometry.base import BaseGeometry

from .current import CurrentQuerySet
from .shapes import repaired

SRID = 4326
EDGES = ("west", "south", "east", "north")


class GeometryField(models.Field):
    """A shapely geometry in EPSG:4326. WKB in a BLOB on SQLite, `geometry(Geometry,4326)` on PostGIS."""

    description = "Geometry (EPSG:4326)"
    empty_strings_allowed = False

    def db_type(self, connection: Any) -> str:
        return f"geometry(Geometry,{SRID})" if connection.vendor == "postgresql" else "BLOB"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> BaseGeometry | None:
        # SQLite hands over WKB, PostGIS its hexadecimal EWKB; shapely reads both.
        return None if value is None else shapely.from_wkb(value)

    def to_python(self, value: Any) -> BaseGeometry | None:
        if value is None or isinstance(value, BaseGeometry):
            return value
        try:
            return shapely.from_wkt(value) if isinstance(value, str) else shapely.from_wkb(value)
        except (shapely.GEOSException, TypeError) as error:
            raise ValidationError("Not a geometry; write WKT, for example POINT (-119.3 46.2).") from error

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        geometry = self.to_python(value)
        if geometry is None:
            return None
        if connection.vendor == "postgresql":
            with_srid = shapely.set_srid(geometry, SRID)
            return shapely.to_wkb(with_srid, hex=True, include_srid=True)
        return shapely.to_wkb(geometry)

    def value_to_string(self, obj: models.Model) -> str:
        geometry = self.value_from_object(obj)
        return "" if geometry is None else shapely.to_wkt(geometry, rounding_precision=-1)

    def formfield(self, **kwargs: Any) -> None:
        """No form: geometry is loaded, never typed."""
        return


class Intersects(FieldGetDbPrepValueMixin, models.Lookup):
    """`geometry__intersects=aoi`, decided by PostGIS on its GiST index."""

    lookup_name = "intersects"

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, column_parameters = self.process_lhs(compiler, connection)
        value, value_parameters = self.process_rhs(compiler, connection)
        return f"ST_Intersects({column}, {value}::geometry)", [
            *column_parameters,
            *value_parameters,
        ]


GeometryField.register_lookup(Intersects)


class EdgeField(models.FloatField):
    """One edge of the geometry's bounding box, kept by `save` and `bulk_create`."""

    def __init__(self, *args: Any, edge: str, **kwargs: Any) -> None:
        self.edge = edge
        kwargs.setdefault("null", True)
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, kwargs | {"edge": self.edge}

    def pre_save(self, model_instance: models.Model, add: bool) -> float | None:
        geometry = model_instance.geometry  # type: ignore[attr-defined]
        edge = None
        if geometry is not None and not geometry.is_empty:
            edge = float(geometry.bounds[EDGES.index(self.edge)])
        setattr(model_instance, self.attname, edge)
        return edge


class SpatialIndex(models.Index):
    """GiST over the geometry on PostGIS; a plain index over the box edges on SQLite."""

    def create_sql(self, model: Any, schema_editor: Any, using: str = "", **kwargs: Any) -> Any:
        if schema_editor.connection.vendor == "postgresql":
            geometry_only = models.Index(fields=["geometry"], name=self.name)
            return geometry_only.create_sql(model, schema_editor, using=" USING gist", **kwargs)
        return super().create_sql(model, schema_editor, using, **kwargs)


class Located(models.Model):
    """A row with a geometry and its bounding box, in degrees."""

    geometry = GeometryField(null=True, blank=True, db_comment="Shape in longitude and latitude, EPSG:4326.")
    west = EdgeField(edge="west", db_comment="Western edge of the geometry, in degrees.")
    south = EdgeField(edge="south", db_comment="Southern edge of the geometry, in degrees.")
    east = EdgeField(edge="east", db_comment="Eastern edge of the geometry, in degrees.")
    north = EdgeField(edge="north", db_comment="Northern edge of the geometry, in degrees.")

    class Meta:
        abstract = True


class LocatedQuerySet(CurrentQuerySet):
    """Selection by area, the same answer on both databases."""

    def intersecting(self, area_of_interest: BaseGeometry) -> Self:
        """Rows whose geometry shares at least one point with the area (boundaries count).

        area_of_interest: longitude and latitude, EPSG:4326; repaired first when it crosses itself.
        On SQLite the exact test runs when this is called: box by index, then one vectorised shapely call.
        """
        area = repaired(area_of_interest)
        if area.is_empty:
            return self.none()
        if connections[self.db].vendor == "postgresql":
            return self.filter(geometry__intersects=area)
        west, south, east, north = area.bounds
        in_box = self.filter(west__lte=east, east__gte=west, south__lte=north, north__gte=south)
        keys, geometries = _columns(in_box.order_by().values_list("pk", "geometry"))
        shapely.prepare(area)
        hits = keys[shapely.intersects(area, geometries)]
        # One parameter however many rows: SQLite allows 32,766.
        return self.filter(pk__in=RawSQL("SELECT value FROM json_each(%s)", [json.dumps(hits.tolist())]))


def _columns(rows: Any) -> tuple[np.ndarray, np.ndarray]:
    pairs = list(rows)
    keys = np.array([key for key, _ in pairs], dtype=np.int64)
    geometries = np.array([geometry for _, geometry in pairs], dtype=object)
    return keys, geometries
