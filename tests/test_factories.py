"""Each factory alone makes a row the product would accept, and the same one whenever it runs."""

import pytest
from django.db import models

from terrafusion.jobs.api.serializers import job_json, result_json
from terrafusion.jobs.registry import registered_kinds
from terrafusion.roll.models import SaleParcel
from tests.factories import (
    JOB_FACTORIES,
    PropertyFactory,
    SaleFactory,
    SaleParcelFactory,
    UserFactory,
    a_county,
    save_deeds,
    start_anew,
)
from tests.factories.sequences import factories

pytestmark = pytest.mark.django_db

FACTORIES = {made._meta.model.__name__: made for made in factories()}


def left_alone(row: models.Model) -> list[str]:
    """Columns nobody has filled in: what the product fills in later, which no form asks for."""
    return [field.name for field in row._meta.concrete_fields if getattr(row, field.attname) == field.get_default()]


@pytest.mark.parametrize("model", FACTORIES)
def test_a_factory_makes_a_row_that_is_valid(model):
    row = FACTORIES[model]()

    row.full_clean(exclude=left_alone(row))
    row.refresh_from_db()
    row.full_clean(exclude=left_alone(row))


@pytest.mark.parametrize("model", sorted(FACTORIES.keys() - {"County"}))
def test_a_factory_makes_as_many_rows_as_are_asked_for(model):
    assert len({row.pk for row in FACTORIES[model].create_batch(3)}) == 3


def test_a_row_does_not_depend_on_what_was_made_before():
    first = PropertyFactory.build(county=None), UserFactory.build()
    start_anew()
    again = PropertyFactory.build(county=None), UserFactory.build()

    described = ("property_id", "parcel_number", "situs_address", "living_area_sqft", "quality", "latitude")
    assert [getattr(first[0], name) for name in described] == [getattr(again[0], name) for name in described]
    assert first[1].username == again[1].username


def test_every_kind_of_job_has_a_factory():
    assert sorted(JOB_FACTORIES) == [kind.name for kind in registered_kinds()]


@pytest.mark.parametrize("kind", JOB_FACTORIES)
def test_a_job_is_shown_at_each_stage_of_its_life(kind):
    county = a_county("demo")
    stages = {"running": "RUNNING", "completed": "COMPLETED", "failed": "FAILED"}
    waiting = JOB_FACTORIES[kind](county=county)

    assert job_json(waiting)["status"] == "PENDING"
    for stage, status in stages.items():
        job = JOB_FACTORIES[kind](county=county, **{stage: True})
        job.full_clean(exclude=left_alone(job))
        shown = result_json(job)
        assert (shown["status"], shown["result"] is None) == (status, status != "COMPLETED")
        assert (job.completed_at is None) == job.is_open


def test_deeds_are_saved_in_bulk_with_their_parcels():
    houses = [PropertyFactory(), PropertyFactory()]

    save_deeds([SaleParcelFactory.build(roll_property=house) for house in houses])

    assert list(SaleParcel.objects.order_by("pk").values_list("roll_property", "sale__county")) == [
        (house.pk, "demo") for house in houses
    ]
    assert len(set(SaleFactory._meta.model.objects.values_list("sale_id", flat=True))) == 2
