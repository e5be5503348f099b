"""A report request that works."""

from .roll import TAX_YEAR, an_assessed_market


def request(county):
    an_assessed_market(county)
    return {
        "report_type": "sales_ratio_study",
        "county_id": county.pk,
        "parameters": {"year": TAX_YEAR, "format": "json", "replicates": 100},
    }
