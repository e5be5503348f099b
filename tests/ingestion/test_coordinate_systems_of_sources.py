"""Layers of shapes, whatever system they are in, arrive flat and in degrees."""

import geopandas
import pytest
import shapely

from ingestion.connectors.files import open_file

# The origin of Washington South (EPSG:2286), by its definition: 500,000 m east of it in US survey feet, 0 north.
ORIGIN_FT, ORIGIN = (1_640_416.667, 0.0), (-120.5, 45 + 1 / 3)


def written(tmp_path, shapes, crs):
    path = tmp_path / "places.gpkg"
    frame = geopandas.GeoDataFrame({"code": [f"A{number}" for number in range(len(shapes))]}, geometry=shapes, crs=crs)
    frame.to_file(path, driver="GPKG")
    return path


@pytest.mark.parametrize(
    ("crs", "place"),
    [("EPSG:2286", ORIGIN_FT), ("EPSG:4326", ORIGIN), ("OGC:CRS84", ORIGIN), ("EPSG:2286+5703", ORIGIN_FT)],
)
def test_shapes_arrive_flat_and_in_degrees(tmp_path, crs, place):
    path = written(tmp_path, [shapely.Point(*place, 99.0), None], crs)

    (batch,) = open_file(path).batches()

    found, missing = batch.rows["geometry"]
    shape = shapely.from_wkb(bytes.fromhex(found))
    assert not shape.has_z
    assert (shape.x, shape.y) == pytest.approx(ORIGIN, abs=1e-8)
    assert missing == ""
    assert batch.rows["code"].to_list() == ["A0", "A1"]
