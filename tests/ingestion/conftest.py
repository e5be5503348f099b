"""A county whose legacy database is the test's own, and one whose folder is."""

import pytest
from django.db import connection
from django.test import Client

from ingestion.pipelines import requests
from ingestion.pipelines.requests import LoadRequest, run_load
from tests.factories import a_county, a_user

from .pacs import Pacs
from .small_roll import MAPPING


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
        return run_load(LoadRequest(county=benton, source="pacs", mapping=path, **options), progress)

    return load


@pytest.fixture
def mapping_file(tmp_path):
    """Writes a mapping."""

    def write(text):
        path = tmp_path / "mappings.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def configs(tmp_path, settings):
    """A county of its own, whose folder the test writes."""
    source = settings.COUNTY_CONFIGS_DIR / "demo" / "county.yaml"
    folder = tmp_path / "configs" / "demo"
    folder.mkdir(parents=True)
    (folder / "county.yaml").write_text(source.read_text())
    (folder / "mappings.yaml").write_text(MAPPING)
    settings.COUNTY_CONFIGS_DIR = tmp_path / "configs"
    return a_county("demo")


@pytest.fixture
def supervisor(configs):
    return a_user("supervisor", configs, role="supervisor", is_staff=True)


@pytest.fixture
def browser(supervisor):
    client = Client()
    client.force_login(supervisor)
    return client
