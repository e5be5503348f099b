"""The buildings on the parcels of the demo county. Those of one neighborhood are alike, as in life."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .blocks import COMMERCIAL, FARM, MULTI_FAMILY, PUBLIC, RESIDENTIAL, SMALL_HOLDING
from .fabric import Fabric

SQFT_PER_ACRE = 43_560.0
SINGLE_FAMILY, CONDOMINIUM, MULTI, SHOP, FARMLAND, VACANT, OTHER = (
    "single_family",
    "condominium",
    "multi_family",
    "commercial",
    "agricultural",
    "vacant_land",
    "other",
)
FIRST_YEAR_BUILT = 1904


@dataclass(frozen=True)
class Dwellings:
    """One entry per parcel of the fabric; NaN where there is no building."""

    property_type: np.ndarray
    building_sqft: np.ndarray  # living area of a dwelling, floor area of another building
    basement_sqft: np.ndarray
    garage_sqft: np.ndarray
    year_built: np.ndarray
    effective_year: np.ndarray
    quality: np.ndarray  # 1 to 6 in half steps, 3.5 is ordinary
    condition: np.ndarray  # 1 to 5, 3 is ordinary
    bedrooms: np.ndarray
    baths: np.ndarray
    stories: np.ndarray
    view: np.ndarray  # 0 none to 3 sweeping
    standing: np.ndarray  # (n,) how popular the neighborhood is, about N(0, 1)

    @property
    def is_dwelling(self) -> np.ndarray:
        return np.isin(self.property_type, (SINGLE_FAMILY, CONDOMINIUM))

    @property
    def is_improved(self) -> np.ndarray:
        return ~np.isnan(self.building_sqft)


def build_dwellings(fabric: Fabric, newest_year: int, rng: np.random.Generator) -> Dwellings:
    """Draws the buildings. newest_year: the last year in which one can have been finished."""
    count = len(fabric)
    kind = _property_types(fabric, rng)
    dwelling = np.isin(kind, (SINGLE_FAMILY, CONDOMINIUM))
    improved = dwelling | np.isin(kind, (MULTI, SHOP))
    unit = kind == CONDOMINIUM

    codes, neighborhood = np.unique(fabric.neighborhood, return_inverse=True)
    standing = rng.normal(size=len(codes))[neighborhood]
    building = _parcel_of_building(fabric)  # the units of a building are of one age and quality
    year_built = _years_built(fabric, codes, neighborhood, newest_year, rng)[building]
    quality = 3.4 + 0.5 * standing + 0.008 * (year_built - 1980) + rng.normal(0, 0.4, count)
    quality = np.clip(np.round(2 * quality[building]) / 2, 1.0, 6.0)
    age = newest_year - year_built
    renewed = np.where(rng.random(count) < np.clip(age / 140, 0, 0.5), rng.uniform(0.2, 0.8, count), 0)
    effective_year = np.round(year_built + renewed * age)
    condition = np.clip(np.round(3.2 + rng.normal(0, 0.6, count) + 1.2 * renewed - age / 110), 1, 5)

    area = np.exp(
        np.log(1700)
        + 0.13 * (quality - 3.4)
        + 0.0035 * (year_built - 1975)
        + 0.10 * rng.normal(size=len(codes))[neighborhood]
        + rng.normal(0, 0.20, count)
    )
    area = np.clip(np.round(np.where(unit, 0.62, 1.0) * area), 480, 7500)
    area = np.where(kind == MULTI, np.round(area * rng.uniform(3, 12, count)), area)
    covered = np.clip(fabric.lot_sqft * rng.uniform(0.12, 0.32, count), 1500, 90_000)
    area = np.where(kind == SHOP, np.round(covered), area)
    two_storied = rng.random(count) < np.clip((area - 1300) / 2600, 0.05, 0.8)
    bedrooms = np.clip(np.round(1.2 + area / 850 + rng.normal(0, 0.5, count)), 1, 7)
    baths = np.clip(np.round(2 * (0.4 + area / 1050 + rng.normal(0, 0.3, count))) / 2, 1, 6)
    has_basement = (rng.random(count) < np.clip((1985 - year_built) / 90, 0.04, 0.6)) & ~unit
    basement = np.where(has_basement, np.round(area / (1 + two_storied) * rng.uniform(0.4, 1.0, count)), 0)
    stalls = np.clip(np.round((year_built - 1935) / 38 + 0.3 * standing + rng.normal(0, 0.5, count)), 0, 3)
    garage = np.where(unit, np.minimum(stalls, 1) * 240, stalls * 260)
    view = np.clip(np.round(0.35 * standing + rng.normal(-0.3, 0.7, count)), 0, 3)

    def of_dwellings(column: np.ndarray) -> np.ndarray:
        return np.where(dwelling, column, np.nan)

    def of_buildings(column: np.ndarray) -> np.ndarray:
        return np.where(improved, column, np.nan)

    return Dwellings(
        property_type=kind,
        building_sqft=of_buildings(area),
        basement_sqft=of_dwellings(basement),
        garage_sqft=of_dwellings(garage),
        year_built=of_buildings(year_built),
        effective_year=of_buildings(effective_year),
        quality=of_buildings(quality),
        condition=of_buildings(condition),
        bedrooms=of_dwellings(bedrooms),
        baths=of_dwellings(baths),
        stories=of_dwellings(np.where(unit, 1.0, 1.0 + two_storied)),
        view=view,
        standing=standing,
    )


def _property_types(fabric: Fabric, rng: np.random.Generator) -> np.ndarray:
    """The property type of each parcel, drawn by its land use. Large farms have no house."""
    draw = rng.random(len(fabric))
    acres = fabric.lot_sqft / SQFT_PER_ACRE
    kind = np.full(len(fabric), OTHER, dtype=object)
    use = fabric.land_use
    kind[use == RESIDENTIAL] = SINGLE_FAMILY
    kind[(use == RESIDENTIAL) & (draw < 0.02 + 0.06 * fabric.town_distance)] = VACANT
    kind[use == SMALL_HOLDING] = np.where(draw < 0.16, VACANT, SINGLE_FAMILY)[use == SMALL_HOLDING]
    farm = np.where(acres > 20, np.where(draw < 0.8, FARMLAND, VACANT), np.where(draw < 0.6, SINGLE_FAMILY, VACANT))
    kind[use == FARM] = farm[use == FARM]
    kind[use == COMMERCIAL] = np.where(draw < 0.12, VACANT, SHOP)[use == COMMERCIAL]
    kind[use == MULTI_FAMILY] = MULTI
    kind[(use == PUBLIC) | fabric.has_units] = OTHER
    kind[fabric.is_unit] = CONDOMINIUM
    return kind


def _years_built(
    fabric: Fabric,
    codes: np.ndarray,
    neighborhood: np.ndarray,
    newest_year: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """The year each building was finished. Towns grow outwards; a neighborhood is built within a generation, and some
    of its lots later."""
    count = len(fabric)
    outward = np.clip(fabric.town_distance, 0, 1.4)
    built = 1932 + 52 * outward + rng.normal(0, 7, len(codes))[neighborhood] + rng.normal(0, 8, count)
    infill = rng.random(count) < 0.10
    built = np.where(infill, rng.uniform(1990, newest_year + 1, count), built)
    return np.clip(np.floor(built), FIRST_YEAR_BUILT, newest_year)


def _parcel_of_building(fabric: Fabric) -> np.ndarray:
    """The parcel on which a parcel's building stands: its own, or its parent for a condominium unit."""
    return np.where(fabric.is_unit, fabric.parent, np.arange(len(fabric)))
