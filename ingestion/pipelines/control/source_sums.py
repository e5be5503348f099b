"""Compares the dollars that a database itself sums with those that were read from its rows.

The number of rows can be right while an amount is not. A difference stops the load before anything is written.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Protocol, runtime_checkable

from ingestion.connectors.source import Source, UnreadableSource
from ingestion.transforms.mapper import FieldMapping

from ..staging import StagedSet
from .amounts import SOURCE, amount_fields, as_kept, as_read

SUMS_FILE = "sums.json"


@runtime_checkable
class Summed(Protocol):
    """A source that can add up its columns in another way than its reader does."""

    def sums(self) -> dict[str, Decimal]:
        """The sum of every column whose numbers are exact, by the column's name."""


def check_sums(staged: StagedSet, source: Source) -> None:
    """Raises UnreadableSource, which states both sums, if they differ.

    A staged set is checked only once, because the rows of the database may change later.
    """
    sums_file = staged.folder / SUMS_FILE
    if sums_file.exists() or not isinstance(source, Summed) or not staged.state.parts:
        return
    sums = source.sums()
    compared = {}
    for target, name, mapping in amount_fields(staged.dataset):
        expected = _sum_of(mapping, sums)
        if expected is None:
            continue
        column = f"{SOURCE}{target}.{name}"
        read = Decimal(staged.scan(column)[column].sum() or 0)
        if read != expected:
            own, ours = as_read(as_kept(expected)), as_read(as_kept(read))
            raise UnreadableSource(
                f"{source.name}: {mapping.shown_as} comes to ${own} by the database's own sum, but ${ours} was read; "
                "nothing was written. Load again when nobody changes its rows."
            )
        compared[f"{target}.{name}"] = as_kept(expected)
    sums_file.write_text(json.dumps(compared))


def _sum_of(mapping: FieldMapping, sums: dict[str, Decimal]) -> Decimal | None:
    """The sum of the field's amounts, or None if it does not follow from the sums of its columns."""
    plain = mapping.or_column is None and not mapping.implied_decimals and not mapping.unknown
    names = mapping.source_columns
    if not plain or not names or mapping.default not in (None, "0") or not all(name in sums for name in names):
        return None
    first, *others = (sums[name] for name in names)
    if mapping.combine == "first":
        return None
    return first - sum(others) if mapping.combine == "subtract" else first + sum(others)
