"""CSV whose last column holds the shape as well-known text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import shapely

from terrafusion.csv_files import CsvWriter

from ..areas.rounding import FULL_DECIMALS, rounded
from ..reading.features import FID, GEOMETRY
from ..reading.source import LayerSource

WKT_COLUMN = "wkt"
DECIMALS_DEGREES, DECIMALS_PROJECTED = 8, 4  # about a millimetre; a tenth of a millimetre


def write_csv(path: Path, sources: Sequence[LayerSource], as_of: str) -> None:
    (source,) = sources
    decimals = DECIMALS_PROJECTED if source.selection.system.is_projected else DECIMALS_DEGREES
    names = [name for name in source.schema.names if name not in (FID, GEOMETRY)]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = CsvWriter(stream)
        writer.writerow([*names, WKT_COLUMN])
        for batch in source.batches():
            shapes = shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False))
            texts = shapely.to_wkt(rounded(shapes, decimals), rounding_precision=FULL_DECIMALS)
            columns = [batch.column(name).to_pylist() for name in names]
            writer.writerows(zip(*columns, texts, strict=True))
