"""GeoParquet 1.1 with a bounding box of every row, so that readers can skip row groups outside their area.

Source: OGC GeoParquet specification 1.1.0, "Metadata" and "Bounding box columns".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyproj import CRS

from ..reading.features import FID, GEOMETRY
from ..reading.source import LayerSource

ROW_GROUP = 65_536
EDGES = ("xmin", "ymin", "xmax", "ymax")
COVERING = "bbox"
_TYPES = {0: "Point", 1: "LineString", 3: "Polygon", 4: "MultiPoint", 5: "MultiLineString", 6: "MultiPolygon"}
_BOX = pa.struct([pa.field(edge, pa.float64()) for edge in EDGES])


@dataclass
class _Extent:
    """What the metadata says of all shapes together, gathered batch by batch."""

    types: set[str] = field(default_factory=set)
    low: np.ndarray = field(default_factory=lambda: np.full(2, np.inf))
    high: np.ndarray = field(default_factory=lambda: np.full(2, -np.inf))

    def boxes_of(self, wkb: pa.Array) -> pa.Array:
        shapes = shapely.from_wkb(wkb.to_numpy(zero_copy_only=False))
        self.types |= {_TYPES[type_id] for type_id in np.unique(shapely.get_type_id(shapes)).tolist()}
        bounds = shapely.bounds(shapes)
        if len(bounds):
            self.low = np.minimum(self.low, bounds[:, :2].min(axis=0))
            self.high = np.maximum(self.high, bounds[:, 2:].max(axis=0))
        return pa.StructArray.from_arrays([pa.array(edge) for edge in bounds.T], fields=list(_BOX))


def write_geoparquet(path: Path, sources: Sequence[LayerSource], as_of: str) -> None:
    (source,) = sources
    columns = [column for column in source.schema if column.name not in (FID, GEOMETRY)]
    schema = pa.schema([*columns, pa.field(COVERING, _BOX), pa.field(GEOMETRY, pa.binary())])
    extent, waiting = _Extent(), []
    with pq.ParquetWriter(path, schema, compression="zstd", store_schema=False) as writer:
        for batch in source.batches():
            box = extent.boxes_of(batch.column(GEOMETRY))
            waiting.append(pa.record_batch([*batch.columns[1:-1], box, batch.column(GEOMETRY)], schema=schema))
            if (rows := sum(part.num_rows for part in waiting)) >= ROW_GROUP:
                whole = rows - rows % ROW_GROUP
                table = pa.Table.from_batches(waiting)
                writer.write_table(table.slice(0, whole), row_group_size=ROW_GROUP)
                # The rest waits for the next batches: a group of a few rows would cost every reader a request.
                waiting = table.slice(whole).to_batches()
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting), row_group_size=ROW_GROUP)
        writer.add_key_value_metadata({"geo": json.dumps(_metadata(source, extent))})


def _metadata(source: LayerSource, extent: _Extent) -> dict[str, Any]:
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted(extent.types),
        "crs": CRS.from_epsg(source.selection.system.code).to_json_dict(),
        "covering": {COVERING: {edge: [COVERING, edge] for edge in EDGES}},
    }
    if np.isfinite(extent.low).all():
        column["bbox"] = [*extent.low.tolist(), *extent.high.tolist()]
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
