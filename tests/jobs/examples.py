"""A request that works, for each registered kind. A kind without one fails the life-cycle tests."""

from tests.reporting.roll import TAX_YEAR, an_assessed_market
from tests.valuation.roll import VALUATION_DATE, a_market, a_subject


def valuation(county):
    a_market(county)
    subject = a_subject(county)
    return {
        "property_id": subject.property_id,
        "county_id": county.pk,
        "parameters": {"valuation_date": VALUATION_DATE.isoformat()},
    }


def reporting(county):
    an_assessed_market(county)
    return {
        "report_type": "sales_ratio_study",
        "county_id": county.pk,
        "parameters": {"year": TAX_YEAR, "format": "json", "replicates": 100},
    }


EXAMPLES = {"valuation": valuation, "reporting": reporting}
