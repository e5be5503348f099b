"""Ties the sales of a load to the parcels they convey, and removes ties that no longer hold, inside the switch."""

from __future__ import annotations

from django.db import connection

from terrafusion.roll.models import Property, Sale, SaleParcel

from .merge import Merge, warned
from .plan import Plan
from .statements import analyze, copy_in, fetch, quoted, run

_LINKS = "stage_links"


def tie_parcels(merge: Merge, plan: Plan) -> None:
    """Ties every staged sale to the parcels of its deed. A parcel that is not on the roll is reported."""
    run(f"DROP TABLE IF EXISTS {_LINKS}")
    run(
        f"CREATE TEMPORARY TABLE {_LINKS} AS SELECT CAST(NULL AS bigint) AS line, CAST(NULL AS text) AS sale_id, "
        "CAST(NULL AS text) AS property_id, CAST(NULL AS boolean) AS refused, CAST(NULL AS bigint) AS sale_pk, "
        "CAST(NULL AS bigint) AS property_pk WHERE 1 = 0"
    )
    frame = plan.tied().rename({"__line__": "line"}).select("line", "sale_id", "property_id", "refused")
    copy_in(_LINKS, frame, lambda name: None)
    run(f"CREATE INDEX {_LINKS}_sale_id ON {_LINKS} (sale_id)")
    run(f"CREATE INDEX {_LINKS}_property_id ON {_LINKS} (property_id)")
    analyze(_LINKS)
    sales, parcels, properties = (quoted(model._meta.db_table) for model in (Sale, SaleParcel, Property))
    county = [merge.county.pk]
    match = quoted(merge.dataset.match)
    run(
        f"UPDATE {_LINKS} SET sale_pk = s.id FROM {sales} s WHERE s.county_id = %s AND s.sale_id = {_LINKS}.sale_id",
        county,
    )
    run(
        f"UPDATE {_LINKS} SET property_pk = p.id FROM {properties} p "
        f"WHERE p.county_id = %s AND p.{match} = {_LINKS}.property_id",
        county,
    )
    run(f"CREATE INDEX {_LINKS}_keys ON {_LINKS} (sale_pk, property_pk)")
    analyze(_LINKS)
    absent = fetch(f"SELECT line, property_id FROM {_LINKS} WHERE property_pk IS NULL AND refused = {_false()}")
    reason = "is not on the roll; the sale is kept without it"
    merge.findings += [warned(line, key, reason, "R-PARCEL-NOT-ON-ROLL") for line, key in absent]
    analyze(parcels)  # an earlier load may have filled it a moment ago
    _touch_and_tie(merge, sales, parcels)
    run(f"DROP TABLE {_LINKS}")


def _touch_and_tie(merge: Merge, sales: str, parcels: str) -> None:
    staged = f"(SELECT DISTINCT sale_pk FROM {_LINKS} WHERE refused = {_false()})"
    stale = (
        f"sp.sale_id IN {staged} AND NOT EXISTS (SELECT 1 FROM {_LINKS} l WHERE l.sale_pk = sp.sale_id "
        "AND l.property_pk = sp.roll_property_id)"
    )
    missing = (
        f"SELECT DISTINCT l.sale_pk, l.property_pk FROM {_LINKS} l WHERE l.refused = {_false()} "
        "AND l.sale_pk IS NOT NULL AND l.property_pk IS NOT NULL AND NOT EXISTS "
        f"(SELECT 1 FROM {parcels} sp WHERE sp.sale_id = l.sale_pk AND sp.roll_property_id = l.property_pk)"
    )
    # Readers of `updated_since` must learn that a sale conveys other parcels than before.
    moment = connection.ops.adapt_datetimefield_value(merge.now)
    touched = run(
        f"UPDATE {sales} SET updated_at = %s WHERE updated_at <> %s AND id IN "
        f"(SELECT sp.sale_id FROM {parcels} sp WHERE {stale} UNION SELECT sale_pk FROM ({missing}) m)",
        [moment, moment],
    )
    merge.tally.updated += touched
    merge.tally.unchanged -= touched
    run(f"DELETE FROM {parcels} WHERE id IN (SELECT sp.id FROM {parcels} sp WHERE {stale})")
    run(f"INSERT INTO {parcels} (sale_id, roll_property_id) {missing}")


def _false() -> str:
    return "false" if connection.vendor == "postgresql" else "0"
