"""What a layer of an export is: its fields, and the query or the rows its features come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from django.db import connection, models

from accounts.models import User
from county_configs.models import County
from terrafusion.errors import TerraFusionError

from .fields import Field

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

Shape = Literal["polygon", "line", "point"]
POLYGON: Shape = "polygon"
LINE: Shape = "line"
POINT: Shape = "point"
DIMENSION = {POINT: 0, LINE: 1, POLYGON: 2}


class LayerError(TerraFusionError):
    """A layer cannot be made; the sentence says why."""


@dataclass(frozen=True)
class LayerRequest:
    """The parts of an export's request on which the contents of a layer depend."""

    county: County
    tax_year: int | None = None
    include_assessment_data: bool = False
    include_owner_info: bool = False
    property_id: str | None = None  # the subject whose comparables are shown
    reader: User | None = None  # the user to whom names are shown; None for the system itself


@dataclass(frozen=True)
class Query:
    """Where the features of a layer are read, in SQL that both databases understand.

    source: from FROM to the end of WHERE. key: a unique column, which puts the features in order.
    geometry: the column or expression with the shape. as_points: the feature is a point on that shape.
    position: the columns of the longitude and latitude that replace a missing shape.
    box: the alias of the table with the shape's bounding box, where that may be tested before the shape itself.
    """

    source: str
    parameters: tuple[Any, ...]
    key: str
    geometry: str
    box: str | None = None
    as_points: bool = False
    position: tuple[str, str] | None = None


@dataclass(frozen=True)
class Rows:
    """Features made in Python, for layers of a few hundred features at most.

    frame: shapes in degrees, and a column for each field, by its name.
    """

    frame: GeoDataFrame


@dataclass(frozen=True)
class ExportLayer:
    """A layer as it is exported. label: the field whose value a map shows as a feature's name."""

    name: str
    title: str
    shape: Shape
    fields: tuple[Field, ...]
    source: Query | Rows
    label: str
    count_missing: Callable[[], int] = lambda: 0

    @cached_property
    def missing_geometry(self) -> int:
        """The number of records that belong to the layer and have no shape; counted when it is first read."""
        return self.count_missing()


def table(model: type[models.Model]) -> str:
    """The model's table, quoted for SQL."""
    return connection.ops.quote_name(model._meta.db_table)
