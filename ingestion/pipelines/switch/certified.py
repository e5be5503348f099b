"""Rejects rows that would change a certified roll. A correction must come as a later supplement."""

from __future__ import annotations

from terrafusion.roll.models import AssessedValue, CertifiedRoll, Property

from .merge import Merge
from .statements import quoted

REASON = "the tax year is certified up to this supplement; send a correction as a later supplement"


def refuse_changes_of_certified(merge: Merge) -> None:
    """Removes such rows from the staged values before the upsert, which the database would refuse as a whole."""
    if merge.target.model is not AssessedValue:
        return
    if not CertifiedRoll.objects.filter(county=merge.county).exists():
        return
    stage, values = quoted(merge.stage), quoted(AssessedValue._meta.db_table)
    certified, properties = quoted(CertifiedRoll._meta.db_table), quoted(Property._meta.db_table)
    names = [name for name in merge.columns() if name not in merge.conflict]
    same = " AND ".join(f"t.{quoted(name)} IS NOT DISTINCT FROM {stage}.{quoted(name)}" for name in names)
    merge.take_out(
        f"EXISTS (SELECT 1 FROM {certified} c JOIN {properties} p ON p.county_id = c.county_id "
        f"WHERE p.id = {stage}.roll_property_id AND c.tax_year = {stage}.tax_year "
        f"AND {stage}.supplement <= c.supplement) "
        f"AND NOT EXISTS (SELECT 1 FROM {values} t WHERE {merge.on(stage, 't')} AND {same})",
        REASON,
        "R-CERTIFIED",
    )
