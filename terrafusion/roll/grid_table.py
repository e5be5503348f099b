"""The comparable grid of a stored estimate as an HTML table."""

from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


def grid_table(grid: dict[str, Any]) -> SafeString:
    """A row for each line of the grid, a column for each comparable; adjustments that are zero stay empty."""
    comparables = grid.get("comparables", [])
    if not comparables:
        return format_html("none")
    names = dict.fromkeys(line["name"] for each in comparables for line in each["adjustments"])
    rows = [
        ("property", [each["property_id"] for each in comparables]),
        ("sale date", [each["sale_date"] for each in comparables]),
        ("miles away", [each["distance_miles"] for each in comparables]),
        ("sale price", [_dollars(each["sale_price"]) for each in comparables]),
        *((name.replace("_", " "), [_amount(each, name) for each in comparables]) for name in names),
        ("adjusted price", [_dollars(each["adjusted_sale_price"]) for each in comparables]),
        ("net / gross %", [f"{each['net_percent']} / {each['gross_percent']}" for each in comparables]),
        ("weight", [each["weight"] for each in comparables]),
    ]
    cell = '<td style="padding:2px 14px;text-align:right;white-space:nowrap">{}</td>'
    body = format_html_join(
        "",
        '<tr><th scope="row" style="text-align:left;padding:2px 14px;white-space:nowrap">{}</th>{}</tr>',
        (
            (label, format_html_join("", cell, (("" if each is None else each,) for each in cells)))
            for label, cells in rows
        ),
    )
    return format_html('<div style="overflow-x:auto"><table>{}</table></div>', body)


def _dollars(amount: int) -> str:
    return f"${amount:,}"


def _amount(comparable: dict[str, Any], name: str) -> str:
    amount = next((line["amount"] for line in comparable["adjustments"] if line["name"] == name), 0)
    return f"{amount:+,}" if amount else ""
