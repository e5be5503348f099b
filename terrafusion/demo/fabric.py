"""The parcel fabric of the demo county: parcels, condominium units, and the areas they lie in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import Transformer

from .addresses import parcel_numbers, situs_addresses
from .blocks import FARM, MULTI_FAMILY, RESIDENTIAL, SMALL_HOLDING, Lots, lay_out_lots
from .survey import Survey, survey_county

COUNTY_CRS = "EPSG:2927"  # NAD83(HARN) / Washington South, US survey feet
CONDOMINIUM_SHARE = 0.07  # of all parcels
UNITS_PER_BUILDING = (6, 28)
PARCELS_PER_NEIGHBORHOOD = 420
PARCELS_PER_ZIP_AREA = 4500
FIRST_ZIP_CODE = 99410  # not assigned to any place

ZONING = (  # of each land use, in the order of blocks.LAND_USES
    "R-1 Residential",
    "C-1 Commercial",
    "R-3 Multi-family",
    "P Public",
    "RR Rural residential",
    "AG Agriculture",
)
NO_PARENT = -1


@dataclass(frozen=True)
class Area:
    """A feature of a polygon layer, in longitude and latitude."""

    layer: str  # "neighborhoods", "zip_areas", "zoning" or "county_boundary"
    feature_id: str
    name: str
    polygon: shapely.Geometry


@dataclass(frozen=True)
class Fabric:
    """One entry per parcel: lots first, then condominium units. All arrays have the same length."""

    parcel_number: np.ndarray
    parent: np.ndarray  # index of the lot a unit stands on; NO_PARENT for a lot
    polygon: np.ndarray  # EPSG:4326; None for a condominium unit
    polygon_ft: np.ndarray  # the same in COUNTY_CRS
    center_ft: np.ndarray  # (n, 2), inside the polygon; a unit has its building's
    longitude: np.ndarray
    latitude: np.ndarray
    lot_sqft: np.ndarray  # a unit has no land of its own: 0
    land_use: np.ndarray  # index into blocks.LAND_USES
    has_units: np.ndarray  # the common land of a condominium
    block: np.ndarray
    neighborhood: np.ndarray  # code, for example "1040"
    zip_code: np.ndarray
    zoning: np.ndarray
    situs_address: np.ndarray
    town_distance: np.ndarray  # 0 in a town centre, 1 at the edge of the built-up land
    areas: tuple[Area, ...]
    survey: Survey
    blocks_ft: np.ndarray  # the blocks that the lots tile

    def __len__(self) -> int:
        return len(self.parcel_number)

    @property
    def is_unit(self) -> np.ndarray:
        return self.parent != NO_PARENT


def build_fabric(parcels: int, rng: np.random.Generator) -> Fabric:
    """A county of exactly this many parcels, including condominium units."""
    units = round(parcels * CONDOMINIUM_SHARE)
    survey = survey_county(parcels - units, rng)
    lots = lay_out_lots(survey, parcels - units, rng)
    parent = _condominium_parents(lots, units, rng)
    lot = np.concatenate([np.arange(len(lots)), parent])  # every parcel's lot

    weights = np.bincount(lots.section[lot], minlength=len(survey)).astype(float)
    neighborhood_of = _cluster(survey, weights, max(3.0, parcels / PARCELS_PER_NEIGHBORHOOD), rng)
    zip_of = _cluster(survey, weights, parcels / PARCELS_PER_ZIP_AREA, rng)
    zoning_of = _zoning(survey, lots)
    neighborhoods = np.array([str(1010 + 10 * number) for number in neighborhood_of])
    zip_codes = np.array([str(FIRST_ZIP_CODE + number) for number in zip_of])
    section = lots.section[lot]

    is_unit = np.arange(len(lot)) >= len(lots)
    center = shapely.get_coordinates(shapely.point_on_surface(lots.polygons))[lot]
    longitude, latitude = _to_degrees(center).T
    unit_number = _number_within(parent)
    return Fabric(
        parcel_number=parcel_numbers(survey, lots, lot, unit_number),
        parent=np.where(is_unit, lot, NO_PARENT),
        polygon=_without_units(_polygons_to_degrees(lots.polygons), units),
        polygon_ft=_without_units(lots.polygons, units),
        center_ft=center,
        longitude=longitude,
        latitude=latitude,
        lot_sqft=np.where(is_unit, 0.0, shapely.area(lots.polygons)[lot]),
        land_use=lots.land_use[lot],
        has_units=~is_unit & np.isin(lot, parent),
        block=lots.block[lot],
        neighborhood=neighborhoods[section],
        zip_code=zip_codes[section],
        zoning=np.array(ZONING)[zoning_of[section]],
        situs_address=situs_addresses(survey, lots, lot, unit_number),
        town_distance=survey.town_distance[section],
        areas=_areas(survey, neighborhoods, zip_codes, zoning_of),
        survey=survey,
        blocks_ft=lots.blocks,
    )


def _condominium_parents(lots: Lots, units: int, rng: np.random.Generator) -> np.ndarray:
    """The lot of each unit. Buildings have 6 to 28 units, and stand on multi-family lots as far as there are enough."""
    sizes: list[int] = []
    while sum(sizes) < units:
        sizes.append(int(rng.integers(*UNITS_PER_BUILDING, endpoint=True)))
    # A small county may have too few multi-family lots; residential lots come next, then any others.
    order = np.array([{MULTI_FAMILY: 0, RESIDENTIAL: 1}.get(use, 2) for use in lots.land_use.tolist()])
    chosen = np.lexsort([rng.random(len(lots)), order])[: len(sizes)]
    return np.repeat(chosen, sizes)[:units]


def _without_units(polygons: np.ndarray, units: int) -> np.ndarray:
    """The polygons of the lots, followed by None for each unit."""
    return np.concatenate([polygons, np.full(units, None, dtype=object)])


def _number_within(parent: np.ndarray) -> np.ndarray:
    """The number of each unit in its building: 1, 2, 3 ... within each run of equal parents."""
    starts = np.concatenate([[True], parent[1:] != parent[:-1]]) if len(parent) else np.array([], bool)
    position = np.arange(len(parent))
    return position - np.maximum.accumulate(np.where(starts, position, 0)) + 1


def _cluster(survey: Survey, weights: np.ndarray, wanted: float, rng: np.random.Generator) -> np.ndarray:
    """Groups sections into areas of about equal numbers of parcels (weighted k-means), and gives each one's area."""
    count = int(np.clip(round(wanted), 1, max(1, len(survey) // 3)))
    centers = survey.centers
    seeds = centers[rng.choice(len(survey), count, replace=False, p=weights / weights.sum())]
    for _ in range(12):
        nearest = shapely.STRtree(shapely.points(seeds)).nearest(shapely.points(centers))
        total = np.bincount(nearest, weights, minlength=count)
        moved = np.column_stack([np.bincount(nearest, weights * centers[:, axis], minlength=count) for axis in (0, 1)])
        filled = total > 0
        seeds[filled] = moved[filled] / total[filled, None]
    # Areas are numbered from the north-west.
    order = np.lexsort([seeds[:, 0], -np.round(seeds[:, 1] / 15_000)])
    rank = np.empty(count, dtype=int)
    rank[order] = np.arange(count)
    return rank[nearest]


def _zoning(survey: Survey, lots: Lots) -> np.ndarray:
    """The zoning of each section, which is that of its land use; the index is the same."""
    zoning = np.choose(survey.density, [RESIDENTIAL, SMALL_HOLDING, FARM])
    zoning[lots.section] = lots.land_use
    return zoning


def _areas(survey: Survey, neighborhoods: np.ndarray, zip_codes: np.ndarray, zoning: np.ndarray) -> tuple[Area, ...]:
    """The areas of each layer. An area is all sections with one code, merged into one polygon."""
    import geopandas  # slow to import, and needed only while a demo county is made

    zoning_ids = np.array([name.split()[0] for name in ZONING])
    zoning_names = {name.split()[0]: name.split(maxsplit=1)[1] for name in ZONING}
    codes = {
        "county_boundary": np.full(len(survey), "demo"),
        "neighborhoods": neighborhoods,
        "zip_areas": zip_codes,
        "zoning": zoning_ids[zoning],
    }
    names = {
        "county_boundary": lambda code: "Demo County",
        "neighborhoods": lambda code: f"Neighborhood {code}",
        "zip_areas": lambda code: f"ZIP {code}",
        "zoning": zoning_names.__getitem__,
    }
    sections = geopandas.GeoDataFrame(codes, geometry=_polygons_to_degrees(survey.polygons), crs="EPSG:4326")
    return tuple(
        Area(layer, code, names[layer](code), shape)
        for layer in codes
        for code, shape in sections.dissolve(layer, method="coverage").geometry.orient_polygons().items()
    )


def _polygons_to_degrees(polygons: np.ndarray) -> np.ndarray:
    return shapely.transform(polygons, _to_degrees)


def _to_degrees(feet: np.ndarray) -> np.ndarray:
    to_degrees = Transformer.from_crs(COUNTY_CRS, "EPSG:4326", always_xy=True)
    return np.column_stack(to_degrees.transform(feet[:, 0], feet[:, 1]))
