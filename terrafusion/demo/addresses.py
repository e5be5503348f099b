"""Parcel numbers and situs addresses of the demo county."""

from __future__ import annotations

import numpy as np

from .blocks import Lots
from .survey import Survey

STREET_NAMES = (
    "Alder Aspen Balsam Basalt Birch Bluff Buckwheat Bunchgrass Camas Canyon Cascade Cedar Chukar "
    "Clover Coulee Coyote Crabapple Currant Dogwood Dune Elder Falcon Fescue Fir Foothill Goldenrod "
    "Grouse Hawk Hawthorn Heron Hickory Hops Horizon Ironwood Juniper Kestrel Killdeer Larkspur "
    "Laurel Lavender Lupine Magpie Maple Meadowlark Mesa Milkweed Mint Mulberry Oak Orchard Osprey "
    "Owl Partridge Pear Phlox Pheasant Plum Poplar Prairie Quail Rabbitbrush Ridge Rimrock Riverbend "
    "Sage Sagebrush Sandpiper Shrike Spruce Sumac Sunflower Swallow Tamarack Teal Terrace Thistle "
    "Tumbleweed Vineyard Walnut Willow Yarrow"
)
STREETS = STREET_NAMES.split()
KINDS = ("Street", "Avenue", "Drive", "Lane", "Court", "Place", "Way")
STREETS_PER_LATTICE_LINE = 8


def parcel_numbers(survey: Survey, lots: Lots, lot: np.ndarray, unit_number: np.ndarray) -> np.ndarray:
    """Lattice column and row, block and lot, as 1-CCCRRR-BBB-LLL; a unit adds -UUU."""
    number_in_row = lots.order + 1
    in_block = number_in_row + np.where(lots.row == 1, 500, 0)
    of_lot = [
        f"1-{column:03d}{row:03d}-{block:03d}-{number:03d}"
        for column, row, block, number in zip(
            survey.column[lots.section].tolist(),
            survey.row[lots.section].tolist(),
            (lots.strip + 1).tolist(),
            in_block.tolist(),
            strict=True,
        )
    ]
    units = [
        f"{of_lot[parent]}-{number:03d}"
        for parent, number in zip(lot[len(lots) :].tolist(), unit_number.tolist(), strict=True)
    ]
    return np.array(of_lot + units, dtype=object)


def situs_addresses(survey: Survey, lots: Lots, lot: np.ndarray, unit_number: np.ndarray) -> np.ndarray:
    """House number, direction and street; houses face the street in front of their row."""
    streets, houses = _streets_and_houses(survey, lots)
    middle_column, middle_row = np.median(survey.column), np.median(survey.row)
    east = survey.column[lots.section] >= middle_column
    north = survey.row[lots.section] >= middle_row
    of_lot = []
    for street, house, runs_north, is_east, is_north in zip(
        streets.tolist(), houses.tolist(), lots.runs_north.tolist(), east, north, strict=True
    ):
        # A street running north is named by where along it one stands: N or S, and so on.
        direction = ("N" if is_north else "S") if runs_north else ("E" if is_east else "W")
        name, kind = STREETS[street % len(STREETS)], KINDS[street // len(STREETS) % len(KINDS)]
        of_lot.append(f"{house} {direction} {name} {kind}")
    units = [
        f"{of_lot[parent]} Unit {number}"
        for parent, number in zip(lot[len(lots) :].tolist(), unit_number.tolist(), strict=True)
    ]
    return np.array(of_lot + units, dtype=object)


def _streets_and_houses(survey: Survey, lots: Lots) -> tuple[np.ndarray, np.ndarray]:
    """The number of the street each lot faces, and its house number there."""
    column, row = survey.column[lots.section], survey.row[lots.section]
    line = np.where(lots.runs_north, column, row)
    along = np.where(lots.runs_north, row, column)
    street = (line * STREETS_PER_LATTICE_LINE + lots.strip + lots.row) * 2 + lots.runs_north
    side = np.where(lots.row == 1, 1, 0)
    # Times a prime, so that neighbouring streets do not follow each other in the alphabet.
    return street * 37, 100 * (along + 1) + 4 * lots.order + 2 + side
