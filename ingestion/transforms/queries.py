"""The query a mapping may put to a legacy database: tables, joins and conditions by name, never SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

# The check against the catalogue would refuse other names too, but only after a connection is made.
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}\.[A-Za-z_][A-Za-z0-9_]{0,127}$")]
Scalar = int | str


class Condition(BaseModel):
    """A column compared with a value. `$tax_year` stands for a variable of the load. Values are always parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: ColumnName
    equals: Scalar | None = None
    not_equals: Scalar | None = None
    is_in: list[Scalar] = Field(default=[], alias="in", max_length=500)
    not_in: list[Scalar] = Field(default=[], max_length=500)
    at_least: Scalar | None = None
    at_most: Scalar | None = None
    is_null: bool | None = None

    @model_validator(mode="after")
    def _one_comparison(self) -> Condition:
        given = self.model_fields_set - {"column"}
        if len(given) != 1:
            raise ValueError("write one of equals, not_equals, in, not_in, at_least, at_most, is_null")
        return self


class Join(BaseModel):
    """A further table. `on` pairs its columns with the columns of earlier tables, or the constants, that they equal.

    totals: for a joined table with several rows for one row of the first. How the rows are combined, by column, so that
    no row of the first table is counted twice.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: Name
    alias: Name | None = Field(default=None, alias="as")
    how: Literal["inner", "left"] = "inner"
    on: dict[Name, ColumnName | int | str] = Field(min_length=1)
    totals: dict[Name, Literal["sum", "max", "min", "count"]] = Field(default={}, max_length=20)

    @property
    def name(self) -> str:
        return self.alias or self.table

    @model_validator(mode="after")
    def _totals_leave_rows_alone(self) -> Join:
        if self.totals and self.how != "left":
            raise ValueError("a join with totals is a left join; write how: left")
        return self


class Query(BaseModel):
    """Rows of a table and of the tables joined to it, read in the order of `key`, which must be unique among them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: Name
    alias: Name | None = Field(default=None, alias="as")
    joins: list[Join] = Field(default=[], max_length=20)
    where: list[Condition] = []
    key: list[ColumnName] = Field(min_length=1, max_length=6)

    @property
    def name(self) -> str:
        return self.alias or self.table

    def tables(self) -> dict[str, str]:
        """The tables, by the names the query gives them."""
        return {self.name: self.table} | {join.name: join.table for join in self.joins}

    @model_validator(mode="after")
    def _known_tables(self) -> Query:
        names = [self.name, *(join.name for join in self.joins)]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two tables are called {', '.join(sorted(twice))}; tell them apart with as")
        for place, column in self.columns():
            if column.split(".")[0] not in names:
                raise ValueError(f"{place}: {column} names no table of the query; tables: {', '.join(names)}")
        return self

    def columns(self) -> Iterator[tuple[str, str]]:
        """Every column in the query itself, with its place there. The fields of a data set name further ones."""
        for number, join in enumerate(self.joins):
            for own, other in join.on.items():
                yield f"joins.{number}.on", f"{join.name}.{own}"
                if is_column(other):
                    yield f"joins.{number}.on", str(other)
        for number, condition in enumerate(self.where):
            yield f"where.{number}", condition.column
        for column in self.key:
            yield "key", column


def is_column(value: Scalar) -> bool:
    """Whether the right side of a join is a column, not a constant or a `$variable`."""
    return isinstance(value, str) and "." in value and not value.startswith("$")
