"""Circular arcs made into straight lines by GDAL, because the roll's geometry library (GEOS) does not know arcs."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

import pyarrow as pa
import pyogrio

# An arc becomes lines of at most this many degrees. A full circle loses 0.02 % of its area, and the corner of a street
# of 50 feet radius moves by less than 0.01 foot. (GDAL's own step of 4 degrees loses 0.08 %.)
pyogrio.set_gdal_config_options({"OGR_ARC_STEPSIZE": "2"})

# Circular string, compound curve, curve polygon, multi-curve, multi-surface. Source: ISO/IEC 13249-3, WKB codes.
_CURVES = range(8, 13)
_CODE = 0xFFFF  # the higher bits are flags of PostGIS and Esri for heights, measures and the reference system


def kind_of(wkb: bytes) -> int:
    """The code of the geometry's kind, without its dimensions. It needs five bytes; 0 for fewer."""
    if len(wkb) < 5:
        return 0
    return (int.from_bytes(wkb[1:5], "little" if wkb[0] == 1 else "big") & _CODE) % 1000


def is_curve(wkb: bytes) -> bool:
    """Whether the geometry is of a kind that may hold arcs."""
    return kind_of(wkb) in _CURVES


def straightened(curves: Sequence[bytes]) -> list[bytes | None]:
    """The same geometries as WKB of straight lines; None where the bytes are no geometry.

    GDAL straightens arcs when it writes to a format that has none. So the geometries are written to GeoJSON in memory,
    in their own units, and read back.
    """
    if not curves:
        return []
    features = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the missing coordinate reference system: the numbers must not change
        pyogrio.write_arrow(
            pa.table({"shape": pa.array(curves, pa.binary())}), features, driver="GeoJSONSeq", geometry_name="shape",
            geometry_type="Unknown", crs=None, COORDINATE_PRECISION="15", SIGNIFICANT_FIGURES="17",
        )  # fmt: skip
        _, table = pyogrio.read_arrow(io.BytesIO(features.getvalue()))
    shapes: list[bytes | None] = table.column(table.column_names[-1]).to_pylist()
    return shapes
