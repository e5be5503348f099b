"""The vector tiles of a finished export, read one by one out of its PMTiles file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pmtiles.reader import Reader

from terrafusion.jobs.api.downloads import readable
from terrafusion.jobs.files import results_storage
from terrafusion.jobs.models import JobArtifact

from ..models import GisExportJob

MAP_FORMAT = "PMTiles"
MAP_SUFFIX = "_map.pmtiles"
DEEPEST_ZOOM = 24


def map_artifact(job: GisExportJob) -> JobArtifact | None:
    """The PMTiles file the map is drawn from; None when the export has none."""
    return job.artifacts.filter(name__endswith=".pmtiles").order_by("pk").first()


@contextmanager
def opened(artifact: JobArtifact) -> Iterator[Reader]:
    """A reader of the PMTiles file. `readable` says what it raises."""
    with readable(artifact), results_storage().open(artifact.path) as file:

        def get_bytes(offset: int, length: int) -> bytes:
            file.seek(offset)
            return bytes(file.read(length))

        yield Reader(get_bytes)


def tile(artifact: JobArtifact, zoom: int, x: int, y: int) -> bytes | None:
    """The tile, gzipped; None where no feature lies."""
    if zoom > DEEPEST_ZOOM or x >> zoom or y >> zoom:
        return None
    with opened(artifact) as reader:
        content = reader.get(zoom, x, y)
    return None if content is None else bytes(content)


def map_json(artifact: JobArtifact) -> dict[str, Any]:
    """What the map page needs: the extent in degrees, the zoom levels, and each layer's colours, label and units."""
    with opened(artifact) as reader:
        header, metadata = reader.header(), reader.metadata()
    edges = ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7")
    return {
        "title": metadata["name"],
        "bounds": [header[edge] / 1e7 for edge in edges],
        "minzoom": header["min_zoom"],
        "maxzoom": header["max_zoom"],
        "layers": metadata["terrafusion"],
    }
