"""What a reader loses is seen before anything is written: the source is counted by another way than it is read."""

import pytest
from django.core.management import CommandError, call_command

from ingestion.connectors.texts.text_files import TextFile
from terrafusion.roll.models import Property
from tests.factories import a_county

pytestmark = pytest.mark.django_db

MAPPING = "properties: {property_id: {column: id}, parcel_number: {column: id}}\n"


@pytest.fixture
def load(tmp_path, capsys):
    county = a_county("demo")
    (tmp_path / "mapping.yaml").write_text(MAPPING)

    def run(path, **options):
        call_command("bulk_load", county.pk, source=path, mapping=tmp_path / "mapping.yaml", **options)
        return capsys.readouterr().out

    return run


def test_a_reader_that_loses_rows_stops_the_load_with_both_counts(load, tmp_path, monkeypatch):
    (tmp_path / "roll.csv").write_text("id\nA1\nA2\nA3\n")
    whole = TextFile._plain
    monkeypatch.setattr(TextFile, "_careful", lambda *args: pytest.fail("the plain reader must take these lines"))
    monkeypatch.setattr(TextFile, "_plain", lambda self, block, names, lines: whole(self, block, names, lines).head(2))

    with pytest.raises(CommandError, match=r"roll\.csv holds 3 rows by its own count, but 2 were read; nothing"):
        load(tmp_path / "roll.csv")
    assert not Property.objects.exists()


def test_the_count_of_the_source_stands_beside_what_was_read(load, tmp_path):
    (tmp_path / "roll.csv").write_text("id\nA1\nA2\n")

    assert "Read 2 rows, rejected 0." in (out := load(tmp_path / "roll.csv"))
    assert "The source's own count: 2." in out
