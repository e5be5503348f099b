"""A request that works, for each registered kind. A kind without one fails the life-cycle tests."""

from tests.market_analysis.roll import an_active_market
from tests.valuation.roll import VALUATION_DATE, a_market, a_subject


def valuation(county):
    a_market(county)
    subject = a_subject(county)
    return {
        "property_id": subject.property_id,
        "county_id": county.pk,
        "parameters": {"valuation_date": VALUATION_DATE.isoformat()},
    }


def market_analysis(county):
    an_active_market(county)
    return {
        "analysis_type": "price_trend_by_zip",
        "county_id": county.pk,
        "parameters": {"zip_codes": ["99336"]},
    }


EXAMPLES = {"valuation": valuation, "market_analysis": market_analysis}
