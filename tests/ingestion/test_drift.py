"""What a source may change between two loads: whatever the mapping does not read."""

import pytest

from ingestion.pipelines.reports import LoadRefused
from ingestion.pipelines.requests import LoadRequest, run_load
from terrafusion.roll.models import Property
from tests.factories import a_county

pytestmark = pytest.mark.django_db
MAPPING = "properties: {property_id: {column: id}, parcel_number: {column: id}, use_code: {column: use}}\n"


@pytest.fixture
def load(tmp_path, mapping_file):
    county = a_county("demo")

    def run(header, *rows):
        (tmp_path / "roll.csv").write_text("\n".join([header, *rows]) + "\n")
        return run_load(LoadRequest(county=county, source=str(tmp_path / "roll.csv"), mapping=mapping_file(MAPPING)))

    return run


@pytest.mark.parametrize(
    "header", ["id,use,new", "id,use", "note2,id,use", "id,note,note,use", "id,,use", "id,use,note,geometry"]
)
def test_columns_nobody_reads_come_go_move_and_stand_twice(load, header):
    load("id,note,use", "A,x,1")

    load(header, ",".join({"id": "B", "use": "2"}.get(name, "z") for name in header.split(",")))

    assert Property.objects.get(property_id="B").use_code == "2"


@pytest.mark.parametrize(
    ("header", "row", "reason"),
    [
        ("use,note,id", "1,x,A", "another order"),
        ("id,note,use", "A,x,1", None),
    ],
)
def test_columns_that_are_read_stay_where_they_are(load, header, row, reason):
    load("id,note,use", "A,x,1")

    if reason is None:
        load(header, row)
        return
    with pytest.raises(LoadRefused, match=reason):
        load(header, row)


def test_a_column_that_is_read_and_stands_twice_is_named(load):
    with pytest.raises(Exception, match=r"names a column twice: use\. Write which one: use \(1\), use \(2\)"):
        load("id,use,use", "A,1,2")
