"""A request that works, for each registered kind. A kind without one fails the life-cycle tests."""

from tests.valuation.roll import VALUATION_DATE, a_market, a_subject


def valuation(county):
    a_market(county)
    subject = a_subject(county)
    return {
        "property_id": subject.property_id,
        "county_id": county.pk,
        "parameters": {"valuation_date": VALUATION_DATE.isoformat()},
    }


EXAMPLES = {"valuation": valuation}
