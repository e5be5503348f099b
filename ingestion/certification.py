"""Signing off the control totals of a load, and certifying the roll of a tax year."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from county_configs.models import County
from terrafusion.errors import TerraFusionError
from terrafusion.roll.models import AssessedValue, CertifiedRoll

from .models import IngestionRun


class NotReady(TerraFusionError):
    """An earlier step is missing; the sentence names it."""


def sign_off(run: IngestionRun, user: Any) -> None:
    """Records that this user has checked the control totals. Raises NotReady."""
    if run.status != IngestionRun.Status.LOADED:
        raise NotReady(f"Load {run.pk} is not on the roll ({run.get_status_display()}).")
    if not balanced(run):
        raise NotReady(f"The control totals of load {run.pk} do not balance.")
    unsigned = IngestionRun.objects.filter(pk=run.pk, signed_off_by=None)
    if not unsigned.update(signed_off_by=user, signed_off_at=timezone.now()):
        raise NotReady(f"Load {run.pk} is signed off already.")


def balanced(run: IngestionRun) -> bool:
    return all(totals["balanced"] for targets in run.control_totals.values() for totals in targets.values())


def tax_years(run: IngestionRun) -> list[int]:
    """The years of the values in the load's data sets."""
    values = AssessedValue.objects.filter(roll_property__county=run.county_id)
    names = [name for name, targets in run.control_totals.items() if "assessed_values" in targets]
    loaded = [values.filter(lineage__has_key=name) for name in names]
    return sorted({year for of_dataset in loaded for year in of_dataset.values_list("tax_year", flat=True).distinct()})


def certify(run: IngestionRun, tax_year: int, user: Any) -> CertifiedRoll:
    """Certifies the year up to its latest supplement. From then on the database refuses every change to its values."""
    with transaction.atomic():
        County.objects.select_for_update(no_key=True).get(pk=run.county_id)
        latest = _latest_with_values(run.county)
        run.refresh_from_db()
        if run.signed_off_by_id is None:
            raise NotReady(f"The control totals of load {run.pk} must be signed off first.")
        if latest is None or latest.pk != run.pk:
            raise NotReady(f"Load {run.pk} is not the latest load of values; sign off and certify load {latest}.")
        values = AssessedValue.objects.filter(roll_property__county=run.county_id, tax_year=tax_year)
        supplement = values.aggregate(latest=Max("supplement"))["latest"]
        if supplement is None:
            raise NotReady(f"The roll has no values of {tax_year}.")
        certified = CertifiedRoll.objects.filter(county=run.county_id, tax_year=tax_year)
        before = certified.aggregate(latest=Max("supplement"))["latest"]
        if before is not None and before >= supplement:
            raise NotReady(f"{tax_year} is certified up to supplement {before}; there is no later one.")
        open_values = values.filter(supplement__gt=-1 if before is None else before)
        number = open_values.update(status=AssessedValue.Status.CERTIFIED)
        return CertifiedRoll.objects.create(
            county=run.county,
            tax_year=tax_year,
            supplement=supplement,
            values_certified=number,
            control_totals=run.control_totals,
            certified_by=user,
            certified_at=timezone.now(),
        )


def _latest_with_values(county: County) -> IngestionRun | None:
    runs = IngestionRun.objects.filter(county=county, status=IngestionRun.Status.LOADED).order_by("-pk")
    return next(
        (run for run in runs[:50] if any("assessed_values" in targets for targets in run.control_totals.values())), None
    )
