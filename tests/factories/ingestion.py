"""Files handed in, loads of them, and the rows a load refused."""

import hashlib
from datetime import UTC, datetime, timedelta

import factory
from django.core.files.base import ContentFile
from factory.django import DjangoModelFactory

from ingestion.models import IngestionRun, RejectedRow, SourceFile

from .counties import CountyFactory

HANDED_IN = datetime(2026, 1, 2, 8, 0, tzinfo=UTC)


class SourceFileFactory(DjangoModelFactory):
    """A file of `content` (bytes), stored when the row is."""

    class Meta:
        model = SourceFile

    class Params:
        content = b"parcel_number\n1-00001-000\n"

    county = factory.SubFactory(CountyFactory)
    name = factory.Sequence(lambda number: f"roll-{number + 1}.csv")
    file = factory.LazyAttribute(lambda source: ContentFile(source.content, name=source.name))
    size_bytes = factory.LazyAttribute(lambda source: len(source.content))
    sha256 = factory.LazyAttribute(lambda source: hashlib.sha256(source.content).hexdigest())
    uploaded_at = HANDED_IN


class IngestionRunFactory(DjangoModelFactory):
    """A load that is on the roll; each began a minute after the one before."""

    class Meta:
        model = IngestionRun

    county = factory.SubFactory(CountyFactory)
    source = "roll.csv"
    mapping_name = "mappings.yaml"
    mapping_sha256 = "0" * 64
    mapping = factory.LazyFunction(lambda: {"properties": {"parcel_number": {"column": "parcel_number"}}})
    rules_version = "1"
    status = IngestionRun.Status.LOADED
    started_at = factory.Sequence(lambda number: HANDED_IN + timedelta(minutes=number))
    finished_at = factory.LazyAttribute(lambda run: run.started_at + timedelta(seconds=30))


class RejectedRowFactory(DjangoModelFactory):
    """A row whose total is not what land and improvement make."""

    class Meta:
        model = RejectedRow

    run = factory.SubFactory(IngestionRunFactory)
    dataset = "main"
    line = factory.Sequence(lambda number: number + 2)  # below the header
    raw = factory.LazyFunction(lambda: {"land": "70", "building": "30", "total": "99"})
    column = "total"
    value = "99"
    rule = "R-TOTAL"
    reason = "Land 70 and improvement 30 make 100, not 99."
