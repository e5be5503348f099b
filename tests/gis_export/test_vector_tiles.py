"""Vector tiles: what independent decoders read in them."""

import gzip
import json
from itertools import pairwise

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from pmtiles.reader import MemorySource, Reader, all_tiles

from gis_export.tiles.outlines import EXTENT, finest_zoom, pieces_at, to_world, zoom_levels
from gis_export.tiles.protobuf import varint, varints, zigzag

from .roll import HOLE, MULTI, key


def decoded(path):
    source = MemorySource(path.read_bytes())
    return {place: mapbox_vector_tile.decode(gzip.decompress(tile)) for place, tile in all_tiles(source)}


def test_varints_are_those_of_protocol_buffers():
    numbers = np.array([0, 1, 127, 128, 300, 16_383, 16_384, 2**21, 2**28, 2**32 - 1], dtype=np.uint32)

    buffer, bounds = varints(numbers, np.arange(len(numbers)))

    assert [buffer[a:b] for a, b in pairwise(bounds)] == [varint(int(number)) for number in numbers]
    assert varint(300) == b"\xac\x02"  # the example of the protocol buffers documentation


def test_zigzag_keeps_small_numbers_small():
    assert zigzag(np.array([0, -1, 1, -2, 2])).tolist() == [0, 1, 2, 3, 4]


def test_the_world_is_the_unit_square():
    corners = np.array([[-180.0, 85.05112878], [0.0, 0.0], [180.0, -85.05112878]])

    assert to_world(corners) == pytest.approx(np.array([[0, 0], [0.5, 0.5], [1, 1]]), abs=1e-9)


def test_a_large_shape_is_cut_to_its_tiles():
    county = shapely.transform(np.array([shapely.box(-120, 46, -119, 47)]), to_world)

    pieces = pieces_at(county, "polygon", 12)

    assert len(pieces.outline) == len(set(zip(pieces.x.tolist(), pieces.y.tolist(), strict=True))) > 100
    assert max(map(len, pieces.outline)) < 40, "each piece is a rectangle"


def test_a_layer_of_large_shapes_ends_at_a_lower_level_than_one_of_lots():
    state, lot = (shapely.transform(shapely.box(-124, 46, -124 + side, 46 + side), to_world) for side in (3, 0.0005))

    assert finest_zoom(np.array([lot.bounds]), 5, 14) == 14
    coarse = finest_zoom(np.array([state.bounds]), 5, 14)
    assert 5 < coarse < 14
    assert len(pieces_at(np.array([state]), "polygon", coarse).outline) <= 5_004


def test_zoom_levels_begin_where_everything_fits_a_tile():
    assert list(zoom_levels(np.array([0.4, 0.4, 0.4 + 1 / 1024, 0.4]), 14)) == [8, 9, 10, 11, 12, 13, 14]


@pytest.mark.django_db
def test_an_export_is_a_map_of_all_its_layers(export, county):
    _, path = export(export_format="PMTiles", layers=["parcels", "zoning", "sales"])
    reader, tiles = Reader(MemorySource(path.read_bytes())), decoded(path)

    assert {layer["id"] for layer in reader.metadata()["vector_layers"]} == {"parcels", "zoning", "sales"}
    highest = [tile["parcels"] for place, tile in tiles.items() if place[0] == 14 and "parcels" in tile]
    ids = {feature["properties"]["property_id"] for tile in highest for feature in tile["features"]}
    assert ids == {key(number) for number in range(30)}
    some = highest[0]["features"][0]["properties"]
    assert some["parcel_number"] == f"1-{int(some['property_id'][1:]):04d}"
    assert some["living_area_sqft"] == 1000 + int(some["property_id"][1:])


def placed(geometry, x, y):
    """A decoded shape in world units. The decoder turns y north, so a tile's corner is its south-west one."""

    def move(points):
        return np.column_stack([points[:, 0] / EXTENT + x, y + 1 - points[:, 1] / EXTENT]) / 2**14

    return shapely.transform(shapely.from_geojson(json.dumps(geometry)), move)


@pytest.mark.django_db
def test_shapes_in_tiles_are_those_of_the_roll(export, county):
    from terrafusion.roll.models import Property

    _, path = export(export_format="PMTiles", layers=["parcels"])
    wanted = {row.property_id: row.geometry for row in Property.objects.in_county(county).exclude(geometry=None)}
    unit = 1 / (EXTENT << 14)
    seen = {}
    for (zoom, x, y), tile in decoded(path).items():
        for feature in tile["parcels"]["features"] if zoom == 14 else ():
            in_world = placed(feature["geometry"], x, y)
            seen.setdefault(feature["properties"]["property_id"], []).append(in_world)
    for property_id, geometry in wanted.items():
        world = shapely.transform(geometry, to_world)
        drawn = shapely.union_all([shapely.make_valid(each) for each in seen[property_id]])
        assert shapely.hausdorff_distance(drawn, world) <= 2 * unit, property_id
    assert len(shapely.get_parts(shapely.union_all(seen[key(MULTI)]))) == 2
    assert any(part.interiors for part in shapely.get_parts(shapely.union_all(seen[key(HOLE)])))


@pytest.mark.django_db
def test_gdal_reads_the_same_file(export):
    import pyogrio

    _, path = export(export_format="PMTiles", layers=["parcels"])

    frame = pyogrio.read_dataframe(path, layer="parcels")
    assert set(frame["property_id"]) == {key(number) for number in range(30)}
