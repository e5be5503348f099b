"""The parcel fabric: no gaps, no overlaps, nothing outside the county."""

import numpy as np
import pytest
import shapely

from terrafusion.demo.fabric import NO_PARENT, build_fabric


@pytest.fixture(scope="module", params=[100, 1000, 6000])
def fabric(request):
    return build_fabric(request.param, np.random.default_rng(7))


@pytest.fixture
def lots(fabric):
    return fabric.polygon[~fabric.is_unit]


@pytest.fixture
def areas(fabric):
    def of_layer(layer):
        return np.array([area.polygon for area in fabric.areas if area.layer == layer])

    return of_layer


def test_parcels_are_valid_and_do_not_overlap(lots):
    assert shapely.is_valid(lots).all()
    assert shapely.coverage_is_valid(lots)


def test_lots_fill_their_block_without_gaps(fabric):
    lots = ~fabric.is_unit
    lot_area = np.bincount(fabric.block[lots], weights=shapely.area(fabric.polygon_ft[lots]))

    assert lot_area == pytest.approx(shapely.area(fabric.blocks_ft), rel=1e-9)
    for block in (0, len(fabric.blocks_ft) // 2):
        together = shapely.coverage_union_all(fabric.polygon_ft[lots & (fabric.block == block)])
        assert together.equals(fabric.blocks_ft[block])


def test_no_parcel_lies_outside_the_county(lots, areas):
    county = areas("county_boundary")[0]
    shapely.prepare(county)

    assert shapely.covers(county, lots).all()


@pytest.mark.parametrize("layer", ["neighborhoods", "zip_areas", "zoning"])
def test_areas_tile_the_county(areas, layer):
    county = areas("county_boundary")[0]

    assert shapely.is_valid(areas(layer)).all()
    assert shapely.coverage_is_valid(areas(layer))
    assert shapely.area(areas(layer)).sum() == pytest.approx(county.area, rel=1e-9)


def test_a_parcel_lies_in_the_neighborhood_it_names(fabric):
    polygon_of = {area.feature_id: area.polygon for area in fabric.areas if area.layer == "neighborhoods"}
    lots = np.nonzero(~fabric.is_unit)[0]
    named = np.array([polygon_of[code] for code in fabric.neighborhood[lots]])

    assert shapely.covers(named, fabric.polygon[lots]).all()


def test_a_condominium_unit_has_no_geometry_and_names_its_parent_parcel(fabric):
    units = np.nonzero(fabric.is_unit)[0]

    assert len(units) == round(0.07 * len(fabric))
    assert all(polygon is None for polygon in fabric.polygon[units])
    assert fabric.has_units[fabric.parent[units]].all()
    assert (fabric.parent[~fabric.is_unit] == NO_PARENT).all()
    assert len(set(fabric.parcel_number)) == len(fabric)


def test_lots_are_small_in_town_and_large_in_the_country(fabric):
    urban = fabric.town_distance < 1
    lots = ~fabric.is_unit

    assert np.median(fabric.lot_sqft[lots & urban]) < 20_000
    assert np.median(fabric.lot_sqft[lots & (fabric.town_distance > 2)]) > 43_560
