"""The assessment roll of a tax year as a table, and the control totals that prove it complete. No Django."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..formats.document import Column, Table, Value
from ..ratio_study.study_sales import UNKNOWN, in_natural_order

AMOUNTS = (
    "market_land",
    "market_improvement",
    "market_total",
    "current_use_value",
    "new_construction",
    "exempt_value",
    "taxable_value",
)
_DESCRIPTION = (
    Column("property_id", "Property"),
    Column("parcel_number", "Parcel number"),
    Column("owner", "Owner"),
    Column("situs_address", "Situs"),
    Column("situs_city", "City"),
    Column("zip_code", "ZIP code"),
    Column("legal_description", "Legal description"),
    Column("tax_code_area", "Tax area"),
    Column("use_code", "Use code"),
    Column("property_class", "Class"),
    Column("acres", "Acres", "number", 4),
)
_VALUES = (
    Column("market_land", "Land", "dollars"),
    Column("market_improvement", "Improvement", "dollars"),
    Column("market_total", "Total", "dollars"),
    Column("current_use_value", "Current use", "dollars"),
    Column("new_construction", "New construction", "dollars"),
    Column("exempt_value", "Exempt", "dollars"),
    Column("taxable_value", "Taxable", "dollars"),
    Column("prior_total", "Prior total", "dollars"),
    Column("prior_taxable", "Prior taxable", "dollars"),
    Column("change", "Change", "dollars"),
    Column("change_percent", "Change, %", "number", 2),
)


def roll_columns(with_owner: bool) -> list[Column]:
    return [column for column in (*_DESCRIPTION, *_VALUES) if with_owner or column.name != "owner"]


# The columns for which a page of the PDF has room.
PAGE_COLUMNS = (
    "parcel_number", "owner", "situs_address", "tax_code_area", "use_code", "acres", "market_land",
    "market_improvement", "market_total", "exempt_value", "taxable_value", "prior_total", "change_percent",
)  # fmt: skip


@dataclass(frozen=True)
class RollEntry:
    """One property in a tax year.

    amounts: dollars by the names of AMOUNTS; current_use_value is None where the land is not in current use.

    prior_total, prior_taxable: None when the property was not on the roll of the year before.
    """

    described: Mapping[str, Any]
    amounts: Mapping[str, int | None]
    prior_total: int | None = None
    prior_taxable: int | None = None
    owner: str = ""

    def row(self, columns: Sequence[Column]) -> list[Any]:
        total = self.amounts["market_total"] or 0
        change = None if self.prior_total is None else total - self.prior_total
        derived = {
            "owner": self.owner,
            "prior_total": self.prior_total,
            "prior_taxable": self.prior_taxable,
            "change": change,
            "change_percent": 100 * change / self.prior_total if change is not None and self.prior_total else None,
        }
        known = {**self.described, **self.amounts, **derived}
        return [_plain(known[column.name]) for column in columns]


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


@dataclass
class ControlTotals:
    """The number of properties and the sums of dollars, by class and by tax area.

    Dollars are whole numbers, so the sums are exact.
    """

    by_class: dict[str, list[int]] = field(default_factory=dict)
    by_area: dict[str, list[int]] = field(default_factory=dict)

    def add(self, property_class: str, tax_code_area: str, number: int, amounts: Iterable[int | None]) -> None:
        added = [number, *(amount or 0 for amount in amounts)]
        for totals, label in ((self.by_class, property_class), (self.by_area, tax_code_area)):
            sums = totals.setdefault(label or UNKNOWN, [0] * len(added))
            for position, amount in enumerate(added):
                sums[position] += amount

    @property
    def overall(self) -> list[int]:
        sums = [sum(column) for column in zip(*self.by_class.values(), strict=True)]
        return sums or [0] * (1 + len(AMOUNTS))

    def tables(self) -> list[Table]:
        headings = {value.name: value.heading for value in _VALUES}
        columns = [
            Column("properties", "Properties", "integer"),
            *(Column(amount, headings[amount], "dollars") for amount in AMOUNTS),
        ]
        tables = []
        for name, label, totals in (
            ("by_class", "Class", self.by_class),
            ("by_tax_area", "Tax area", self.by_area),
        ):
            rows: list[list[Value]] = [[group, *totals[group]] for group in in_natural_order(totals)]
            rows.append(["Total", *self.overall])
            tables.append(
                Table(
                    f"control_totals_{name}",
                    f"Control totals by {label.lower()}",
                    [Column("label", label), *columns],
                    rows,
                    total_rows=[len(rows) - 1],
                    shown_rows=len(rows),
                )
            )
        return tables


def counted(entries: Iterable[RollEntry], totals: ControlTotals) -> Iterator[RollEntry]:
    """Yields the same entries and adds every one to the totals."""
    for entry in entries:
        described = entry.described
        totals.add(
            described["property_class"], described["tax_code_area"], 1, (entry.amounts[amount] for amount in AMOUNTS)
        )
        yield entry
