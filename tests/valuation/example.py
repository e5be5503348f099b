"""A valuation request that works."""

from .roll import VALUATION_DATE, a_market, a_subject


def request(county):
    a_market(county)
    subject = a_subject(county)
    return {
        "property_id": subject.property_id,
        "county_id": county.pk,
        "parameters": {"valuation_date": VALUATION_DATE.isoformat()},
    }
