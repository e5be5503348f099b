"""Retires records that a complete source no longer has.

They are not deleted, because estimates, sales and history refer to them.
"""

from __future__ import annotations

from django.db import connection

from ingestion.connectors.source import LINE
from terrafusion.errors import TerraFusionError
from terrafusion.roll.models import LayerFeature, Owner, Property

from .merge import Merge
from .plan import Plan, key_columns
from .statements import analyze, copy_in, fetch, quoted, run

_SEEN = "stage_seen"


class TooManyMissing(TerraFusionError):
    """A source that has lost a large part of its records is more likely cut short than right."""


def retire_missing(merge: Merge, plan: Plan, notes: list[str]) -> None:
    """Retires records that the source does not name. A row that was refused still names its record."""
    if not merge.target.retires or merge.updates_only:
        return
    keys = key_columns(merge.dataset, merge.target.name)
    seen = merge.staged.scan(LINE, *keys)
    if seen.select(keys).null_count().sum_horizontal()[0]:
        notes.append(f"{merge.staged.name}: nothing was retired, because a rejected row does not say its key.")
        return
    run(f"DROP TABLE IF EXISTS {_SEEN}")
    marks = ", ".join(f"CAST(NULL AS text) AS k{number}" for number, _ in enumerate(keys))
    run(f"CREATE TEMPORARY TABLE {_SEEN} AS SELECT {marks} WHERE 1 = 0")
    frame = seen.select(keys).unique().rename({name: f"k{number}" for number, name in enumerate(keys)})
    copy_in(_SEEN, frame, lambda name: None)
    run(f"CREATE INDEX {_SEEN}_keys ON {_SEEN} ({', '.join(frame.columns)})")
    analyze(_SEEN)
    _retire(merge, notes)
    run(f"DROP TABLE {_SEEN}")


def _retire(merge: Merge, notes: list[str]) -> None:
    table, properties = quoted(merge.target.table), quoted(Property._meta.db_table)
    names = merge.target.key
    same = " AND ".join(f"CAST({_key(merge, name)} AS text) = k{number}" for number, name in enumerate(names))
    scope = "t.county_id = %s"
    origin = f"{table} t"
    if merge.target.hangs_on_property:
        origin += f" JOIN {properties} p ON p.id = t.roll_property_id"
        scope = "p.county_id = %s"
    # A load of one tax year or one layer says nothing about the others.
    if merge.target.model is Owner:
        scope += f" AND t.tax_year IN (SELECT CAST(k1 AS integer) FROM {_SEEN})"
    if merge.target.model is LayerFeature:
        scope += f" AND t.layer IN (SELECT k0 FROM {_SEEN})"
    alive = f"FROM {origin} WHERE {scope} AND t.retired_at IS NULL"
    missing = f"{alive} AND NOT EXISTS (SELECT 1 FROM {_SEEN} WHERE {same})"
    county = [merge.county.pk]
    before = fetch(f"SELECT count(*) {alive}", county)[0][0]
    gone = fetch(f"SELECT count(*) {missing}", county)[0][0]
    limit = merge.dataset.retirement_limit_percent
    if gone and 100 * gone > limit * before:
        raise TooManyMissing(
            f"{merge.staged.name}: {gone:,} of {before:,} {merge.target.name} on the roll are missing from the source, "
            f"more than the {limit:g} % allowed (retirement_limit_percent); nothing was written."
        )
    moment = connection.ops.adapt_datetimefield_value(merge.now)
    stamp = ", updated_at = %s" if merge.target.model is not Owner and "updated_at" in _columns(merge) else ""
    merge.tally.retired = run(
        f"UPDATE {table} SET retired_at = %s{stamp} WHERE id IN (SELECT t.id {missing})",
        [moment, *([moment] if stamp else []), *county],
    )
    if merge.tally.retired:
        notes.append(f"{merge.staged.name}: {merge.tally.retired:,} {merge.target.name} retired.")


def _key(merge: Merge, name: str) -> str:
    return "p.property_id" if name == "property_id" and merge.target.hangs_on_property else f"t.{quoted(name)}"


def _columns(merge: Merge) -> set[str]:
    return {field.name for field in merge.target.model._meta.concrete_fields}
