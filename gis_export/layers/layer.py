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
    """What a request says that changes what a layer holds."""

    county: County
    tax_year: int | None = None
    include_assessment_data: bool = False
    include_owner_info: bool = False
    property_id: str | None = None  # the subject whose comparables are shown
    reader: User | None = None  # to whom names are shown; None is the system itself


@dataclass(frozen=True)
class Query:
    """SQL that both databases understand, but for the geometry.

    source: from FROM to the end of WHERE. key: a unique column that puts the features in order. geometry: the column
    or expression that holds it; as_points: show a point on it instead. longitude and latitude stand in for a missing
    geometry. box: the columns of its bounding box, where a box test may be used before the exact one.
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
    """Features made in Python, for layers of a few hundred at most: a frame in degrees, its columns by field name."""

    frame: GeoDataFrame


@dataclass(frozen=True)
class ExportLayer:
    """label: the field a map shows as a feature's name."""

    name: str
    title: str
    shape: Shape
    fields: tuple[Field, ...]
    source: Query | Rows
    label: str
    count_missing: Callable[[], int] = lambda: 0

    @cached_property
    def missing_geometry(self) -> int:
        """Records of the roll that belong to the layer and have no shape to show; counted when first asked for."""
        return self.count_missing()


def table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)
