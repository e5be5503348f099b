"""A market analysis request that works."""

from .roll import an_active_market


def request(county):
    an_active_market(county)
    return {
        "analysis_type": "price_trend_by_zip",
        "county_id": county.pk,
        "parameters": {"zip_codes": ["99336"]},
    }
