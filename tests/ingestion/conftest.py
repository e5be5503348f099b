"""A county whose legacy database is the test's own."""

import pytest
from django.db import connection

from ingestion.pipelines import requests
from ingestion.pipelines.requests import Asked, run_load
from tests.factories import a_county

from .pacs import Pacs


@pytest.fixture
def benton(db):
    return a_county("benton")


@pytest.fixture
def pacs(db, monkeypatch):
    """Fills the PACS tables and makes them the county's legacy database."""
    monkeypatch.setattr(requests, "alias_of", lambda county, source: "default")

    def fill(parcels=120, seed=1):
        return Pacs(parcels, seed).write(connection)

    return fill


@pytest.fixture
def load_pacs(benton, settings):
    path = settings.COUNTY_CONFIGS_DIR / "benton" / "mappings.yaml"

    def load(progress=lambda name, rows: None, **options):
        return run_load(Asked(county=benton, source="pacs", mapping=path, **options), progress)

    return load


@pytest.fixture
def mapping_file(tmp_path):
    """Writes a mapping."""

    def write(text):
        path = tmp_path / "mappings.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
