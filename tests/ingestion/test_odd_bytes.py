"""Zero bytes, and texts that only read like one, on their way through a load, on both databases."""

import json

import pytest
from django.core.management import call_command

from ingestion.models import RejectedRow
from terrafusion.roll.models import Property
from tests.factories import a_county

pytestmark = pytest.mark.django_db

MAPPING = """
rejection_limit_percent: 100
properties:
  property_id: {column: id}
  parcel_number: {column: id}
  situs_address: {column: situs}
  acres: {column: acres, type: decimal}
  attributes.note: {column: note}
"""


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", 'a"\\', "{\\u0000}"])
def test_six_characters_that_read_like_a_zero_byte_are_kept_as_they_are(tmp_path, text):
    county = a_county("demo")
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    cell = '"' + text.replace('"', '""') + '"'
    (tmp_path / "roll.csv").write_text(f"id,situs,acres,note\nA,{cell},1,{cell}\nB,{cell},x,{cell}\nC,\x00,1,a\x00b\n")

    call_command("bulk_load", county.pk, source=tmp_path / "roll.csv", mapping=tmp_path / "mapping.yaml")

    loaded = Property.objects.get()
    assert (loaded.situs_address, loaded.attributes) == (text, {"note": text})
    bad, zero = RejectedRow.objects.order_by("line")
    assert bad.raw == {"id": "B", "situs": text, "acres": "x", "note": text}
    assert zero.raw == {"id": "C", "situs": "\u2400", "acres": "1", "note": "a\u2400b"}
    assert "\\u0000" not in json.dumps(zero.raw)
