"""sales_screening: the sales that staff should look at, with the reasons."""

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
    """Raises NoSales when there is no sale to screen."""
    market, selection, parameters = question.market, question.selection, question.parameters
    include_invalid = bool(parameters["include_invalid"])
    sales = screened_sales(market.sales, selection, include_invalid)
    screened = _number_of(market, sales)
    if not screened:
        raise NoSales(f"The county has no sale to screen {selection}".rstrip() + ".")
    question.report(20, 100, "Comparing every sale with its group.")
    thresholds = Thresholds(parameters["deviations"], parameters["resale_days"], parameters["group_size"])
    flagged = screen(market, selection, thresholds, question.related(selection), include_invalid)
    # A sale may have one reason twice: the same price before and after.
    reasons = Counter(code for sale in flagged for code in {reason.code for reason in sale.reasons})
    rows = [
        {
            "sale_id": sale.sale_id,
            "property_id": sale.property_id,
            "sale_date": sale.sale_date,
            "sale_price": sale.sale_price,
            **{
                f"reason_{number}": sale.reasons[number - 1].text if number <= len(sale.reasons) else None
                for number in range(1, MOST_REASONS + 1)
            },
        }
        for sale in flagged
    ]
    numbers: dict[str, Any] = {
        "sales_screened": screened,
        "sales_flagged": len(flagged),
        "flagged_percent": round(100 * len(flagged) / screened, 2),
        "reasons": dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        "strongest": [
            {"sale_id": sale.sale_id, "reasons": [reason.as_json() for reason in sale.reasons]}
            for sale in sorted(flagged, key=lambda sale: (-sale.reasons[0].strength, sale.sale_id))[:SHOWN]
        ],
    }
    numbers |= _precision(flagged, screened, _number_of(market, sales.filter(~sales.coded_valid)))
    by_year = Counter(sale.sale_date.year for sale in flagged)
    trends = [
        {"period": period_label(year, "year"), "sales_flagged": number} for year, number in sorted(by_year.items())
    ]
    suggestions = [(sale.sale_key, [reason.as_json() for reason in sale.reasons]) for sale in flagged]
    table = pa.Table.from_pylist(rows, schema=_SCHEMA)
    charts = [reasons_chart(numbers["reasons"])] if reasons else []
    return Answer(_finding(numbers), screened, numbers, table, trends, charts, suggestions)


def _number_of(market: Market, sales: ibis.Table) -> int:
    (counted,) = market.rows(sales.aggregate(n=sales.sale_key.nunique()))
    return int(counted["n"])


def _precision(flagged: list[Flagged], sales: int, set_aside: int) -> dict[str, Any]:
    """How well each reason agrees with the county's codes. set_aside: how many of the sales the codes set aside."""
    if not set_aside:
        return {
            "precision_of_reasons": None,
            "precision_note": "Not known: the screening saw no sale that the county's own codes set aside; "
            "include_invalid looks at those too.",
        }
    return {
        "precision_of_reasons": {
            code: {
                "sales_flagged": precision.flagged,
                "set_aside_by_code": precision.set_aside,
                "precision_percent": round(precision.percent, 1),
            }
            for code, precision in precision_of_reasons(flagged).items()
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
    flagged, sales = numbers["sales_flagged"], numbers["sales_screened"]
    if not flagged:
        return f"None of {sales:,} sales looks other than at arm's length."
    code, number = next(iter(numbers["reasons"].items()))
    return (
        f"{flagged:,} of {sales:,} sales ({numbers['flagged_percent']:.1f} %) should be looked at; "
        f"the most frequent reason is {code.replace('_', ' ')}, in {number:,} of them."
    )
