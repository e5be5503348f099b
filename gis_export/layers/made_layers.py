"""Layers made of what the plugins give each other: a valuation's comparables, and the change of prices by area."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any

from shapely.geometry.base import BaseGeometry

from terrafusion.roll.models import LayerFeature, Property, TimeIndex, ValueEstimate
from terrafusion.roll.series_names import COUNTY, SeriesName

from ..areas.coordinate_systems import STORAGE
from ..map.district_lookup import point_of
from . import roll_fields
from .fields import Field
from .layer import POINT, POLYGON, ExportLayer, LayerError, LayerRequest, Rows

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

AREA_LAYERS = ("zip_areas", "neighborhoods", "county_boundary")  # in this order an index finds its area
DAYS_A_YEAR = 365.25


def comparables(asked: LayerRequest) -> ExportLayer:
    """The subject of the newest estimate of a property, and the sales it was compared with, as points.

    Raises LayerError when the property has no estimate.
    """
    estimates = ValueEstimate.objects.filter(
        roll_property__county=asked.county, roll_property__property_id=asked.property_id
    )
    estimate = estimates.select_related("roll_property").order_by("-created_at", "-pk").first()
    if estimate is None:
        raise LayerError(f"Property {asked.property_id} has no value estimate; run a valuation first.")
    grid = estimate.grid["comparables"]
    wanted = [each["property_id"] for each in grid]
    # Retired ones too: a comparable keeps its place when it leaves the roll after the estimate was made.
    properties = {
        each.property_id: each for each in Property.objects.in_county(asked.county).filter(property_id__in=wanted)
    }
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
        sold = {
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
        rows.append(sold | (_named(row) if row else {}))
        points.append(point_of(row) if row else None)
    every = _frame(roll_fields.COMPARABLE, rows, points)
    placed = every.dropna(subset="geometry")
    return ExportLayer(
        "comparables", f"Comparables of {subject.parcel_number}", POINT, roll_fields.COMPARABLE, Rows(placed), "role",
        count_missing=lambda: len(every) - len(placed),
    )  # fmt: skip


def _frame(
    fields: Sequence[Field], rows: Sequence[dict[str, Any]], shapes: Sequence[BaseGeometry | None]
) -> GeoDataFrame:
    """A column for each field, also without a row; values as they are: one that is missing makes no fractions of the
    others."""
    import geopandas  # only who asks for such a layer pays for it
    import pandas as pd

    values = pd.DataFrame(rows, columns=[field.name for field in fields], dtype=object)
    return geopandas.GeoDataFrame(values, geometry=list(shapes), crs=STORAGE)


def _named(row: Property) -> dict[str, Any]:
    names = ("property_id", "parcel_number", "situs_address")
    return {name: getattr(row, name) for name in names}


def appreciation(asked: LayerRequest) -> ExportLayer:
    """How far each price index of the county moved, on the area it is for.

    A series names its area: the county, or the key of a ZIP area or neighborhood. One of several areas has no place.
    """
    areas = _areas(asked)
    points = TimeIndex.objects.filter(county=asked.county).order_by("series", "period_start")
    rows, shapes, homeless = [], [], 0
    for series, of_series in groupby(points, key=lambda point: point.series):
        path = list(of_series)
        name = SeriesName.parse(series)
        area = areas.get(name.place) if name and name.place else None
        if len(path) < 2 or path[0].level <= 0:
            continue
        if area is None:
            homeless += 1
            continue
        rows.append(_movement(series, path, area))
        shapes.append(area.geometry)
    movements = _frame(roll_fields.APPRECIATION, rows, shapes)
    return ExportLayer(
        "appreciation", "Change of prices", POLYGON, roll_fields.APPRECIATION, Rows(movements), "name",
        count_missing=lambda: homeless,
    )  # fmt: skip


def _areas(asked: LayerRequest) -> dict[str, LayerFeature]:
    found: dict[str, LayerFeature] = {}
    current = LayerFeature.objects.in_county(asked.county).current()
    features = current.filter(layer__in=AREA_LAYERS, geometry__isnull=False)
    for feature in sorted(features, key=lambda each: (AREA_LAYERS.index(each.layer), each.pk)):
        key = COUNTY if feature.layer == "county_boundary" else feature.feature_id
        found.setdefault(key, feature)
    return found


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
