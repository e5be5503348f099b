"""The demo county's sales as the price index reads them, straight from its generator: no database in between."""

import numpy as np

from market_analysis.indices.index_sales import IndexSales
from terrafusion.demo.county import build_demo_county
from terrafusion.demo.market import months_of, true_index_of_months


def demo_index_sales(parcels, seed):
    """Quarterly sales of dwellings, and the planted log level of each quarter: shape (quarters,)."""
    demo = build_demo_county(parcels, seed)
    sales, homes, fabric = demo.sales, demo.dwellings, demo.fabric
    chosen = sales.is_valid & homes.is_dwelling[sales.parcel]
    parcel, sale_date = sales.parcel[chosen], sales.sale_date[chosen]
    months = months_of(sale_date)
    quarter = months // 3
    described = {
        "living_area_sqft": homes.building_sqft[parcel],
        "lot_sqft": np.where(fabric.is_unit[parcel], np.nan, fabric.lot_sqft[parcel]),
        **{
            name: getattr(homes, name)[parcel]
            for name in (
                "basement_sqft", "garage_sqft", "year_built", "effective_year", "quality", "condition", "baths",
                "stories", "view", "property_type",
            )
        },
        "waterfront": np.zeros(len(parcel), dtype=bool),
        "longitude": fabric.longitude[parcel],
        "latitude": fabric.latitude[parcel],
        "neighborhood": fabric.neighborhood[parcel],
    }  # fmt: skip
    found = IndexSales(
        period=(quarter - quarter.min()).astype(np.int64),
        first_period=int(quarter.min()),
        periods=int(np.ptp(quarter)) + 1,
        day=sale_date.astype("datetime64[D]").astype(np.int64),
        sale_price=sales.sale_price[chosen].astype(float),
        property_key=parcel.astype(float),
        characteristics=described,
    )
    truth = np.log(true_index_of_months(months))
    return found, np.bincount(found.period, truth) / found.volume
