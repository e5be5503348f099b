"""Layers made of other plugins' results: the comparables of a valuation, and the change of prices by area."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any

from shapely.geometry.base import BaseGeometry

from terrafusion.roll.models import LayerFeature, Property, TimeIndex, ValueEstimate
from terrafusion.roll.series_names import COUNTY, SeriesName

from ..areas.coordinate_systems import STORAGE
from ..areas.points import point_of
from . import roll_fields
from .fields import Field
from .layer import POINT, POLYGON, ExportLayer, LayerError, LayerRequest, Rows

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

AREA_LAYERS = ("zip_areas", "neighborhoods", "county_boundary")  # searched in this order for the area of an index
DAYS_A_YEAR = 365.25


def comparables(request: LayerRequest) -> ExportLayer:
    """The subject of the newest estimate of a property, and the sales it was compared with, as points.

    Raises LayerError when the property has no estimate.
    """
    estimates = ValueEstimate.objects.filter(
        roll_property__county=request.county, roll_property__property_id=request.property_id
    )
    estimate = estimates.select_related("roll_property").order_by("-created_at", "-pk").first()
    if estimate is None:
        raise LayerError(f"Property {request.property_id} has no value estimate; run a valuation first.")
    grid = estimate.grid["comparables"]
    # Retired properties count too: a comparable may have left the roll after the estimate was made.
    sold = Property.objects.in_county(request.county).filter(property_id__in=[line["property_id"] for line in grid])
    properties = {row.property_id: row for row in sold}
    subject = estimate.roll_property
    of_subject = {
        "role": "subject",
        "rank": 0,
        "valuation_date": estimate.valuation_date,
        "market_value": estimate.market_value,
        "distance_miles": 0.0,
    }
    rows, points = [of_subject | _named(subject)], [point_of(subject)]
    for rank, line in enumerate(grid, start=1):
        row = properties.get(line["property_id"])
        columns = {
            "role": "comparable",
            "rank": rank,
            "property_id": line["property_id"],
            "sale_id": line["sale_id"],
            "sale_date": date.fromisoformat(line["sale_date"]),
            "sale_price": line["sale_price"],
            "adjusted_sale_price": line["adjusted_sale_price"],
            "weight": float(line["weight"]),
            "distance_miles": line["distance_miles"],
        }
        rows.append(columns | (_named(row) if row else {}))
        points.append(point_of(row) if row else None)
    frame = _frame(roll_fields.COMPARABLE, rows, points)
    placed = frame.dropna(subset="geometry")
    return ExportLayer(
        "comparables", f"Comparables of {subject.parcel_number}", POINT, roll_fields.COMPARABLE, Rows(placed), "role",
        count_missing=lambda: len(frame) - len(placed),
    )  # fmt: skip


def _frame(
    fields: Sequence[Field], rows: Sequence[dict[str, Any]], shapes: Sequence[BaseGeometry | None]
) -> GeoDataFrame:
    """A frame with a column for each field, even when it has no rows.

    Values stay Python objects: in a column of numbers a missing one would turn whole numbers into fractions.
    """
    import geopandas  # slow to import, and only these layers need it
    import pandas as pd

    values = pd.DataFrame(rows, columns=[field.name for field in fields], dtype=object)
    return geopandas.GeoDataFrame(values, geometry=list(shapes), crs=STORAGE)


def _named(row: Property) -> dict[str, Any]:
    names = ("property_id", "parcel_number", "situs_address")
    return {name: getattr(row, name) for name in names}


def appreciation(request: LayerRequest) -> ExportLayer:
    """How far each price index of the county moved, shown on the area of the index.

    The name of a series names its area: the county, or the key of a ZIP area or neighborhood. A series over several
    areas has no place on a map and counts as missing.
    """
    areas = _areas(request)
    points = TimeIndex.objects.filter(county=request.county).order_by("series", "period_start")
    rows, shapes, without_area = [], [], 0
    for series, of_series in groupby(points, key=lambda point: point.series):
        path = list(of_series)
        name = SeriesName.parse(series)
        area = areas.get(name.place) if name and name.place else None
        if len(path) < 2 or path[0].level <= 0:
            continue
        if area is None:
            without_area += 1
            continue
        rows.append(_movement(series, path, area))
        shapes.append(area.geometry)
    movements = _frame(roll_fields.APPRECIATION, rows, shapes)
    return ExportLayer(
        "appreciation", "Change of prices", POLYGON, roll_fields.APPRECIATION, Rows(movements), "name",
        count_missing=lambda: without_area,
    )  # fmt: skip


def _areas(request: LayerRequest) -> dict[str, LayerFeature]:
    """The area of each place a series can name, by that name."""
    areas: dict[str, LayerFeature] = {}
    current = LayerFeature.objects.in_county(request.county).current()
    features = current.filter(layer__in=AREA_LAYERS, geometry__isnull=False)
    for feature in sorted(features, key=lambda feature: (AREA_LAYERS.index(feature.layer), feature.pk)):
        key = COUNTY if feature.layer == "county_boundary" else feature.feature_id
        areas.setdefault(key, feature)
    return areas


def _movement(series: str, path: list[TimeIndex], area: LayerFeature) -> dict[str, Any]:
    first, last = path[0], path[-1]
    ratio = last.level / first.level
    years = (last.period_start - first.period_start).days / DAYS_A_YEAR
    return {
        "area_layer": area.layer,
        "feature_id": area.feature_id,
        "name": area.name,
        "series": series,
        "period_start": first.period_start,
        "period_end": last.period_start,
        "appreciation": 100 * (ratio - 1),
        "annual_appreciation": 100 * (ratio ** (1 / years) - 1),
        "sales_volume": sum(point.sales_volume for point in path),
    }
