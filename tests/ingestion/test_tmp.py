import time

import pytest
from django.core.management import call_command
from django.db import connection

from ingestion.pipelines import requests
from ingestion.pipelines.requests import *
from tests.factories import a_county
from tests.ingestion.pacs import Pacs


@pytest.mark.django_db
@pytest.mark.timeout(600)
def test_it(monkeypatch, capsys):
    import os

    n = int(os.environ.get("N", "600"))
    t = time.time()
    p = Pacs(n)
    print("gen", time.time() - t)
    c = a_county("benton")
    e = p.write(connection)
    print("written", time.time() - t)
    monkeypatch.setattr(requests, "alias_of", lambda *a: "default")
    for i in range(2):
        t = time.time()
        call_command("bulk_load", "benton", source="pacs")
        print(capsys.readouterr().out[-2500:])
        print(time.time() - t)
    print(e)
    with capsys.disabled():
        pass
