"""What an installation with loads of earlier releases has after `migrate`."""

from datetime import UTC, datetime
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from terrafusion.roll.models import LastLoad
from tests.factories import IngestionRunFactory, a_county

pytestmark = pytest.mark.django_db


def test_the_roll_learns_of_the_last_load_of_each_county():
    benton, king = a_county("benton"), a_county("king")
    for county, status, day in (
        (benton, "loaded", 3),
        (benton, "loaded", 2),
        (benton, "failed", 4),
        (king, "failed", 5),
    ):
        IngestionRunFactory(county=county, status=status, finished_at=datetime(2026, 1, day, tzinfo=UTC))

    migration = import_module("ingestion.migrations.0003_roll_knows_its_last_load")
    migration.tell_the_roll(apps, SimpleNamespace(connection=connection))

    assert list(LastLoad.objects.values_list("county", "loaded_at")) == [("benton", datetime(2026, 1, 3, tzinfo=UTC))]
