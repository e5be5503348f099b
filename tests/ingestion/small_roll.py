"""A roll of three values and how the admin is asked, for tests of loads as jobs and of certified rolls."""

from tests.factories import CountyFactory

MAPPING = """
rejection_limit_percent: 100
properties:
  property_id: {column: id}
  parcel_number: {column: id}
  tax_code_area: {column: area}
assessed_values:
  tax_year: {column: year, type: year}
  supplement: {column: sup, type: integer, default: "0"}
  market_land: {column: land, type: dollars}
  market_improvement: {column: building, type: dollars}
  market_total: {column: total, type: dollars}
  taxable_value: {column: total, type: dollars}
owners:
  tax_year: {column: year, type: year}
  owner_id: {column: id}
  name: {column: owner}
"""
HEADER = "id,area,year,sup,land,building,total,owner"
ROWS = ["A-1,T1,2026,0,100,200,300,Ann", "A-2,T1,2026,0,50,0,50,Ben", "A-3,T2,2026,0,70,30,99,Cid"]


def another_county():
    return CountyFactory(county_id="king", folder="demo")


def act(browser, model, action, *rows):
    page = browser.post(
        f"/admin/ingestion/{model}/", {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True
    )
    return [str(message) for message in page.context["messages"]]
