"""sales_screening: which sales staff should look at, and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from ..answer import Answer, Question
from ..charts import reasons_chart
from ..screening.sales_screening import MOST_REASONS, Flagged, Thresholds, precision_of_reasons, screen, screened_sales
from ..selection import NoSales, period_label

if TYPE_CHECKING:
    from terrafusion.analytics.engine import Market

SHOWN = 100


def sales_screening(question: Question) -> Answer:
    """Raises NoSales when there is none to look at."""
    market, selection, parameters = question.market, question.selection, question.parameters
    include_invalid = bool(parameters["include_invalid"])
    looked_at = screened_sales(market.sales, selection, include_invalid)
    screened = _number_of(market, looked_at)
    if not screened:
        raise NoSales(f"The county has no sale to screen {selection}".rstrip() + ".")
    question.report(20, 100, "Comparing every sale with its group.")
    thresholds = Thresholds(parameters["deviations"], parameters["resale_days"], parameters["group_size"])
    flagged = screen(market, selection, thresholds, question.related(selection), include_invalid)
    # A sale may have one reason twice: the same price before and after.
    reasons = Counter(code for each in flagged for code in {reason.code for reason in each.reasons})
    rows = [
        {
            "sale_id": each.sale_id,
            "property_id": each.property_id,
            "sale_date": each.sale_date,
            "sale_price": each.sale_price,
            **{
                f"reason_{number}": each.reasons[number - 1].text if number <= len(each.reasons) else None
                for number in range(1, MOST_REASONS + 1)
            },
        }
        for each in flagged
    ]
    numbers: dict[str, Any] = {
        "sales_screened": screened,
        "sales_flagged": len(flagged),
        "flagged_percent": round(100 * len(flagged) / screened, 2),
        "reasons": dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        "strongest": [
            {"sale_id": each.sale_id, "reasons": [reason.as_json() for reason in each.reasons]}
            for each in sorted(flagged, key=lambda each: (-each.reasons[0].strength, each.sale_id))[:SHOWN]
        ],
    }
    numbers |= _precision(flagged, screened, _number_of(market, looked_at.filter(~looked_at.coded_valid)))
    by_year = Counter(each.sale_date.year for each in flagged)
    trends = [
        {"period": period_label(year, "year"), "sales_flagged": number} for year, number in sorted(by_year.items())
    ]
    kept = [(each.sale_key, [reason.as_json() for reason in each.reasons]) for each in flagged]
    table = pa.Table.from_pylist(rows, schema=_SCHEMA)
    charts = [reasons_chart(numbers["reasons"])] if reasons else []
    return Answer(_finding(numbers), screened, numbers, table, trends, charts, kept)


def _number_of(market: Market, sales: ibis.Table) -> int:
    (counted,) = market.rows(sales.aggregate(n=sales.sale_key.nunique()))
    return int(counted["n"])


def _precision(flagged: list[Flagged], sales: int, set_aside: int) -> dict[str, Any]:
    """How often each reason agrees with the county's codes, where the screening looked at sales these set aside."""
    if not set_aside:
        return {
            "precision_of_reasons": None,
            "precision_note": "Not known: the screening saw no sale that the county's own codes set aside; "
            "include_invalid looks at those too.",
        }
    return {
        "precision_of_reasons": {
            code: {
                "sales_flagged": found.flagged,
                "set_aside_by_code": found.set_aside,
                "precision_percent": round(found.percent, 1),
            }
            for code, found in precision_of_reasons(flagged).items()
        },
        "precision_note": f"Share of the flagged sales that the county's own codes set aside; of all sales screened "
        f"they set aside {100 * set_aside / sales:.1f} %.",
    }


_SCHEMA = pa.schema(
    [
        ("sale_id", pa.string()),
        ("property_id", pa.string()),
        ("sale_date", pa.date32()),
        ("sale_price", pa.int64()),
        *((f"reason_{number}", pa.string()) for number in range(1, MOST_REASONS + 1)),
    ]
)


def _finding(numbers: dict[str, Any]) -> str:
    flagged, looked_at = numbers["sales_flagged"], numbers["sales_screened"]
    if not flagged:
        return f"None of {looked_at:,} sales looks other than at arm's length."
    code, number = next(iter(numbers["reasons"].items()))
    return (
        f"{flagged:,} of {looked_at:,} sales ({numbers['flagged_percent']:.1f} %) should be looked at; "
        f"the most frequent reason is {code.replace('_', ' ')}, in {number:,} of them."
    )
