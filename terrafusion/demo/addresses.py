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
    """The parcel numbers, made of lattice column and row, block and lot: 1-CCCRRR-BBB-LLL. A unit adds -UUU."""
    number_in_row = lots.order + 1
    in_block = number_in_row + np.where(lots.row == 1, 500, 0)
    lot_numbers = [
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
        f"{lot_numbers[parent]}-{number:03d}"
        for parent, number in zip(lot[len(lots) :].tolist(), unit_number.tolist(), strict=True)
    ]
    return np.array(lot_numbers + units, dtype=object)


def situs_addresses(survey: Survey, lots: Lots, lot: np.ndarray, unit_number: np.ndarray) -> np.ndarray:
    """House number, direction and street of every parcel. Houses face the street in front of their row."""
    streets, houses = _streets_and_houses(survey, lots)
    middle_column, middle_row = np.median(survey.column), np.median(survey.row)
    east = survey.column[lots.section] >= middle_column
    north = survey.row[lots.section] >= middle_row
    lot_addresses = []
    for street, house, runs_north, is_east, is_north in zip(
        streets.tolist(), houses.tolist(), lots.runs_north.tolist(), east, north, strict=True
    ):
        # The direction is that of the place along its street: N or S on a street that runs north, else E or W.
        direction = ("N" if is_north else "S") if runs_north else ("E" if is_east else "W")
        name, kind = STREETS[street % len(STREETS)], KINDS[street // len(STREETS) % len(KINDS)]
        lot_addresses.append(f"{house} {direction} {name} {kind}")
    units = [
        f"{lot_addresses[parent]} Unit {number}"
        for parent, number in zip(lot[len(lots) :].tolist(), unit_number.tolist(), strict=True)
    ]
    return np.array(lot_addresses + units, dtype=object)


def _streets_and_houses(survey: Survey, lots: Lots) -> tuple[np.ndarray, np.ndarray]:
    """The number of the street each lot faces, and its house number there."""
    column, row = survey.column[lots.section], survey.row[lots.section]
    line = np.where(lots.runs_north, column, row)
    along = np.where(lots.runs_north, row, column)
    street = (line * STREETS_PER_LATTICE_LINE + lots.strip + lots.row) * 2 + lots.runs_north
    side = np.where(lots.row == 1, 1, 0)
    # Multiplied by a prime, so that the names of neighbouring streets do not follow each other in the alphabet.
    return street * 37, 100 * (along + 1) + 4 * lots.order + 2 + side
