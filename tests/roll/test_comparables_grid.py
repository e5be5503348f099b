"""The comparables grid as text, the same in the admin and in a report."""

from terrafusion.roll.comparables_grid import grid_lines


def a_comparable(**changes):
    return {
        "property_id": "100429",
        "sale_date": "2025-06-30",
        "sale_price": 400000,
        "distance_miles": 0.25,
        "adjustments": [
            {"name": "living_area_sqft", "subject": 1850, "comparable": 1790, "amount": 5400, "source": "county rate"},
            {"name": "lot_sqft", "subject": None, "comparable": 12000, "amount": 0, "source": "county rate"},
        ],
        "adjusted_sale_price": 405400,
        "net_percent": 1.4,
        "gross_percent": 1.4,
        "weight": "1.000000",
    } | changes


def test_each_line_has_the_subject_and_every_comparable():
    lines = grid_lines("100428", [a_comparable()])

    assert [(line.label, line.subject, *line.comparables) for line in lines] == [
        ("Property", "100428", "100429"),
        ("Miles away", "", "0.25"),
        ("Sale date", "", "2025-06-30"),
        ("Sale price", "", "$400,000"),
        ("Living area sqft", "1850", "1790 (+5,400)"),
        ("Lot sqft", "\u2013", "12,000 (0)"),
        ("Adjusted price", "", "$405,400"),
        ("Net / gross, %", "", "1.4 / 1.4"),
        ("Weight", "", "1.000000"),
    ]
    assert [line.label for line in lines if line.is_total] == ["Adjusted price"]


def test_a_line_that_one_comparable_lacks_stays_empty_for_it():
    lines = grid_lines("100428", [a_comparable(), a_comparable(property_id="100430", adjustments=[])])

    (living_area,) = (line for line in lines if line.label == "Living area sqft")
    assert living_area.comparables == ["1790 (+5,400)", ""]
    assert next(line for line in lines if line.label == "Miles away").comparables == ["0.25", "0.25"]
