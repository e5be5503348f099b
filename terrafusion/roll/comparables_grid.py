"""The comparables grid of a stored estimate, as lines of text: the one form for the admin and for reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DASH = "\u2013"  # shown for an unknown value


@dataclass(frozen=True)
class GridLine:
    """One line of the grid. subject: the subject's text. comparables: a text for each comparable."""

    label: str
    subject: str
    comparables: Sequence[str]
    is_total: bool = False


def grid_lines(subject_id: str, comparables: Sequence[Mapping[str, Any]]) -> list[GridLine]:
    """The lines as an appraiser reads them: the sales, every adjustment, the adjusted prices and their weights.

    comparables: as an estimate stores them, see `as_json` of valuation.
    """
    subject_values = {line["name"]: line["subject"] for comparable in comparables for line in comparable["adjustments"]}
    return [
        GridLine("Property", subject_id, [comparable["property_id"] for comparable in comparables]),
        GridLine("Miles away", "", [value_text(comparable["distance_miles"]) for comparable in comparables]),
        GridLine("Sale date", "", [comparable["sale_date"] for comparable in comparables]),
        GridLine("Sale price", "", [f"${comparable['sale_price']:,}" for comparable in comparables]),
        *(
            GridLine(
                name.replace("_", " ").capitalize(),
                value_text(value),
                [_adjustment_text(comparable, name) for comparable in comparables],
            )
            for name, value in subject_values.items()
        ),
        GridLine(
            "Adjusted price",
            "",
            [f"${comparable['adjusted_sale_price']:,}" for comparable in comparables],
            is_total=True,
        ),
        GridLine(
            "Net / gross, %",
            "",
            [f"{comparable['net_percent']} / {comparable['gross_percent']}" for comparable in comparables],
        ),
        GridLine("Weight", "", [comparable["weight"] for comparable in comparables]),
    ]


def _adjustment_text(comparable: Mapping[str, Any], name: str) -> str:
    """The comparable's value with the dollars of its line, as in "1,850 (+12,400)"."""
    line = next((line for line in comparable["adjustments"] if line["name"] == name), None)
    if line is None:
        return ""
    amount = f"{line['amount']:+,}" if line["amount"] else "0"
    return f"{value_text(line['comparable'])} ({amount})"


def value_text(value: Any) -> str:
    """A characteristic as a page shows it. A number up to 9999 has no comma, because it may be a year."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if value > 9999 else str(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
