"""The edits every row of a roll must pass, beyond the type of each value. Each has an id, a level and a reason.

Pandera applies them to whole batches. A rule applies where the mapping feeds all its fields. Empty fields pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pandera.errors
import pandera.polars as pa
import polars as pl

from ingestion.connectors.source import LINE

from .columns import WITHHELD
from .mapper import Dataset
from .roll_fields import PERSONAL
from .validators import Finding, Level

VERSION = "1"  # of this list; stored with each load, so that the lineage of a value names the rules it has passed
LARGEST_DWELLING_SQFT = 30_000
NOMINAL_PRICE = 1000  # dollars; deeds between relatives say 1, 10 or 500
VACANT, BUILT = ("vacant_land",), ("single_family", "condominium", "multi_family", "manufactured_home")
LOST_CHARACTERS = "[\x80-\x9f\ufffd\u00c3\u00c2]"  # they appear where cp1252 or UTF-8 was read as another encoding


@dataclass(frozen=True)
class Context:
    """What the rules need to know of the county.

    today: the date there. valid_codes: the validity codes of arm's-length sales.
    boundary: west, south, east and north of its boundary in degrees; None where no boundary is loaded.
    """

    today: date
    valid_codes: tuple[str, ...] = ("", "valid")
    boundary: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Rule:
    """needs: the fields it reads, of which findings name the first. passes: true for a row that is in order."""

    id: str
    level: Level
    reason: str
    needs: tuple[str, ...]
    passes: Callable[[Context], pl.Expr]


def _p(name: str) -> pl.Expr:
    return pl.col(f"properties.{name}")


def _a(name: str) -> pl.Expr:
    return pl.col(f"assessed_values.{name}")


def _s(name: str) -> pl.Expr:
    return pl.col(f"sales.{name}")


def _i(name: str) -> pl.Expr:
    return pl.col(f"improvements.{name}")


def _properties(*names: str) -> tuple[str, ...]:
    return tuple(f"properties.{name}" for name in names)


def _values(*names: str) -> tuple[str, ...]:
    return tuple(f"assessed_values.{name}" for name in names)


def _sales(*names: str) -> tuple[str, ...]:
    return tuple(f"sales.{name}" for name in names)


REFUSE, WARN, INFO = Level.REFUSE, Level.WARN, Level.INFO

RULES: tuple[Rule, ...] = (
    Rule(
        "R-TOTAL", REFUSE, "land + improvement is not the total",
        _values("market_total", "market_land", "market_improvement"),
        lambda c: _a("market_land") + _a("market_improvement") == _a("market_total"),
    ),
    Rule(
        "R-TAXABLE", WARN, "taxable value above the market value", _values("taxable_value", "market_total"),
        lambda c: _a("taxable_value") <= _a("market_total"),
    ),
    Rule(
        "R-EXEMPT", WARN, "exempt value above the market value", _values("exempt_value", "market_total"),
        lambda c: _a("exempt_value") <= _a("market_total"),
    ),
    Rule(
        "R-NEW-CONSTRUCTION", WARN, "new construction above the improvement value",
        _values("new_construction", "market_improvement"),
        lambda c: _a("new_construction") <= _a("market_improvement"),
    ),
    Rule(
        "R-CURRENT-USE", WARN, "current use value above the market value",
        _values("current_use_value", "market_total"),
        lambda c: _a("current_use_value") <= _a("market_total"),
    ),
    Rule(
        "R-NO-VALUE", WARN, "the land has no value", _values("market_land"),
        lambda c: _a("market_land") > 0,
    ),
    Rule(
        "R-VACANT", WARN, "vacant land with an improvement value",
        ("assessed_values.market_improvement", "properties.property_type"),
        lambda c: ~_p("property_type").is_in(VACANT) | (_a("market_improvement") == 0),
    ),
    Rule(
        "R-IMPROVED", WARN, "a dwelling without an improvement value",
        ("assessed_values.market_improvement", "properties.property_type"),
        lambda c: ~_p("property_type").is_in(BUILT) | (_a("market_improvement") > 0),
    ),
    Rule(
        "R-FUTURE-SALE", REFUSE, "lies in the future", _sales("sale_date"),
        lambda c: _s("sale_date") <= c.today,
    ),
    Rule(
        "R-NO-PRICE", WARN, "an arm's-length code, but no price", _sales("sale_price", "validity_code"),
        lambda c: ~_s("validity_code").is_in(c.valid_codes) | (_s("sale_price") > 0),
    ),
    Rule(
        "R-NOMINAL-PRICE", WARN, f"an arm's-length code, but a price of less than {NOMINAL_PRICE:,} dollars",
        _sales("sale_price", "validity_code"),
        lambda c: ~_s("validity_code").is_in(c.valid_codes) | ~_s("sale_price").is_between(1, NOMINAL_PRICE - 1),
    ),
    Rule(
        "R-ZERO-PRICE", INFO, "no price: a transfer, not a sale on the market", _sales("sale_price", "validity_code"),
        lambda c: _s("validity_code").is_in(c.valid_codes) | (_s("sale_price") > 0),
    ),
    Rule(
        "R-YEAR-BUILT", WARN, "built later than next year", _properties("year_built"),
        lambda c: _p("year_built") <= c.today.year + 1,
    ),
    Rule(
        "R-EFFECTIVE-YEAR", WARN, "effective year before the year built", _properties("effective_year", "year_built"),
        lambda c: _p("effective_year") >= _p("year_built"),
    ),
    Rule(
        "R-BUILDING-YEAR", WARN, "built later than next year", ("improvements.year_built",),
        lambda c: _i("year_built") <= c.today.year + 1,
    ),
    Rule(
        "R-LIVING-AREA", WARN, f"a dwelling of more than {LARGEST_DWELLING_SQFT:,} square feet",
        _properties("living_area_sqft", "property_type"),
        lambda c: ~_p("property_type").is_in(("single_family", "condominium", "manufactured_home"))
        | (_p("living_area_sqft") <= LARGEST_DWELLING_SQFT),
    ),
    Rule(
        "R-BASEMENT", WARN, "basement larger than the living area", _properties("basement_sqft", "living_area_sqft"),
        lambda c: _p("basement_sqft") <= _p("living_area_sqft"),
    ),
    Rule(
        "R-BEDROOMS", WARN, "more than 15 bedrooms in one dwelling", _properties("bedrooms", "property_type"),
        lambda c: ~_p("property_type").is_in(("single_family", "condominium", "manufactured_home"))
        | (_p("bedrooms") <= 15),
    ),
    Rule(
        "R-LOT", WARN, "acres and lot differ by more than a tenth", _properties("acres", "lot_sqft"),
        lambda c: (_p("lot_sqft") == 0)
        | (_p("acres") == 0)
        | ((_p("acres").cast(pl.Float64) * 43_560 - _p("lot_sqft")).abs() <= 0.1 * _p("lot_sqft") + 436),
    ),
    Rule(
        "R-POSITION", WARN, "longitude and latitude of 0, 0 are no place in a county",
        _properties("longitude", "latitude"),
        lambda c: (_p("longitude") != 0) | (_p("latitude") != 0),
    ),
    Rule(
        "R-ZIP", WARN, "not a ZIP code of 5 or 9 digits", _properties("zip_code"),
        lambda c: _p("zip_code").str.contains(r"^(\d{5}(-?\d{4})?)?$"),
    ),
    Rule(
        "R-CHARACTERS", WARN, "characters that another encoding has spoilt", _properties("situs_address"),
        lambda c: ~_p("situs_address").str.contains(LOST_CHARACTERS),
    ),
    Rule(
        "R-OWNER-CHARACTERS", WARN, "characters that another encoding has spoilt", ("owners.name",),
        lambda c: ~pl.col("owners.name").str.contains(LOST_CHARACTERS),
    ),
)  # fmt: skip


def rules_for(dataset: Dataset) -> list[Rule]:
    """The rules for which the data set feeds every field."""
    mapped = {f"{target}.{name}" for target, fields in dataset.targets().items() for name in fields}
    return [rule for rule in RULES if mapped.issuperset(rule.needs)]


def schema_for(rules: list[Rule], context: Context) -> pa.DataFrameSchema:
    """The rules as one pandera schema."""
    return pa.DataFrameSchema(
        checks=[pa.Check(_check(rule, context), name=rule.id, error=rule.id) for rule in rules],
        name=f"rules-{VERSION}",
    )


def _check(rule: Rule, context: Context) -> Callable[[pa.PolarsData], pl.LazyFrame]:
    passes = rule.passes(context).fill_null(True)
    return lambda data: data.lazyframe.select(passes)


def broken_rules(
    values: pl.DataFrame, dataset: Dataset, rules: list[Rule], schema: pa.DataFrameSchema
) -> list[Finding]:
    """A finding for each row and each rule that it breaks."""
    needed = sorted({name for rule in rules for name in rule.needs})
    try:
        schema.validate(values.select(needed), lazy=True)
    except pandera.errors.SchemaErrors as errors:
        by_id = {rule.id: rule for rule in rules}
        return [
            finding
            for error in errors.schema_errors
            for finding in _findings(values, dataset, by_id[str(error.check.error)], error.check_output)
        ]
    return []


def _findings(values: pl.DataFrame, dataset: Dataset, rule: Rule, passed: pl.DataFrame) -> list[Finding]:
    target, name = rule.needs[0].split(".", 1)
    column = dataset.targets()[target][name].shown_as or name
    breaking = values.filter(~passed.to_series())
    return [
        Finding(line, column, WITHHELD if name in PERSONAL else str(value), rule.reason, rule.id, rule.level)
        for line, value in breaking.select(LINE, rule.needs[0]).iter_rows()
    ]
