"""The whole demo county, made from two numbers: the number of parcels and the seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import shapely

from .assessments import Assessments, assess
from .dwellings import Dwellings, build_dwellings
from .fabric import Fabric, build_fabric
from .market import Market, Sales, draw_sales, true_market
from .owners import Owners, build_owners

AS_OF = date(2026, 1, 1)
FEWEST_PARCELS, MOST_PARCELS = 100, 200_000
DEFAULT_PARCELS, DEFAULT_SEED = 30_000, 53


@dataclass(frozen=True)
class DemoCounty:
    parcels: int
    seed: int
    as_of: date
    fabric: Fabric
    dwellings: Dwellings
    market: Market
    sales: Sales
    rolls: tuple[Assessments, ...]
    owners: Owners

    def digest(self) -> str:
        """The SHA-256 of parcels, addresses, geometry, buildings, sales, values and names."""
        columns: list[np.ndarray] = [
            self.fabric.parcel_number,
            self.fabric.situs_address,
            self.fabric.neighborhood,
            self.dwellings.property_type,
            self.sales.validity_code,
            self.owners.names,
        ]
        text = "\n".join("|".join(map(str, column)) for column in columns)
        digest = hashlib.sha256(text.encode())
        for polygon in shapely.to_wkb(self.fabric.polygon[~self.fabric.is_unit]):
            digest.update(polygon)
        numbers = [self.dwellings.building_sqft, self.dwellings.year_built, self.market.value]
        numbers += [self.sales.sale_price, self.sales.sale_date.astype(np.int64)]
        numbers += [roll.market_total for roll in self.rolls]
        for column in numbers:
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()


def build_demo_county(parcels: int = DEFAULT_PARCELS, seed: int = DEFAULT_SEED, as_of: date = AS_OF) -> DemoCounty:
    """The county, always the same for the same numbers. Each part has a random generator of its own."""
    land, buildings, values, deeds, rolls, names = np.random.default_rng([seed, parcels]).spawn(6)
    fabric = build_fabric(parcels, land)
    dwellings = build_dwellings(fabric, as_of.year - 1, buildings)
    market = true_market(fabric, dwellings, as_of, values)
    sales = draw_sales(fabric, dwellings, market, as_of, deeds)
    return DemoCounty(
        parcels=parcels,
        seed=seed,
        as_of=as_of,
        fabric=fabric,
        dwellings=dwellings,
        market=market,
        sales=sales,
        rolls=assess(dwellings, market, as_of, rolls),
        owners=build_owners(fabric, dwellings, sales, names),
    )
